import assert from 'node:assert/strict';
import { test } from 'node:test';
import { predictAnalytic } from '../../../src/model/analytic/analytic-model.js';
import { predictPacket } from '../../../src/model/predict-packet.js';
import type { Limit, RunResult } from '../../../src/result/run-result.js';
import { calibrationWith, MIB, type ScenarioParts, scenarioWith } from './drive-thread.js';

type Costs = Parameters<typeof calibrationWith>[0];

interface Case {
  readonly title: string;
  readonly limit: Limit;
  readonly parts?: ScenarioParts;
  readonly costs?: Costs;
  /** Acknowledgements of a destination that reads late are few, and not known well. */
  readonly cpuTolerance?: number;
  /** A write that finds the window open ends with a segment that is not full: one in eight does where segments are large. */
  readonly wireTolerance?: number;
}

const ONE_CORE = { cores: 1, cpuShare: 1 };
const FAST_LINK = { linkBps: 100e9 };
const DEAR = { packetNs: 5000, byteNs: 1 };

/** Long transfers without loss, with one narrow place: where both levels must agree. */
const CASES: readonly Case[] = [
  { title: 'a link of 1 Gbit/s', limit: 'link', parts: { network: { linkBps: 1e9 } } },
  { title: 'a link of 10 Gbit/s', limit: 'link' },
  {
    title: 'a link with jumbo frames',
    limit: 'link',
    parts: { network: { mtu: 9000 } },
    wireTolerance: 0.012,
  },
  {
    title: 'a link of 1 Gbit/s under AES-GCM and AH',
    limit: 'link',
    parts: { network: { linkBps: 1e9 }, ipsec: { esp: 'aes128gcm16', ah: 'sha256' } },
  },
  {
    title: 'a link of 1 Gbit/s with fragments',
    limit: 'link',
    parts: { network: { linkBps: 1e9, mss: 1448 }, ipsec: { esp: 'aes128gcm16' } },
  },
  {
    title: 'a link with 10 ms of round trip',
    limit: 'link',
    parts: {
      network: { linkBps: 1e9, rttUs: 10_000 },
      guest: { memoryBytes: 512 * MIB, filledBytes: 512 * MIB, workload: { kind: 'idle' } },
    },
  },
  {
    title: 'four multifd connections on a link',
    limit: 'link',
    parts: { migration: { multifdChannels: 4 } },
  },
  {
    title: 'a source that sends dearly',
    limit: 'sourceCpu',
    parts: { network: FAST_LINK },
    costs: { send: DEAR },
  },
  {
    title: 'a source of one core that sends dearly',
    limit: 'sourceCpu',
    parts: { network: FAST_LINK, source: ONE_CORE },
    costs: { send: DEAR },
  },
  {
    title: 'a source whose QEMU is slow',
    limit: 'sourceCpu',
    parts: { network: FAST_LINK },
    costs: { pageNs: 20_000 },
  },
  {
    title: 'a destination that receives dearly',
    limit: 'destinationCpu',
    parts: { network: FAST_LINK },
    costs: { receive: DEAR },
  },
  {
    title: 'a destination of one core that receives dearly',
    limit: 'destinationCpu',
    parts: { network: FAST_LINK, destination: ONE_CORE },
    costs: { receive: DEAR },
    cpuTolerance: 0.12,
  },
  {
    title: 'a destination whose QEMU is slow',
    limit: 'destinationCpu',
    parts: { network: FAST_LINK },
    costs: { storePageNs: 20_000 },
  },
  {
    title: 'a destination of one core whose QEMU is slow',
    limit: 'destinationCpu',
    parts: { network: FAST_LINK, destination: ONE_CORE },
    costs: { storePageNs: 20_000 },
  },
  {
    title: 'max-bandwidth',
    limit: 'maxBandwidth',
    parts: { migration: { maxBandwidth: 125_000_000 } },
  },
];

function differs(one: number, other: number): number {
  return Math.abs(one / other - 1);
}

function checkWire(analytic: RunResult, packet: RunResult, tolerance: number): void {
  assert.ok(differs(analytic.wire.packets, packet.wire.packets) < tolerance);
  assert.ok(differs(analytic.wire.bytes, packet.wire.bytes) < 0.005);
  assert.equal(analytic.wire.fragments > 0, packet.wire.fragments > 0);
}

for (const { title, limit, parts, costs, cpuTolerance = 0.05, wireTolerance = 0.005 } of CASES) {
  test(`${title}: formulas and packets agree within 3 % on time, ${wireTolerance * 100} % on the wire and ${cpuTolerance * 100} % on processors`, () => {
    const scenario = scenarioWith(parts);
    const calibration = calibrationWith(costs);
    const analytic = predictAnalytic(scenario, calibration);
    const packet = predictPacket(scenario, calibration);
    const times = `${analytic.totalTimeMs} and ${packet.totalTimeMs} ms`;
    assert.ok(differs(analytic.totalTimeMs, packet.totalTimeMs) < 0.03, times);
    assert.equal(analytic.limitedBy, limit);
    assert.equal(packet.limitedBy, limit);
    checkWire(analytic, packet, wireTolerance);
    for (const host of ['source', 'destination'] as const) {
      const [one, other] = [analytic.cpu[host].seconds, packet.cpu[host].seconds];
      assert.ok(differs(one, other) < cpuTolerance, `${host}: ${one} and ${other} s`);
    }
    assert.equal(analytic.stream.normalPages, packet.stream.normalPages);
    assert.equal(analytic.stream.zeroPages, packet.stream.zeroPages);
    assert.ok(differs(analytic.stream.bytes, packet.stream.bytes) < 1e-3);
  });
}

