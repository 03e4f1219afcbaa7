/**
 * Everything that `tare plan` says, calculated: rows, the best of them, what else could protect the transfer, and how to set it.
 */
import { tcpMss } from '../ipsec/path-mtu.js';
import { type Advice, adviceFor } from './advice.js';
import { type AlternativeCost, planAlternatives } from './alternatives.js';
import type { LayerTotals } from './layer-totals.js';
import { type MssPoint, mssSawtooth } from './mss-sawtooth.js';
import { isConfidential, numbersIn, type PlanProtection, type PlanSettings } from './plan-settings.js';
import { best, type PlanRequest, type PlanRow, planRows, stackOf } from './rows.js';
import { fewestBytes, type WhatIfReport } from './what-if-report.js';

export interface PlanResult {
  readonly settings: PlanSettings;
  /** Without IPsec: one for each MTU and MSS, the MSS lowered to what fits. */
  readonly clear: readonly PlanRow[];
  /** With it, in the order of protections, MTUs, MSSs. */
  readonly rows: readonly PlanRow[];
  /**
   * What was asked for: the best row of the first protection, which is the only one unless ranges were asked for. With recorded
   * traffic, of those rows that carry that in the fewest bytes.
   */
  readonly chosen: PlanRow;
  /** `chosen` without IPsec. */
  readonly chosenClear: PlanRow;
  /** Of all rows; those that anybody could read do not count if what was asked for is confidential. */
  readonly best: PlanRow;
  /** What Linux derives for the chosen link. */
  readonly chosenAutoMssBytes: number;
  /** `chosen` with the MSS that needs the fewest bytes. */
  readonly chosenAtBestMss: PlanRow;
  /** One full packet for each protection at the chosen MTU, without IPsec first. */
  readonly fullPackets: readonly FullPacket[];
  /** MSSs around the chosen one. */
  readonly sawtooth: readonly MssPoint[];
  /** At the chosen MTU; none where it is too small for them. */
  readonly alternatives: readonly AlternativeCost[];
  readonly advice: readonly Advice[];
  readonly whatIf: WhatIfReport | null;
}

export interface FullPacket {
  readonly row: PlanRow;
  /** Of the frame, or of all its fragments. */
  readonly layers: LayerTotals;
}

/** How far around the chosen MSS the saw-tooth is drawn: four of the largest cipher blocks. */
const SAWTOOTH_BYTES = 64;
const NO_PROTECTION: PlanProtection = { esp: null, ah: null };

/** @throws RangeError for what does not exist: MTUs that leave no room, totals beyond 2^53, names that are none */
export function calculatePlan(settings: PlanSettings, whatIf: WhatIfReport | null = null): PlanResult {
  const clear = clearRows(settings);
  const rowsOf = settings.protections.map((protection) => rowsFor(settings, protection));
  const rows = rowsOf.flat();
  const [asked] = settings.protections;
  const chosen = chooseRow(rowsOf[0]!, whatIf);
  const chosenClear = clearRowFor(clear, chosen);
  const equals = rowsOf.filter((_, i) => !isConfidential(asked) || isConfidential(settings.protections[i]!));
  return {
    settings,
    clear,
    rows,
    chosen,
    chosenClear,
    best: best(equals.flat()) ?? chosen,
    chosenAutoMssBytes: tcpMss(chosen.pathMtuBytes, settings.family),
    chosenAtBestMss: rowAtMss(settings, asked, chosen, chosen.bestMssBytes),
    fullPackets: [chosenClear, ...rowsOf.map((list) => rowLike(list, chosen))].map((row, i) =>
      fullPacket(settings, i === 0 ? NO_PROTECTION : settings.protections[i - 1]!, row),
    ),
    sawtooth: sawtoothAround(settings, asked, chosen),
    alternatives: alternativesAt(settings, chosen.linkMtuBytes),
    advice: adviceAt(settings, asked, chosen),
    whatIf,
  };
}

/** One MTU and MSS for all of a report: the recorded traffic decides, and where it does not care, the transfer. */
function chooseRow(rows: readonly PlanRow[], whatIf: WhatIfReport | null): PlanRow {
  const suited = whatIf === null ? [] : fewestBytes(whatIf, rows[0]!).map((index) => rows[index]!);
  return best(suited.length > 0 ? suited : rows)!;
}

