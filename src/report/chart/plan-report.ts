import type { Advice } from '../../plan/advice.js';
import type { AlternativeCost } from '../../plan/alternatives.js';
import type { LayerTotals } from '../../plan/layer-totals.js';
import type { MssPoint } from '../../plan/mss-sawtooth.js';
import { clearRowFor } from '../../plan/plan-result.js';
import type { PlanRow } from '../../plan/rows.js';

/** What a report of `tare plan` is made of. Everything but `rows` may be left out, and its chart or table with it. */
export interface PlanReport {
  /** What the transfer carries. */
  readonly payloadBytes: number;
  /** All that were computed, in their order. */
  readonly rows: readonly PlanRow[];
  /** What curves over the MTU are drawn from, where that is more than `rows`. */
  readonly mtuCurve?: MtuCurve;
  /** Link MTU at which suites are compared. Default: 1500 if there are rows for it, else that of the first row. */
  readonly compareAtMtuBytes?: number;
  /** One full packet of each protection to compare, by owner. */
  readonly fullPackets?: readonly { readonly label: string; readonly layers: LayerTotals }[];
  /** Curves over MSS, one for each suite. */
  readonly sawtooth?: readonly { readonly label: string; readonly points: readonly MssPoint[] }[];
  readonly alternatives?: readonly AlternativeCost[];
  readonly advice?: readonly Advice[];
}

/** Rows between the MTUs that were asked for. */
export interface MtuCurve {
  /** The same protections, those that were asked for among them. */
  readonly rows: readonly PlanRow[];
  /** From one MTU to the next. */
  readonly stepBytes: number;
  /** MTUs that were asked for, ascending. */
  readonly askedMtus: readonly number[];
}

/** `aes128gcm16 transport`, `aes256-sha256 in AH sha256 tunnel, UDP, IPv6` */
export function rowLabel({ esp, ah, mode, udpEncap, family }: PlanRow): string {
  if (esp === null && ah === null) return family === 6 ? 'no IPsec, IPv6' : 'no IPsec';
  const suites = [esp ?? '', ah === null ? '' : `AH ${ah}`].filter((name) => name !== '').join(' in ');
  return `${suites} ${mode ?? ''}${udpEncap ? ', UDP' : ''}${family === 6 ? ', IPv6' : ''}`;
}

/** The rows to compare: one for each protection, at the MTU of the comparison; of several MSSs that with the fewest bytes. */
export function comparedRows(plan: PlanReport): PlanRow[] {
  const mtu = comparisonMtu(plan);
  const rows = new Map<string, PlanRow>();
  for (const row of plan.rows) {
    if (row.linkMtuBytes !== mtu) continue;
    const label = rowLabel(row);
    const rival = rows.get(label);
    if (rival === undefined || row.wireBytes < rival.wireBytes) rows.set(label, row);
  }
  return [...rows.values()];
}

/** The row without IPsec on the same link; null for a row without IPsec, and if there is none. */
export function clearRowOf({ rows }: PlanReport, row: PlanRow): PlanRow | null {
  if (!isProtected(row)) return null;
  const clear = rows.filter(
    (other) => !isProtected(other) && other.family === row.family && other.linkMtuBytes === row.linkMtuBytes,
  );
  return clear.length === 0 ? null : clearRowFor(clear, row);
}

/** The row without IPsec that those compared are held against; null if there is none. */
export function comparisonClearRow(plan: PlanReport): PlanRow | null {
  const row = comparedRows(plan).find(isProtected);
  return row === undefined ? null : clearRowOf(plan, row);
}

export function isProtected({ esp, ah }: PlanRow): boolean {
  return esp !== null || ah !== null;
}

/** @returns undefined if there are no rows */
export function comparisonMtu({ rows, compareAtMtuBytes }: PlanReport): number | undefined {
  if (compareAtMtuBytes !== undefined) return compareAtMtuBytes;
  return rows.find(({ linkMtuBytes }) => linkMtuBytes === 1500)?.linkMtuBytes ?? rows[0]?.linkMtuBytes;
}
