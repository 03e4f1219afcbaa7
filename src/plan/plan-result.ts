/**
 * Everything that `tare plan` says, calculated: rows, the best of them, what else could protect the transfer, and how to set it.
 */
import { type Advice, adviceFor } from './advice.js';
import { type AlternativeCost, planAlternatives } from './alternatives.js';
import { type MssPoint, mssSawtooth } from './mss-sawtooth.js';
import { isConfidential, numbersIn, type PlanProtection, type PlanSettings } from './plan-settings.js';
import { best, type PlanRow, planRows, stackOf } from './rows.js';
import type { WhatIfReport } from './what-if-report.js';

export interface PlanResult {
  readonly settings: PlanSettings;
  /** Without IPsec: one for each MTU and MSS. */
  readonly clear: readonly PlanRow[];
  /** With it, in the order of protections, MTUs, MSSs. */
  readonly rows: readonly PlanRow[];
  /** What was asked for: the best row of the first protection, which is the only one unless ranges were asked for. */
  readonly chosen: PlanRow;
  /** `chosen` without IPsec. */
  readonly chosenClear: PlanRow;
  /** Of all rows; those that anybody could read do not count if what was asked for is confidential. */
  readonly best: PlanRow;
  /** MSSs around the chosen one. */
  readonly sawtooth: readonly MssPoint[];
  /** At the chosen MTU; none where it is too small for them. */
  readonly alternatives: readonly AlternativeCost[];
  readonly advice: readonly Advice[];
  readonly whatIf: WhatIfReport | null;
}

/** How far around the chosen MSS the saw-tooth is drawn: four of the largest cipher blocks. */
const SAWTOOTH_BYTES = 64;

/** @throws RangeError for what does not exist: MTUs that leave no room, totals beyond 2^53, names that are none */
export function calculatePlan(settings: PlanSettings, whatIf: WhatIfReport | null = null): PlanResult {
  const clear = rowsFor(settings, { esp: null, ah: null });
  const rowsOf = settings.protections.map((protection) => rowsFor(settings, protection));
  const rows = rowsOf.flat();
  const [asked] = settings.protections;
  const chosen = best(rowsOf[0]!)!;
  const equals = rowsOf.filter((_, i) => !isConfidential(asked) || isConfidential(settings.protections[i]!));
  return {
    settings,
    clear,
    rows,
    chosen,
    chosenClear: clearRowFor(clear, chosen),
    best: best(equals.flat()) ?? chosen,
    sawtooth: sawtoothAround(settings, asked, chosen),
    alternatives: alternativesAt(settings, chosen.linkMtuBytes),
    advice: adviceAt(settings, asked, chosen),
    whatIf,
  };
}

/** The row without IPsec for the same link, and for the same MSS unless that was derived. */
export function clearRowFor(clear: readonly PlanRow[], row: PlanRow): PlanRow {
  const sameLink = clear.filter(({ linkMtuBytes }) => linkMtuBytes === row.linkMtuBytes);
  return sameLink.find(({ mssBytes }) => mssBytes === row.mssBytes) ?? sameLink[0]!;
}

function rowsFor(settings: PlanSettings, protection: PlanProtection): PlanRow[] {
  const { payloadBytes, mode, udpEncap, align4, family, mss } = settings;
  return numbersIn(settings.linkMtus).flatMap((linkMtu) => [
    ...planRows({
      payloadBytes,
      linkMtu,
      esp: [protection.esp],
      ah: [protection.ah],
      modes: [protection.esp === null && mode === 'beet' ? 'transport' : mode],
      udpEncap: [udpEncap && protection.esp !== null && protection.ah === null],
      families: [family],
      mss,
      align4,
    }),
  ]);
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
  const { family, mode, udpEncap, device, destination } = settings;
  return adviceFor({
    ...asked,
    family,
    mode,
    udpEncap,
    linkMtuBytes: row.linkMtuBytes,
    pathMtuBytes: row.pathMtuBytes,
    ...(device === undefined ? {} : { device }),
    ...(destination === undefined ? {} : { destination }),
  });
}
