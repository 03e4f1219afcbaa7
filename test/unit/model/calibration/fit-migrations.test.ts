import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Calibration } from '../../../../src/model/calibration/calibration.js';
import { fitMigrations } from '../../../../src/model/calibration/fit-migrations.js';
import { predictPacket } from '../../../../src/model/predict-packet.js';
import { calibrationWith, MIB, scenarioWith } from '../drive-thread.js';

/** Hosts whose sources are slower than their destinations, so that sockets are empty when a write comes. */
function hostsWith(shortEnds: { readonly clear: number; readonly protected: number }): Calibration {
  const calibration = calibrationWith({ pageNs: 9000, storePageNs: 200 });
  return { ...calibration, ah: [], tcp: { ...calibration.tcp, shortEnds } };
}

/** Ends come in stretches, and what is held back fills segments in steps: shares that near make the same packets. */
const TOLERANCE = 0.12;

const CASES = [
  { filledMib: 8, esp: null, mtu: 1500 },
  { filledMib: 48, esp: null, mtu: 1500 },
  { filledMib: 48, esp: null, mtu: 9000 },
  { filledMib: 48, esp: 'aes128gcm16', mtu: 1500 },
  { filledMib: 48, esp: 'aes128gcm16', mtu: 9000 },
];

const SCENARIOS = CASES.map(({ filledMib, esp, mtu }) =>
  scenarioWith({
    guest: { memoryBytes: 64 * MIB, filledBytes: filledMib * MIB, workload: { kind: 'idle' } },
    ipsec: { esp },
    network: { mtu },
  }),
);

for (const shortEnds of [
  { clear: 0.7, protected: 0 },
  { clear: 0.25, protected: 0.5 },
  { clear: 1, protected: 1 },
]) {
  test(`numbers of packets tell that about ${shortEnds.clear} and under IPsec ${shortEnds.protected} of the writes end short`, () => {
    const hosts = hostsWith(shortEnds);
    const runs = SCENARIOS.map((scenario) => predictPacket(scenario, hosts));
    const { qemu: _unknown, ...draft } = hosts;
    const { calibration } = fitMigrations(draft, runs);
    const found = calibration.tcp.shortEnds!;
    assert.ok(Math.abs(found.clear - shortEnds.clear) < TOLERANCE, `${found.clear}`);
    assert.ok(Math.abs(found.protected - shortEnds.protected) < TOLERANCE, `${found.protected}`);
    for (const [i, run] of runs.entries()) {
      const { wire } = predictPacket(SCENARIOS[i]!, calibration);
      assert.ok(Math.abs(wire.packets / run.wire.packets - 1) < 0.001, `${wire.packets} ${run.wire.packets}`);
    }
  });
}

test('what TCP sent again is no end of a write', () => {
  const hosts = hostsWith({ clear: 0.3, protected: 0 });
  const runs = SCENARIOS.map((scenario) => {
    const run = predictPacket(scenario, hosts);
    const { wire } = run;
    return { ...run, wire: { ...wire, packets: wire.packets + 500, retransmissions: 500 } };
  });
  const { qemu: _unknown, ...draft } = hosts;
  const { clear } = fitMigrations(draft, runs).calibration.tcp.shortEnds!;
  assert.ok(Math.abs(clear - 0.3) < TOLERANCE, `${clear}`);
});
