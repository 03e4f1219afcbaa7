import type { FlowSummary } from '../analysis-summary.js';
import { type FindingContext, summaryDetector } from './detector.js';
import type { Finding } from './finding.js';

/** AH without ESP: authenticated, and readable by everybody (RFC 4302 section 1). */
export const authenticationOnly = summaryDetector(
  ['ah-only'],
  'AH that protects without encrypting',
  findAhOnly,
);

/** One for each direction between two hosts. */
function findAhOnly({ summary }: FindingContext): Finding[] {
  const directions = new Map<string, FlowSummary[]>();
  for (const flow of summary.flows) {
    if (flow.protection !== 'ah') continue;
    const key = `${flow.source} ${flow.destination}`;
    directions.set(key, [...(directions.get(key) ?? []), flow]);
  }
  // Acknowledgements alone tell nobody anything.
  const readable = [...directions.values()].filter((flows) => flows.some((flow) => flow.payloadBytes > 0));
  return readable.map(ahFinding);
}

function ahFinding(flows: readonly FlowSummary[]): Finding {
  const { source, destination } = flows[0]!;
  const sum = (of: (flow: FlowSummary) => number) => flows.reduce((total, flow) => total + of(flow), 0);
  const count = sum(({ packets }) => packets);
  const protocols = [...new Set(flows.map(({ protocol }) => protocol))].join(', ');
  const times = flows
    .flatMap(({ firstTimeNs, lastTimeNs }) => [BigInt(firstTimeNs), BigInt(lastTimeNs)])
    .toSorted((a, b) => Number(a - b));
  return {
    id: 'ah-only',
    severity: 'medium',
    title: 'Authenticated by AH but not encrypted',
    evidence: {
      facts: `${sum(({ payloadBytes }) => payloadBytes)} bytes of payload (${protocols}) can be read.`,
      source,
      destination,
      count,
      firstTimeNs: String(times[0]),
      lastTimeNs: String(times.at(-1)),
      packets: [],
    },
    meaning:
      'Nobody can change this traffic unnoticed, but anybody on the way can read it: AH does not encrypt.',
    remedy: 'Use ESP with a combined-mode cipher such as aes128gcm16, alone or inside the AH.',
  };
}
