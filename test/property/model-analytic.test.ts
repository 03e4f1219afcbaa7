import assert from 'node:assert/strict';
import { test } from 'node:test';
import { predictAnalytic } from '../../src/model/analytic/analytic-model.js';
import { guestMemory } from '../../src/model/qemu/guest-memory.js';
import { PC_MACHINE } from '../../src/model/qemu/machine-profile.js';
import { LIMITS, type RunResult } from '../../src/result/run-result.js';
import type { Guest, Scenario } from '../../src/scenario/scenario.js';
import fc from '../fast-check.js';
import { calibrationWith, MIB, scenarioWith } from '../unit/model/drive-thread.js';

const CALIBRATION = calibrationWith();

const sizes = fc
  .record({ mib: fc.integer({ min: 1, max: 4096 }), share: fc.double({ min: 0, max: 1, noNaN: true }) })
  .map(({ mib, share }) => ({ memoryBytes: mib * MIB, filledBytes: Math.floor(mib * 256 * share) * 4096 }));
const idleGuest: fc.Arbitrary<Guest> = sizes.map((each) => ({ ...each, workload: { kind: 'idle' } }));
const anyGuest: fc.Arbitrary<Guest> = sizes.chain(({ memoryBytes, filledBytes }) => {
  const filled = Math.max(4096, filledBytes);
  const pagesPerSecond = fc.double({ min: 0, max: 300_000, noNaN: true });
  const workingSetBytes = fc.integer({ min: 4096, max: filled });
  const share = fc.double({ min: 0.001, max: 1, noNaN: true });
  return fc
    .oneof(
      fc.constant({ kind: 'idle' as const }),
      fc.record({
        kind: fc.constantFrom('uniform' as const, 'sequential' as const),
        pagesPerSecond,
        workingSetBytes,
      }),
      fc.record({
        kind: fc.constant('hot-set' as const),
        pagesPerSecond,
        workingSetBytes,
        hotShare: share,
        hotWrites: share,
      }),
    )
    .map((workload) => ({ memoryBytes, filledBytes: filled, workload }));
});
const network: fc.Arbitrary<Partial<Scenario['network']>> = fc.record({
  linkBps: fc.double({ min: 1e7, max: 4e11, noNaN: true }),
  rttUs: fc.double({ min: 0, max: 200_000, noNaN: true }),
  loss: fc.constantFrom(0, 0, 1e-6, 1e-3, 0.1),
  mtu: fc.integer({ min: 1280, max: 9000 }),
  mss: fc.constantFrom('auto' as const, 524, 1460),
  queuePackets: fc.integer({ min: 1, max: 10_000 }),
  family: fc.constantFrom('ipv4' as const, 'ipv6' as const),
  congestionControl: fc.constantFrom('cubic' as const, 'reno' as const),
});
const ipsec: fc.Arbitrary<Partial<Scenario['ipsec']>> = fc.record({
  esp: fc.constantFrom(null, 'aes128gcm16'),
  ah: fc.constantFrom(null, 'sha256'),
  mode: fc.constantFrom('transport' as const, 'tunnel' as const),
});
const host = fc.record({
  cores: fc.integer({ min: 1, max: 16 }),
  cpuShare: fc.double({ min: 0.01, max: 1, noNaN: true }),
});
const channel = fc.record({ network, ipsec, source: host, destination: host });
const migration: fc.Arbitrary<Partial<Scenario['migration']>> = fc.record({
  maxBandwidth: fc.constantFrom(0, 10_000_000, 134_217_728),
  downtimeLimitMs: fc.integer({ min: 1, max: 5000 }),
  multifdChannels: fc.constantFrom(0, 1, 2, 8),
  autoConverge: fc.boolean(),
  postcopyAfterIterations: fc.constantFrom(null, null, 1, 3),
  timeoutMs: fc.constantFrom(10_000, 600_000),
});
const xbzrle = fc.constantFrom(
  null,
  { cacheBytes: 64 * MIB, deltaShare: 0.1 },
  { cacheBytes: 8192, deltaShare: 0.9 },
);
const compression = fc.constantFrom(null, {
  ratio: 0.4,
  sourceNsPerPage: 20_000,
  destinationNsPerPage: 8000,
});
/** QEMU has XBZRLE without multifd and compression with it. */
const features: fc.Arbitrary<Partial<Scenario['migration']>> = fc
  .tuple(migration, xbzrle, compression)
  .map(([parameters, xbzrle, compression]) =>
    parameters.multifdChannels === 0 ? { ...parameters, xbzrle } : { ...parameters, compression },
  );

