import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import type { AnalysisSummary } from '../../src/analysis/analysis-summary.js';
import { analyzeFiles } from '../../src/pipeline/analyze-files.js';
import { repoPath } from '../repo-root.js';

interface ExpectedSa {
  packets: number;
  first: number;
  last: number;
  missing: number;
  duplicate: number;
}

interface ExpectedFlow {
  packets: number;
  bytes: number;
  payloadBytes: number;
  announced: number | null;
  used: number;
  retransmissions: number;
  distinctBytes: number;
}

interface ExpectedCapture {
  securityAssociations: Record<string, ExpectedSa>;
  tcpFlows: Record<string, ExpectedFlow>;
}

const { captures }: { captures: Record<string, ExpectedCapture> } = JSON.parse(
  readFileSync(repoPath('test/golden/expected/analysis.json'), 'utf8'),
);

function analyse(path: string): Promise<AnalysisSummary> {
  const nothingKnown = { associations: [], assumedEsp: null, assumedAh: null };
  return analyzeFiles({ paths: [repoPath(path)], ...nothingKnown, workers: 1 });
}

function securityAssociationsOf(summary: AnalysisSummary): Record<string, ExpectedSa> {
  return Object.fromEntries(
    summary.securityAssociations.map(({ protocol, spi, source, destination, packets, sequence }) => {
      const { first, last, missing, duplicate } = sequence;
      return [`${protocol} ${spi} ${source} ${destination}`, { packets, first, last, missing, duplicate }];
    }),
  );
}

function tcpFlowsOf(summary: AnalysisSummary): Record<string, ExpectedFlow> {
  const flows = summary.flows.filter(({ protocol }) => protocol === 'tcp');
  return Object.fromEntries(
    flows.map((flow) => [
      `${flow.source} ${flow.sourcePort} ${flow.destination} ${flow.destinationPort}`,
      {
        packets: flow.packets,
        bytes: flow.bytes,
        payloadBytes: flow.payloadBytes,
        announced: flow.mss.announced,
        used: flow.mss.used ?? 0,
        retransmissions: flow.retransmissions,
        distinctBytes: flow.payloadBytes - flow.retransmittedBytes,
      },
    ]),
  );
}

for (const [path, expected] of Object.entries(captures)) {
  test(`SAs of ${path} are those tshark finds, number for number`, async () => {
    assert.deepEqual(securityAssociationsOf(await analyse(path)), expected.securityAssociations);
  });
  if (Object.keys(expected.tcpFlows).length === 0) continue;
  test(`TCP flows of ${path} carry what tshark says they carry`, async () => {
    assert.deepEqual(tcpFlowsOf(await analyse(path)), expected.tcpFlows);
  });
}
