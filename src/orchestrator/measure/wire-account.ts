import type {
  AnalysisSummary,
  FlowSummary,
  MigrationSummary,
  ProtectionClass,
} from '../../analysis/analysis-summary.js';
import type { SecurityAssociation } from '../../ipsec/security-association.js';
import { WIRE_LAYERS, type WireLayers, type WireResult } from '../../result/run-result.js';
import type { Ipsec } from '../../scenario/scenario.js';
import type { ProtectedService } from '../xfrm/xfrm-channel.js';

/** What a capture of a run says. */
export interface WireAccount {
  readonly wire: WireResult;
  /** Distinct bytes that the data direction's TCP streams carried; null where they could not be read. */
  readonly payloadBytes: number | null;
  /** The migration as its own stream tells it; null if it could not be read without gaps. */
  readonly migration: MigrationSummary | null;
  /** Packets that are not protected as they should be, by what they are. */
  readonly unprotected: readonly { readonly what: ProtectionClass; readonly packets: number }[];
  /** Packets between the two hosts. */
  readonly packets: number;
  /** ICVs: of all SAs together. */
  readonly integrity: { readonly verified: number; readonly failed: number; readonly unchecked: number };
  /** Where the file broke off; null if it did not. */
  readonly broken: string | null;
}

/** How all packets of the migration must look on the wire. */
export function expectedProtection({ esp, ah }: Pick<Ipsec, 'esp' | 'ah'>): ProtectionClass {
  if (esp !== null) return ah === null ? 'esp' : 'ahEsp';
  return ah === null ? 'clear' : 'ah';
}

/**
 * Analyses a capture with the keys of its run. They stay in memory.
 * @param service that the migration used
 */
export async function accountForWire(
  path: string,
  associations: readonly SecurityAssociation[],
  service: ProtectedService,
  ipsec: Ipsec,
): Promise<WireAccount> {
  const { analyzeFiles } = await import('../../pipeline/analyze-files.js');
  const summary = await analyzeFiles({
    paths: [path],
    associations,
    assumedEsp: null,
    assumedAh: null,
    workers: 1,
  });
  return wireAccount(summary, service, expectedProtection(ipsec));
}

export function wireAccount(
  summary: AnalysisSummary,
  service: ProtectedService,
  expected: ProtectionClass,
): WireAccount {
  const { source, destination } = service;
  const data = summary.flows.filter(
    (flow) => isCounted(flow, source, destination) && !isAnswer(flow, service),
  );
  const back = summary.flows.filter((flow) => isCounted(flow, destination, source) && !data.includes(flow));
  const integrity = { verified: 0, failed: 0, unchecked: 0 };
  for (const { integrity: counted } of summary.securityAssociations) {
    integrity.verified += counted.verified;
    integrity.failed += counted.failed;
    integrity.unchecked += counted.unchecked;
  }
  return {
    wire: {
      packets: sum(data, ({ packets }) => packets),
      bytes: sum(data, ({ bytes }) => bytes),
      bytesByLayer: sumLayers(data),
      acknowledgements: sum(back, ({ packets }) => packets),
      fragments: summary.fragmentation.fragments,
      retransmissions: sum(data, ({ retransmissions }) => retransmissions),
    },
    payloadBytes: data.some(({ isIpsecOpaque }) => isIpsecOpaque)
      ? null
      : sum(data, ({ payloadBytes, retransmittedBytes }) => payloadBytes - retransmittedBytes),
    // Of packets that were cut off the stream has nothing but gaps.
    migration:
      summary.migrations.find(({ gaps }) => gaps.count === 0 && summary.frames.cutBySnaplen === 0) ?? null,
    unprotected: listUnprotected(summary, expected),
    packets: sum([...data, ...back], ({ packets }) => packets),
    integrity,
    broken: summary.inputs.find(({ error }) => error !== null)?.error?.message ?? null,
  };
}

/** Neighbours are looked for and errors told in ICMP, which is no part of the migration. */
function isCounted(flow: FlowSummary, from: string, to: string): boolean {
  return flow.source === from && flow.destination === to && !isIcmp(flow);
}

/** Where both ends have one address, ports tell the directions. */
function isAnswer({ sourcePort }: FlowSummary, { source, destination, port }: ProtectedService): boolean {
  return source === destination && sourcePort === port;
}

function isIcmp({ protocol }: FlowSummary): boolean {
  return protocol === 'icmp' || protocol === 'icmp6';
}

function sum(flows: readonly FlowSummary[], of: (flow: FlowSummary) => number): number {
  return flows.reduce((total, flow) => total + of(flow), 0);
}

/** By what protects each packet, not each flow: one packet in the clear is one too many. */
function listUnprotected(
  { flows, protection }: AnalysisSummary,
  expected: ProtectionClass,
): WireAccount['unprotected'] {
  if (expected === 'clear') return [];
  const classes = (['clear', 'ah', 'esp', 'ahEsp'] as const).filter((each) => each !== expected);
  return classes
    .map((what) => {
      const errands = flows.filter((flow) => isIcmp(flow) && flow.protection === what);
      return { what, packets: protection[what].packets - sum(errands, ({ packets }) => packets) };
    })
    .filter(({ packets }) => packets > 0);
}

function sumLayers(flows: readonly FlowSummary[]): WireLayers {
  const sums = WIRE_LAYERS.map((layer) => [layer, sum(flows, ({ layers }) => layers[layer])] as const);
  return Object.fromEntries(sums) as WireLayers;
}
