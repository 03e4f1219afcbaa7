import { type PacketBatch, PacketFlag } from '../../packet/packet-batch.js';
import type { FlowSummary } from '../analysis-summary.js';
import { ClearWatch, type ClearWatchState } from './clear-watch.js';
import type { Detector, DetectorType, FindingContext } from './detector.js';
import type { Finding } from './finding.js';
import { counted } from './sa-finding.js';
import { evidenceOf, type Sightings } from './sightings.js';

const MAX_FLOWS_NAMED = 3;
const ESP_HEADER_BYTES = 8;

/** Traffic that goes around the SAs that its hosts have, and flows that do so for a part of their packets. */
class ClearBesideSa implements Detector<ClearWatchState> {
  readonly flags = PacketFlag.tcp | PacketFlag.udp;
  readonly state: ClearWatchState;
  private readonly watch: ClearWatch;

  constructor(fileIndex: number) {
    this.watch = new ClearWatch(fileIndex);
    this.state = this.watch.state;
  }

  add(batch: PacketBatch, from: number, to: number): void {
    this.watch.add(batch, from, to);
  }

  merge(later: ClearWatchState, framesBefore: number): void {
    this.watch.merge(later, framesBefore);
  }

  findings(context: FindingContext): Finding[] {
    const { summary } = context;
    if (summary.securityAssociations.length === 0) return [];
    const pairs = this.watch.byPair();
    const joined = new Set<string>();
    for (const { source, destination } of summary.securityAssociations) {
      joined.add(`${source} ${destination}`).add(`${destination} ${source}`);
    }
    const partly = summary.flows.filter(isPartlyClear);
    return [
      ...partly.map((flow) => partlyClear(flow, pairs, context)),
      ...[...joined].flatMap((pair) => besideSa(pair, pairs.get(pair), context)),
    ];
  }
}

/** Some packets under AH or ESP, some not. */
function isPartlyClear(flow: FlowSummary): boolean {
  if (flow.protected || flow.sourcePort === null) return false;
  return flow.protection !== 'ike' && flow.layers.ah + flow.layers.espHeader > 0;
}

function partlyClear(flow: FlowSummary, pairs: Map<string, Sightings>, context: FindingContext): Finding {
  const { source, destination, sourcePort, destinationPort, firstTimeNs, lastTimeNs } = flow;
  const sightings = pairs.get(`${source} ${destination}`);
  const inEsp = flow.layers.ah === 0 ? flow.layers.espHeader / ESP_HEADER_BYTES : null;
  const share = inEsp === null ? 'some' : `${counted(flow.packets - inEsp, 'packet')}`;
  return {
    id: 'flow-partly-clear',
    severity: 'high',
    title: 'A connection that leaves its protection',
    evidence: {
      facts: `Of ${counted(flow.packets, 'packet')} of one ${flow.protocol} connection ${share} went in the clear.`,
      source: `${source} port ${sourcePort}`,
      destination: `${destination} port ${destinationPort}`,
      ...(sightings === undefined
        ? { count: flow.packets, firstTimeNs, lastTimeNs, packets: [] }
        : evidenceOf(sightings, context)),
    },
    meaning:
      'The same connection was sent protected and unprotected: the policy was missing for a while, as it is when SAs fail without a trap, or somebody adds packets.',
    remedy:
      'Let policies block what no SA protects (strongSwan: start_action = trap, xfrm: a policy without tmpl optional), and see why the SA was missing.',
  };
}

function besideSa(pair: string, sightings: Sightings | undefined, context: FindingContext): Finding[] {
  if (sightings === undefined) return [];
  const [source = '', destination = ''] = pair.split(' ');
  const flows = context.summary.flows.filter(
    (flow) => flow.source === source && flow.destination === destination && flow.protection === 'clear',
  );
  return [
    {
      id: 'clear-beside-sa',
      severity: 'low',
      title: 'Clear traffic between hosts that have an SA',
      evidence: {
        facts: `${counted(sightings.count, 'packet')} of TCP or UDP in the clear${describeFlows(flows)}.`,
        source,
        destination,
        ...evidenceOf(sightings, context),
      },
      meaning:
        'These hosts protect some of their traffic and not this. The policy may want it so; or it does not cover what it should.',
      remedy: 'Compare with ip xfrm policy. What should be protected needs a selector that covers it.',
    },
  ];
}

/** `: tcp 50000 > 8080, and 2 others` */
function describeFlows(flows: readonly FlowSummary[]): string {
  const named = flows
    .toSorted((a, b) => b.bytes - a.bytes)
    .slice(0, MAX_FLOWS_NAMED)
    .map(({ protocol, sourcePort, destinationPort }) => `${protocol} ${sourcePort} > ${destinationPort}`);
  if (named.length === 0) return '';
  const rest = flows.length > named.length ? `, and ${flows.length - named.length} others` : '';
  return `: ${named.join(', ')}${rest}`;
}

/** Clear traffic where there should be none. */
export const clearBesideSa: DetectorType = {
  ids: ['flow-partly-clear', 'clear-beside-sa'],
  looksFor: 'clear traffic between hosts that have an SA',
  create: (fileIndex) => new ClearBesideSa(fileIndex),
};
