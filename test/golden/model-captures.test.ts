import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { predictAnalytic } from '../../src/model/analytic/analytic-model.js';
import { loadCalibration } from '../../src/model/calibration/load-calibration.js';
import { channelOf } from '../../src/model/channel-of.js';
import { predictPacket, predictReplay } from '../../src/model/predict-packet.js';
import { bareFrameBytes } from '../../src/plan/packet-cost.js';
import type { RunResult } from '../../src/result/run-result.js';
import type { Guest, Scenario } from '../../src/scenario/scenario.js';
import { repoPath } from '../repo-root.js';
import { MIB, scenarioWith } from '../unit/model/drive-thread.js';
import { qemuReport, readMigrations } from './migration-captures.js';

/** As scripts/compare-captures.mjs has them; what recorded them had one emulated core for both hosts. */
interface Capture {
  readonly path: string;
  readonly ipsec: Partial<Scenario['ipsec']>;
  readonly guest: Guest;
  readonly cpuShare: number;
  readonly linkBps?: number;
  readonly multifdChannels?: number;
  /** Largest error of the total time, share of QEMU's. The emulated core was not equally fast from run to run. */
  readonly tolerance: number;
}

const SMALL: Guest = {
  memoryBytes: 16 * MIB,
  filledBytes: 4 * MIB,
  workload: { kind: 'sequential', pagesPerSecond: 80, workingSetBytes: 2 * MIB },
};
const LARGE: Guest = {
  memoryBytes: 32 * MIB,
  filledBytes: 8 * MIB,
  workload: { kind: 'sequential', pagesPerSecond: 7000, workingSetBytes: 2 * MIB },
};
const CAPTURES: readonly Capture[] = [
  { path: 'ms-clear-1500.pcap.gz', ipsec: {}, guest: SMALL, cpuShare: 0.5, tolerance: 0.05 },
  {
    path: 'ms-clear-40mbit.pcap.gz',
    ipsec: {},
    guest: SMALL,
    cpuShare: 0.5,
    // tbf counts frames without preamble, check sequence and gap.
    linkBps: (40e6 * 1538) / 1514,
    tolerance: 0.12,
  },
  { path: 'ms-gcm-1500.pcap', ipsec: { esp: 'aes128gcm16' }, guest: SMALL, cpuShare: 0.5, tolerance: 0.05 },
  {
    path: 'ms-ahesp-1500.pcap',
    ipsec: { esp: 'aes128-sha256', ah: 'sha256' },
    guest: SMALL,
    cpuShare: 0.5,
    tolerance: 0.15,
  },
  { path: 'm-clear-idle.pcap.gz', ipsec: {}, guest: LARGE, cpuShare: 0.4, tolerance: 0.12 },
  {
    path: 'm-clear-multifd.pcap.gz',
    ipsec: {},
    guest: LARGE,
    cpuShare: 0.5,
    multifdChannels: 4,
    tolerance: 0.4,
  },
];

const EXPECTED: { frames: Record<string, Record<string, number>> } = JSON.parse(
  readFileSync(repoPath('test/golden/expected/model-wire.json'), 'utf8'),
);
const CALIBRATION = loadCalibration('lab-namespaces');

function scenarioOf({ ipsec, guest, cpuShare, linkBps = 10e9, multifdChannels = 0 }: Capture): Scenario {
  const host = { cores: 1, cpuShare };
  return scenarioWith({
    guest,
    ipsec,
    network: { linkBps, rttUs: 100 },
    migration: { maxBandwidth: 125_000_000, multifdChannels, timeoutMs: 60_000 },
    source: host,
    destination: host,
  });
}

/** Frames with payload: longer than a bare acknowledgement, and no SYN, which is as long as a segment of 8 bytes. */
function dataFrames(path: string, scenario: Scenario): { packets: number; bytes: number } {
  const { cost } = channelOf(scenario, CALIBRATION);
  const synBytes = bareFrameBytes(cost, 8);
  const counts = EXPECTED.frames[path];
  assert.ok(counts !== undefined, `${path} is not in model-wire.json`);
  const sent = { packets: 0, bytes: 0 };
  for (const [length, count] of Object.entries(counts)) {
    const bytes = Number(length);
    if (bytes <= bareFrameBytes(cost, 0) || bytes === synBytes) continue;
    sent.packets += count;
    sent.bytes += count * bytes;
  }
  return sent;
}

function differs(one: number, other: number): number {
  return Math.abs(one / other - 1);
}

for (const capture of CAPTURES) {
  const path = `captures/migration/${capture.path}`;
  const scenario = scenarioOf(capture);

  test(`${capture.path}: its own pages make exactly its stream, and within 0.5 % the packets and bytes that tshark counts`, async () => {
    const [record] = await readMigrations(path, path.endsWith('.pcap'));
    const run = predictReplay(scenario, CALIBRATION, record!);
    assert.equal(run.stream.bytes, record!.streamBytes);
    const { ram } = qemuReport(path).final;
    assert.equal(run.stream.ramBytes, ram['transferred']);
    assert.equal(run.stream.normalPages, ram['normal']);
    assert.equal(run.stream.zeroPages, ram['duplicate']);
    const sent = dataFrames(path, scenario);
    assert.ok(
      differs(run.wire.packets, sent.packets) < 0.005,
      `${run.wire.packets} of ${sent.packets} packets`,
    );
    assert.ok(differs(run.wire.bytes, sent.bytes) < 0.005, `${run.wire.bytes} of ${sent.bytes} bytes`);
  });

  for (const [level, predict] of [
    ['formulas', predictAnalytic],
    ['packets', predictPacket],
  ] as const) {
    test(`${capture.path}: ${level} are within ${capture.tolerance * 100} % of the time that QEMU reported, for a guest alike`, () => {
      const run: RunResult = predict(scenario, CALIBRATION);
      const { final } = qemuReport(path);
      const totalMs = (final as unknown as Record<string, number>)['total-time']!;
      assert.equal(run.converged, true);
      assert.ok(
        differs(run.totalTimeMs, totalMs) < capture.tolerance,
        `${Math.round(run.totalTimeMs)} of ${totalMs} ms`,
      );
      assert.equal(run.stream.zeroPages, final.ram['duplicate']);
      assert.ok(differs(run.stream.normalPages, final.ram['normal']!) < 0.12);
    });
  }
}
