/** Recorded traffic under every protection, MTU and MSS that was asked for, compared with what was recorded. */
import { emptyTotals, type LayerTotals, PLAN_LAYERS } from './layer-totals.js';
import { numbersIn, type PlanProtection, type PlanSettings } from './plan-settings.js';
import { type PlanMode, stackOf } from './rows.js';
import { type ObservedFlow, whatIf } from './what-if.js';

/** Why packets are taken over as they were recorded. */
export const KEPT_REASONS = [
  'notTcp',
  'handshake',
  'retransmitted',
  'tcpOptions',
  'fragments',
  'closed',
  'unusual',
] as const;

export type KeptReason = (typeof KEPT_REASONS)[number];

export interface TrafficTotals {
  readonly packets: number;
  readonly wireBytes: number;
  /** `wireBytes` by owner. */
  readonly layers: LayerTotals;
}

/** Traffic as it was recorded: what can be cut into segments anew, and the rest. */
export interface ObservedTraffic {
  /** All of it. */
  readonly captured: TrafficTotals;
  /** Of it, the segments and acknowledgements of `flows`. */
  readonly resegmented: TrafficTotals;
  readonly flows: readonly ObservedFlow[];
  /** Packets of `captured` that are not in `resegmented`, by reason. */
  readonly kept: Readonly<Record<KeptReason, number>>;
  /** Packets of `resegmented` in ESP that stayed closed: what is in them was concluded from their lengths. */
  readonly inferredPackets: number;
  /** Frames larger than the link carries, put together by offloads, and their bytes: they are in nothing else here. */
  readonly superFrames: { readonly frames: number; readonly bytes: number };
}

export interface WhatIfRow extends TrafficTotals {
  readonly esp: string | null;
  readonly ah: string | null;
  readonly mode: PlanMode | null;
  readonly udpEncap: boolean;
  readonly linkMtuBytes: number;
  /** Null: what Linux derives for each flow. */
  readonly mssBytes: number | null;
  readonly fragmented: boolean;
}

export interface WhatIfReport {
  /** The captures, as given. */
  readonly paths: readonly string[];
  readonly traffic: ObservedTraffic;
  /** Without IPsec first, then in the order of `PlanResult.rows`. */
  readonly rows: readonly WhatIfRow[];
}

/** @throws RangeError for MTUs that leave no room */
export function reportWhatIf(
  paths: readonly string[],
  traffic: ObservedTraffic,
  settings: PlanSettings,
): WhatIfReport {
  const protections = [{ esp: null, ah: null }, ...settings.protections];
  const mssList = settings.mss === 'auto' ? [null] : numbersIn([settings.mss]);
  const rows = protections.flatMap((protection) =>
    numbersIn(settings.linkMtus).flatMap((linkMtuBytes) =>
      mssList.map((mssBytes) => rowFor(traffic, settings, protection, linkMtuBytes, mssBytes)),
    ),
  );
  return { paths, traffic, rows };
}

/**
 * The rows of one protection, in the order of its `PlanRow`s, that take the fewest bytes; those in fragments only if all are.
 * @returns indices; none if the protection is not in the report
 */
export function fewestBytes(
  { rows }: WhatIfReport,
  { esp, ah }: { readonly esp: string | null; readonly ah: string | null },
): number[] {
  const own = rows.filter((row) => row.esp === esp && row.ah === ah);
  const isWhole = own.some(({ fragmented }) => !fragmented);
  const eligible = own.map((row) => !(isWhole && row.fragmented));
  const fewest = own.reduce(
    (least, { wireBytes }, i) => (eligible[i] ? Math.min(least, wireBytes) : least),
    Number.POSITIVE_INFINITY,
  );
  return [...own.keys()].filter((i) => eligible[i] && own[i]!.wireBytes === fewest);
}

/** Bytes that the flows carry. */
export function payloadBytesOf({ flows }: ObservedTraffic): number {
  let sum = 0;
  for (const { bursts } of flows) for (const [bytes, count] of bursts) sum += bytes * count;
  return sum;
}

function rowFor(
  traffic: ObservedTraffic,
  settings: PlanSettings,
  { esp, ah }: PlanProtection,
  linkMtuBytes: number,
  mssBytes: number | null,
): WhatIfRow {
  const isProtected = esp !== null || ah !== null;
  const mode = esp === null && settings.mode === 'beet' ? 'transport' : settings.mode;
  const udpEncap = settings.udpEncap && esp !== null && ah === null;
  const stack = stackOf({ esp, ah, mode, udpEncap, align4: settings.align4 });
  const predicted = whatIf(traffic.flows, { stack, linkMtuBytes, mss: mssBytes ?? 'auto' });
  const { captured, resegmented } = traffic;
  const layers = emptyTotals();
  for (const layer of PLAN_LAYERS) {
    layers[layer] = captured.layers[layer] - resegmented.layers[layer] + predicted.layers[layer];
  }
  return {
    esp: esp?.name ?? null,
    ah: ah?.name ?? null,
    mode: isProtected ? mode : null,
    udpEncap,
    linkMtuBytes,
    mssBytes,
    packets: captured.packets - resegmented.packets + predicted.packets,
    wireBytes: captured.wireBytes - resegmented.wireBytes + predicted.wireBytes,
    layers,
    fragmented: predicted.flows.some(({ fragmented }) => fragmented),
  };
}