function checkRun(run: RunResult, guest: Guest): void {
  const { stream, wire } = run;
  for (const value of [run.totalTimeMs, run.setupMs, run.throughputBps, wire.bytes, wire.packets]) {
    assert.ok(Number.isFinite(value) && value >= 0, `${value}`);
  }
  const layers = Object.values(wire.bytesByLayer).reduce((sum, bytes) => sum + bytes, 0);
  assert.equal(layers, wire.bytes);
  assert.ok(wire.bytesByLayer.payload >= stream.bytes);
  const shares = LIMITS.reduce((sum, limit) => sum + run.timeByLimit[limit], 0);
  assert.ok(Math.abs(shares - 1) < 1e-9);
  const sum = (key: 'pages' | 'zeroPages'): number =>
    run.iterations.reduce((total, iteration) => total + iteration[key], 0);
  assert.ok(Math.abs(sum('zeroPages') - stream.zeroPages) <= 1);
  assert.ok(sum('pages') >= stream.normalPages - 1);
  const { pages, zeroPages } = guestMemory(guest, PC_MACHINE);
  assert.ok(stream.zeroPages <= zeroPages);
  if (!run.converged) return;
  assert.equal(stream.zeroPages, zeroPages);
  assert.ok(sum('pages') >= pages - zeroPages - 1);
  assert.ok(run.downtimeMs! >= 0 && run.standstillMs! >= run.downtimeMs!);
  assert.ok(run.downtimeMs! <= run.totalTimeMs);
}

test('whatever the scenario, what comes out adds up', () => {
  fc.assert(
    fc.property(anyGuest, channel, features, (guest, parts, parameters) => {
      const scenario = scenarioWith({ guest, ...parts, migration: parameters });
      checkRun(predictAnalytic(scenario, CALIBRATION), guest);
    }),
    { numRuns: 500 },
  );
});

test('an idle guest is sent page by page exactly once', () => {
  fc.assert(
    fc.property(idleGuest, channel, migration, (guest, parts, parameters) => {
      const scenario = scenarioWith({
        guest,
        ...parts,
        migration: { ...parameters, postcopyAfterIterations: null, timeoutMs: 1e9 },
      });
      const run = predictAnalytic(scenario, CALIBRATION);
      const { normalPages, zeroPages } = guestMemory(guest, PC_MACHINE);
      assert.equal(run.converged, true);
      assert.equal(run.stream.normalPages, normalPages);
      assert.equal(run.stream.zeroPages, zeroPages);
    }),
    { numRuns: 200 },
  );
});

/** When the guest goes on at the destination: QEMU's total time ends when the socket has the last byte. */
function arrivalMs(run: RunResult): number {
  return run.totalTimeMs - run.downtimeMs! + run.standstillMs!;
}

const faster: readonly [string, (scenario: Scenario, factor: number) => Scenario][] = [
  [
    'a faster link',
    (scenario, factor) => ({
      ...scenario,
      network: { ...scenario.network, linkBps: scenario.network.linkBps * factor },
    }),
  ],
  [
    'more max-bandwidth',
    (scenario, factor) => ({
      ...scenario,
      migration: {
        ...scenario.migration,
        maxBandwidth: Math.round(scenario.migration.maxBandwidth * factor),
      },
    }),
  ],
  [
    'a shorter round trip',
    (scenario, factor) => ({
      ...scenario,
      network: { ...scenario.network, rttUs: scenario.network.rttUs / factor },
    }),
  ],
];

for (const [title, change] of faster) {
  test(`with ${title} an idle guest is there no later, but for the end of a section and the threshold of a window`, () => {
    fc.assert(
      fc.property(
        idleGuest,
        channel,
        fc.constantFrom(0, 10_000_000, 134_217_728),
        fc.double({ min: 1, max: 20, noNaN: true }),
        (guest, parts, maxBandwidth, factor) => {
          // A queue that is too short for its path is a place of its own, which a faster link makes narrower.
          const roomy = { ...parts, network: { ...parts.network, queuePackets: 1e6 } };
          const slow = scenarioWith({ guest, ...roomy, migration: { maxBandwidth, timeoutMs: 1e9 } });
          const before = arrivalMs(predictAnalytic(slow, CALIBRATION));
          const after = arrivalMs(predictAnalytic(change(slow, factor), CALIBRATION));
          assert.ok(after <= before * 1.002 + 120, `${after} ms instead of ${before}`);
        },
      ),
      { numRuns: 200 },
    );
  });
}

test('more loss makes it no faster', () => {
  fc.assert(
    fc.property(idleGuest, channel, fc.constantFrom(0, 1e-5, 1e-3), (guest, parts, loss) => {
      const at = (share: number): number =>
        arrivalMs(
          predictAnalytic(
            scenarioWith({
              guest,
              ...parts,
              network: { ...parts.network, loss: share },
              migration: { timeoutMs: 1e9 },
            }),
            CALIBRATION,
          ),
        );
      assert.ok(at(loss) <= at(loss * 4 + 1e-6) * 1.002 + 120);
    }),
    { numRuns: 100 },
  );
});
