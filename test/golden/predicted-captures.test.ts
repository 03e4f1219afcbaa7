/**
 * Recorded migrations, predicted from their own pages: what the model makes of a stream on the wire, held against what a real QEMU and a
 * real kernel made of it. The captures' own counts are held against tshark and QEMU in analysis.test.ts and
 * migration.test.ts.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadCalibration } from '../../src/model/calibration/load-calibration.js';
import { predictReplay } from '../../src/model/predict-packet.js';
import { SUITE_NAMES } from '../../src/model/suite-names.js';
import { analyzeFiles } from '../../src/pipeline/analyze-files.js';
import { applyOverrides } from '../../src/scenario/apply-overrides.js';
import { parseNamedScenario } from '../../src/scenario/parse-scenario.js';
import { repoPath } from '../repo-root.js';
import { keysBeside, readMigrations } from './migration-captures.js';

const TOLERANCE = 0.005;

const CAPTURES: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'm-clear-idle.pcap.gz': {},
  'm-clear-multifd.pcap.gz': { channels: '4' },
  'ms-clear-1500.pcap.gz': {},
  'ms-clear-40mbit.pcap.gz': { link: '40Mbit' },
  'ms-ahesp-1500.pcap': { esp: 'aes128-sha256', ah: 'sha256' },
  'ms-gcm-1500.pcap': { esp: 'aes128gcm16' },
};

for (const [file, fields] of Object.entries(CAPTURES)) {
  test(`${file}: predicted from its own pages, the stream has its bytes, and wire packets and bytes are within 0.5 %`, async () => {
    const capture = `captures/migration/${file}`;
    const associations = keysBeside(capture);
    const [record] = await readMigrations(capture, associations.length > 0);
    const measured = await wireOf(capture, record!.connections[0]!);
    const scenario = applyOverrides(parseNamedScenario('lab-16mib', SUITE_NAMES), fields, SUITE_NAMES);
    const run = predictReplay(scenario, loadCalibration(scenario.hosts.calibration), record!);
    assert.equal(run.stream.bytes, record!.streamBytes);
    assert.equal(run.stream.normalPages, record!.normalPages - record!.repeatedPages);
    assert.equal(run.stream.zeroPages, record!.zeroPages);
    assertNear(run.wire.packets, measured.packets, 'packets');
    assertNear(run.wire.bytes, measured.bytes, 'bytes');
  });
}

/** The data direction as the capture holds it, retransmissions included. */
async function wireOf(
  capture: string,
  { source, destination }: { readonly source: string; readonly destination: string },
): Promise<{ packets: number; bytes: number }> {
  const { flows } = await analyzeFiles({
    paths: [repoPath(capture)],
    associations: keysBeside(capture),
    assumedEsp: null,
    assumedAh: null,
    workers: 1,
  });
  const data = flows.filter(
    (flow) => flow.protocol === 'tcp' && flow.source === source && flow.destination === destination,
  );
  return {
    packets: data.reduce((sum, { packets }) => sum + packets, 0),
    bytes: data.reduce((sum, { bytes }) => sum + bytes, 0),
  };
}

function assertNear(predicted: number, measured: number, what: string): void {
  const error = predicted / measured - 1;
  assert.ok(
    Math.abs(error) <= TOLERANCE,
    `${what}: ${predicted} predicted, ${measured} measured (${(error * 100).toFixed(2)} %)`,
  );
}