/** The row without IPsec for the same link, and for the same MSS if that was asked for and fits. */
export function clearRowFor(clear: readonly PlanRow[], row: PlanRow): PlanRow {
  const sameLink = clear.filter(({ linkMtuBytes }) => linkMtuBytes === row.linkMtuBytes);
  return sameLink.find(({ mssBytes }) => mssBytes === row.mssBytes) ?? sameLink.at(-1)!;
}

/** For each link MSSs ascend, if there are several: the last is the largest that fits. */
function clearRows(settings: PlanSettings): PlanRow[] {
  const { family, mss } = settings;
  if (mss === 'auto') return rowsFor(settings, NO_PROTECTION);
  return numbersIn(settings.linkMtus).flatMap((linkMtu) => {
    const most = tcpMss(linkMtu, family);
    const fitting = [...new Set(numbersIn([mss]).map((bytes) => Math.min(bytes, most)))];
    const request = requestFor(settings, NO_PROTECTION, linkMtu);
    return fitting.flatMap((bytes) => [...planRows({ ...request, mss: bytes })]);
  });
}

/** The row of a protection for the chosen MTU; of several MSSs the best. */
function rowLike(rows: readonly PlanRow[], chosen: PlanRow): PlanRow {
  return best(rows.filter(({ linkMtuBytes }) => linkMtuBytes === chosen.linkMtuBytes))!;
}

function rowsFor(settings: PlanSettings, protection: PlanProtection): PlanRow[] {
  return [...planRows(requestFor(settings, protection, numbersIn(settings.linkMtus)))];
}

function rowAtMss(
  settings: PlanSettings,
  protection: PlanProtection,
  row: PlanRow,
  mss: number,
  payloadBytes = settings.payloadBytes,
): PlanRow {
  const request = { ...requestFor(settings, protection, row.linkMtuBytes), mss, payloadBytes };
  const [found] = planRows(request);
  return found!;
}

function fullPacket(settings: PlanSettings, protection: PlanProtection, row: PlanRow): FullPacket {
  return { row, layers: rowAtMss(settings, protection, row, row.mssBytes, row.mssBytes).layers };
}

function requestFor(
  settings: PlanSettings,
  { esp, ah }: PlanProtection,
  linkMtu: PlanRequest['linkMtu'],
): PlanRequest {
  const { payloadBytes, mode, udpEncap, align4, family, mss } = settings;
  return {
    payloadBytes,
    linkMtu,
    esp: [esp],
    ah: [ah],
    modes: [esp === null && mode === 'beet' ? 'transport' : mode],
    udpEncap: [udpEncap && esp !== null && ah === null],
    families: [family],
    mss,
    align4,
  };
}

function sawtoothAround(settings: PlanSettings, asked: PlanProtection, { linkMtuBytes, mssBytes }: PlanRow) {
  const { mode, udpEncap, align4, family } = settings;
  const stack = stackOf({ ...asked, mode, udpEncap, align4 });
  const from = Math.max(1, mssBytes - SAWTOOTH_BYTES);
  return mssSawtooth(stack, linkMtuBytes, from, mssBytes + SAWTOOTH_BYTES / 2, family);
}

/** An MTU too small for a WireGuard device is no reason to say nothing of IPsec. */
function alternativesAt({ payloadBytes, family }: PlanSettings, linkMtuBytes: number): AlternativeCost[] {
  try {
    return planAlternatives({ payloadBytes, family, linkMtuBytes });
  } catch (error) {
    if (error instanceof RangeError) return [];
    throw error;
  }
}

function adviceAt(settings: PlanSettings, asked: PlanProtection, row: PlanRow): Advice[] {
  const { family, mode, udpEncap, esn, device, destination, gateway } = settings;
  return adviceFor({
    ...asked,
    family,
    mode,
    udpEncap,
    esn,
    linkMtuBytes: row.linkMtuBytes,
    pathMtuBytes: row.pathMtuBytes,
    ...(device === undefined ? {} : { device }),
    ...(destination === undefined ? {} : { destination }),
    ...(gateway === undefined ? {} : { gateway }),
  });
}

/** What the line is busy for, at its full rate. @returns null if there is none */
export function lineSeconds({ lineBytes }: PlanRow, linkBps: number | null): number | null {
  return linkBps === null ? null : (lineBytes * 8) / linkBps;
}