test('both find that a guest that writes faster than the link carries does not converge', () => {
  const guest = {
    memoryBytes: 256 * MIB,
    filledBytes: 256 * MIB,
    workload: { kind: 'uniform', pagesPerSecond: 100_000, workingSetBytes: 200 * MIB },
  } as const;
  const scenario = scenarioWith({ guest, network: { linkBps: 1e9 }, migration: { timeoutMs: 8000 } });
  for (const predict of [predictAnalytic, predictPacket]) {
    const run = predict(scenario, calibrationWith());
    assert.equal(run.converged, false);
    assert.equal(run.downtimeMs, null);
    assert.equal(run.standstillMs, null);
    assert.equal(run.totalTimeMs, 8000);
    assert.ok(run.iterations.at(-1)!.remainingPages > 0);
  }
});

const WRITING = {
  memoryBytes: 256 * MIB,
  filledBytes: 256 * MIB,
  workload: { kind: 'uniform', pagesPerSecond: 40_000, workingSetBytes: 128 * MIB },
} as const;
const HOT = {
  memoryBytes: 256 * MIB,
  filledBytes: 128 * MIB,
  workload: {
    kind: 'hot-set',
    pagesPerSecond: 20_000,
    workingSetBytes: 64 * MIB,
    hotShare: 0.1,
    hotWrites: 0.9,
  },
} as const;

const FEATURES: readonly (readonly [string, ScenarioParts])[] = [
  ['auto-converge', { guest: WRITING, migration: { autoConverge: true } }],
  ['XBZRLE', { guest: WRITING, migration: { xbzrle: { cacheBytes: 256 * MIB, deltaShare: 0.1 } } }],
  ['post-copy', { guest: WRITING, migration: { postcopyAfterIterations: 2 } }],
  ['a hot set', { guest: HOT }],
  ['a short downtime limit', { guest: HOT, migration: { downtimeLimitMs: 50 } }],
  [
    'compression',
    {
      guest: HOT,
      migration: {
        multifdChannels: 2,
        compression: { ratio: 0.4, sourceNsPerPage: 10_000, destinationNsPerPage: 4000 },
      },
    },
  ],
];

for (const [title, parts] of FEATURES) {
  test(`${title}: both levels agree within 8 % on time and bytes, and count RAM as QEMU does`, () => {
    const host = { cores: 4, cpuShare: 1 };
    const scenario = scenarioWith({ ...parts, network: { linkBps: 1e9 }, source: host, destination: host });
    const analytic = predictAnalytic(scenario, calibrationWith());
    const packet = predictPacket(scenario, calibrationWith());
    assert.equal(analytic.converged && packet.converged, true);
    assert.ok(
      differs(analytic.totalTimeMs, packet.totalTimeMs) < 0.08,
      `${analytic.totalTimeMs} and ${packet.totalTimeMs} ms`,
    );
    for (const key of ['bytes', 'ramBytes'] as const) {
      assert.ok(differs(analytic.stream[key], packet.stream[key]) < 0.08, key);
    }
    assert.ok(Math.abs(analytic.iterations.length - packet.iterations.length) <= 2);
  });
}

test('a guest that writes at half the rate of the link converges, in times that agree within a tenth', () => {
  const guest = {
    memoryBytes: 512 * MIB,
    filledBytes: 512 * MIB,
    workload: { kind: 'uniform', pagesPerSecond: 15_000, workingSetBytes: 256 * MIB },
  } as const;
  const scenario = scenarioWith({ guest, network: { linkBps: 1e9 } });
  const analytic = predictAnalytic(scenario, calibrationWith());
  const packet = predictPacket(scenario, calibrationWith());
  assert.equal(analytic.converged && packet.converged, true);
  assert.ok(
    differs(analytic.totalTimeMs, packet.totalTimeMs) < 0.1,
    `${analytic.totalTimeMs} and ${packet.totalTimeMs}`,
  );
  assert.ok(Math.abs(analytic.iterations.length - packet.iterations.length) <= 2);
});

test('the same seed gives the same packets, another seed another guest', () => {
  const guest = {
    memoryBytes: 64 * MIB,
    filledBytes: 64 * MIB,
    workload: { kind: 'uniform', pagesPerSecond: 5000, workingSetBytes: 32 * MIB },
  } as const;
  const run = (seed: number): RunResult =>
    predictPacket(scenarioWith({ guest, network: { linkBps: 1e9, loss: 1e-5 }, seed }), calibrationWith());
  assert.deepEqual(run(1), run(1));
  assert.notDeepEqual(run(1).stream, run(2).stream);
});

test('standstill is longer than downtime: the last bytes still have to arrive and be loaded', () => {
  for (const predict of [predictAnalytic, predictPacket]) {
    const run = predict(scenarioWith({ network: { linkBps: 1e9 } }), calibrationWith());
    assert.ok(run.standstillMs! > run.downtimeMs!, `${run.standstillMs} and ${run.downtimeMs}`);
  }
});
