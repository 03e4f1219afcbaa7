import type { PlanLayer } from '../../plan/layer-totals.js';
import { lineSeconds, type PlanResult } from '../../plan/plan-result.js';
import type { PlanRow } from '../../plan/rows.js';
import { protectionName } from '../run/protection-name.js';
import {
  formatBps,
  formatBytes,
  formatCount,
  formatCounted,
  formatFrequency,
  formatSeconds,
  formatShare,
} from '../text/format-quantity.js';
import type { ReportContext } from '../text/report-context.js';
import { wrapText } from '../text/wrap-text.js';
import { groupAlikeSuites } from './alike-suites.js';
import { costOverClear } from './ipsec-cost.js';

/** TCP options in every segment: the MSS option of a SYN counts them, the MSS here does not. */
const TIMESTAMP_BYTES = 12;

/** In wire order; names short enough for one line. */
const LAYER_NAMES: Readonly<Record<PlanLayer, string>> = {
  link: 'Ethernet',
  ip: 'IP',
  udpEncap: 'UDP',
  ah: 'AH',
  espHeader: 'ESP header',
  espIv: 'IV',
  innerIp: 'inner IP',
  transport: 'TCP',
  payload: 'payload',
  espPadding: 'padding',
  espTrailer: 'trailer',
  espIcv: 'ICV',
  other: 'other',
};

/** What one gets for what was asked, and the best. */
export function renderPlanVerdict(result: PlanResult, context: ReportContext): string[] {
  const { width, style } = context;
  const { chosen } = result;
  const mark = chosen.fragmented ? style.bad : (text: string) => text;
  return [
    ...wrapText(headline(result), { width }).map((line) => style.heading(mark(line))),
    ...wrapText(describeSegments(result), { width }),
    ...paragraph(describeTime(result), width),
    ...paragraph(describeMisfit(result), width).map(style.caution),
    ...paragraph(describeBest(result), width),
  ];
}

function paragraph(text: string, width: number): string[] {
  return text === '' ? [] : wrapText(text, { width });
}

function headline({ settings, chosen, chosenClear }: PlanResult): string {
  const more = costOverClear(chosen, chosenClear);
  const amount = `${formatBytes(Math.abs(more))} (${formatShare(Math.abs(more), chosenClear.wireBytes)})`;
  return (
    `${describeProtection(chosen)}: ${formatBytes(settings.payloadBytes)} take ${formatBytes(chosen.wireBytes)} on the wire, ` +
    `${amount} ${more < 0 ? 'less' : 'more'} than without IPsec.`
  );
}

/** `aes128gcm16, tunnel mode in UDP, IPv6, link MTU 1500` */
function describeProtection(row: PlanRow): string {
  const mode = `${row.mode} mode${row.udpEncap ? ' in UDP' : ''}`;
  return `${protectionName(row)}, ${mode}, IPv${row.family}, link MTU ${row.linkMtuBytes}`;
}

function describeSegments({ settings, chosen, chosenClear }: PlanResult): string {
  const more = chosen.packets - chosenClear.packets;
  return (
    `MSS ${chosen.mssBytes} (path MTU ${chosen.pathMtuBytes}): ${formatCounted(chosen.packets, 'packet')}, ` +
    `${describeMore(more, chosenClear.packets)}. Payload is ${formatShare(settings.payloadBytes, chosen.wireBytes)} of the ` +
    `wire; without IPsec ${formatShare(settings.payloadBytes, chosenClear.wireBytes)}.`
  );
}

function describeMore(more: number, of: number): string {
  if (more === 0) return 'no more than without IPsec';
  const amount = `${formatCount(Math.abs(more))} (${formatShare(Math.abs(more), of)})`;
  return `${amount} ${more > 0 ? 'more' : 'fewer'} than without IPsec`;
}

function describeTime({ settings, chosen, chosenClear }: PlanResult): string {
  const seconds = lineSeconds(chosen, settings.linkBps);
  const clearSeconds = lineSeconds(chosenClear, settings.linkBps);
  if (seconds === null || clearSeconds === null || seconds === 0) return '';
  return (
    `At ${formatBps(settings.linkBps!)} the line is busy for ${formatSeconds(seconds)} (without IPsec ${formatSeconds(clearSeconds)}), ` +
    `at most ${formatFrequency(chosen.packets / seconds, 'packet')}. Encryption may be slower than the line.`
  );
}

/** An MSS beyond what Linux derives. */
function describeMisfit({ chosen, chosenAutoMssBytes: limit, fullPackets }: PlanResult): string {
  if (chosen.mssBytes <= limit) return '';
  if (!chosen.fragmented) {
    return `Linux itself would send at most ${limit}: it leaves room for headers that are rarely there.`;
  }
  const full = fullPackets[1]!;
  const pieces = Math.round(full.layers.link / fullPackets[0]!.layers.link);
  return (
    `MSS ${chosen.mssBytes} DOES NOT FIT: full segments go as ${pieces} fragments, and one that is lost costs the whole segment. Linux ` +
    `itself would send ${limit} (payload, without the ${TIMESTAMP_BYTES} bytes of timestamps); hosts behind an IPsec gateway do not know ` +
    "better, or are refused where Don't Fragment is set. Clamp the MSS."
  );
}

