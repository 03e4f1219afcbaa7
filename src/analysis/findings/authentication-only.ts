import { type FindingContext, summaryDetector } from './detector.js';
import type { Finding } from './finding.js';

/** AH without ESP: authenticated, and readable by everybody (RFC 4302 section 1). */
export const authenticationOnly = summaryDetector(
  ['ah-only'],
  'AH that protects without encrypting',
  findAhOnly,
);

function findAhOnly({ summary }: FindingContext): Finding[] {
  return summary.flows.flatMap((flow) => {
    if (flow.protection !== 'ah') return [];
    return [
      {
        id: 'ah-only',
        severity: 'medium',
        title: 'Authenticated by AH but not encrypted',
        evidence: {
          facts: `${flow.packets} packets with ${flow.payloadBytes} bytes of ${flow.protocol} can be read on the wire.`,
          source: flow.source,
          destination: flow.destination,
          count: flow.packets,
          firstTimeNs: flow.firstTimeNs,
          lastTimeNs: flow.lastTimeNs,
          packets: [],
        },
        meaning:
          'Nobody can change this traffic unnoticed, but anybody on the way can read it: AH does not encrypt.',
        remedy: 'Use ESP with a combined-mode cipher such as aes128gcm16, alone or inside the AH.',
      },
    ];
  });
}