function describeBest(result: PlanResult): string {
  const { chosen, best, chosenAtBestMss, settings } = result;
  const mssAdvice = describeBestMss(chosen, chosenAtBestMss, costOverClear(chosen, chosenAtBestMss));
  const { count, text, alone } = describeRivals(result);
  if (count === 1) return `${alone}${mssAdvice}`.trimEnd();
  const isSame = best.wireBytes === chosen.wireBytes && best.packets === chosen.packets;
  if (isSame && best.esp === chosen.esp && best.ah === chosen.ah) {
    return `That is the best of ${text}. ${mssAdvice}`.trimEnd();
  }
  const where = `${protectionName(best)}, MTU ${best.linkMtuBytes}, MSS ${best.mssBytes}`;
  const gain = chosen.wireBytes - best.wireBytes;
  const merit =
    gain > 0 ? `${formatBytes(gain)} (${formatShare(gain, chosen.wireBytes)}) less` : 'without fragments';
  return (
    `Best of ${text}: ${where}, ${merit}; ` +
    `${formatShare(settings.payloadBytes, best.wireBytes)} of the wire is payload.`
  );
}

/** What the best row is the best of: suites that cost the same are one. */
function describeRivals(result: PlanResult): { count: number; text: string; alone: string } {
  const groups = groupAlikeSuites(result);
  // Suites that anybody could read or forge are no match for one that nobody can.
  const rivals = groups[0]!.weakness === '' ? groups.filter(({ weakness }) => weakness === '') : groups;
  const count = rivals.reduce((sum, { rows }) => sum + rows.length, 0);
  const isPart = rivals.length < groups.length;
  return {
    count,
    text: `${formatCount(count)} combinations${isPart ? ' that nobody can read or forge' : ''}`,
    alone: isPart
      ? 'Of those compared that nobody can read or forge, none takes fewer bytes. '
      : describeEquals(groups[0]!.names.length),
  };
}

function describeEquals(suites: number): string {
  if (suites === 1) return '';
  return `${suites === 2 ? 'Both' : `All ${formatCount(suites)}`} suites take the same bytes. `;
}

function describeBestMss(chosen: PlanRow, atBest: PlanRow, saved: number): string {
  if (chosen.mssBytes === atBest.mssBytes) return 'No other MSS takes fewer bytes.';
  if (saved <= 0) return '';
  return `MSS ${atBest.mssBytes} would save ${formatBytes(saved)} (${formatShare(saved, chosen.wireBytes)}).`;
}

/** `A full packet, 1514 bytes: Ethernet 14, IP 20, ...` */
export function renderFullPacket({ fullPackets, chosen }: PlanResult, { width }: ReportContext): string[] {
  const { layers } = fullPackets[1]!;
  const names = Object.keys(LAYER_NAMES) as PlanLayer[];
  const shown = names.filter((layer) => layers[layer] > 0 || (layer === 'espPadding' && chosen.esp !== null));
  const total = names.reduce((sum, layer) => sum + layers[layer], 0);
  const parts = shown.map((layer) => `${LAYER_NAMES[layer]} ${layers[layer]}`).join(', ');
  const what = chosen.fragmented ? 'A full segment, all fragments' : 'A full packet';
  return wrapText(`${what}: ${formatCount(total)} bytes = ${parts}.`, { width, rest: '  ' });
}

/** Why this MSS and not one of its neighbours. */
export function renderSawtooth(result: PlanResult, { width }: ReportContext): string[] {
  const text = describeSawtooth(result);
  return text === '' ? [] : wrapText(text, { width, rest: '  ' });
}

function describeSawtooth({ sawtooth, chosen }: PlanResult): string {
  if (chosen.fragmented) return '';
  const at = (mss: number) => sawtooth.find(({ mssBytes }) => mssBytes === mss);
  const here = at(chosen.mssBytes);
  const above = at(chosen.mssBytes + 1);
  const below = at(chosen.mssBytes - 1);
  if (here === undefined || above === undefined || below === undefined) return '';
  if (chosen.esp === null) {
    return `No padding: AH knows no blocks. ${above.mssBytes} ${above.fits ? 'would carry one byte more' : 'would not fit'}.`;
  }
  const beyond = above.fits ? '' : ', and no longer fits';
  if (here.paddingBytes === 0) {
    return (
      `Padding: MSS ${here.mssBytes} ends where ESP's blocks of ${above.paddingBytes + 1} bytes do: none. ${below.mssBytes} would carry ` +
      `a byte less in the same frame; ${above.mssBytes} would open a block for one byte (padding ${above.paddingBytes})${beyond}.`
    );
  }
  const full = sawtooth.find(({ mssBytes, paddingBytes }) => mssBytes > here.mssBytes && paddingBytes === 0);
  const better =
    full?.fits === true
      ? `${full.mssBytes} carries ${full.mssBytes - here.mssBytes} more in the same frame, without padding`
      : `no larger one that fits is without padding`;
  return `Padding: MSS ${here.mssBytes} stops within one of ESP's blocks, ${here.paddingBytes} bytes of padding in every segment; ${better}.`;
}
