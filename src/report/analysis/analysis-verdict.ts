import type {
  AnalysisSummary,
  ProtectionClass,
  SecurityAssociationSummary,
} from '../../analysis/analysis-summary.js';
import {
  formatBps,
  formatBytes,
  formatCounted,
  formatSeconds,
  formatShare,
  secondsBetween,
} from '../text/format-quantity.js';
import type { ReportContext } from '../text/report-context.js';
import { wrapText } from '../text/wrap-text.js';
import { markCertainty } from './certainty-mark.js';
import { ipsecOverhead } from './ipsec-overhead.js';

/** How much of the wire can be read by an eavesdropper. */
interface Exposure {
  /** Bytes of all classes but `notIp`. */
  readonly ipBytes: number;
  /** ESP, alone or inside AH, but what encrypts nothing. */
  readonly encryptedBytes: number;
  /** ESP that encrypts nothing: NULL, GMAC. */
  readonly readableEspBytes: number;
  /** AH without ESP: nobody can change it, anybody can read it. */
  readonly authenticatedBytes: number;
  readonly clearBytes: number;
  readonly ikeBytes: number;
}

/** The first lines: is the wire protected, what does that cost. */
export function renderVerdict(summary: AnalysisSummary, context: ReportContext): string[] {
  const { width, style } = context;
  if (summary.wire.packets === 0) {
    const isUnread = summary.inputs.length > 0 && summary.inputs.every(({ format }) => format === null);
    const text = isUnread ? 'Nothing could be read.' : 'No packets on the wire in this input.';
    return [...wrapText(text, { width }), ...renderOffloads(summary, context)];
  }
  const exposure = measureExposure(summary);
  const isPartial = hasManySuperFrames(summary);
  const mark = markFor(exposure, isPartial, context);
  const verdict = isPartial
    ? `Super-frames aside, ${lowerFirst(describeExposure(exposure))}`
    : describeExposure(exposure);
  return [
    ...wrapText(verdict, { width }).map((line) => style.heading(mark(line))),
    ...renderReadableEsp(summary, context),
    ...wrapText(describeWire(summary), { width }),
    ...wrapText(describeCost(summary), { width }),
    ...renderOffloads(summary, context),
  ];
}

/** Words in capitals stay. */
function lowerFirst(text: string): string {
  return text.replace(/^[A-Z](?=[a-z])/, (letter) => letter.toLowerCase());
}

/** With segmentation offload most of the traffic may be in frames that never were on the wire like that. */
function hasManySuperFrames({ frames, wire }: AnalysisSummary): boolean {
  return frames.superFrames > 0 && frames.superFrameBytes * 100 >= wire.bytes;
}

/** What they are, what is missing for them, and how to capture without them. */
function renderOffloads(summary: AnalysisSummary, { width, style }: ReportContext): string[] {
  if (!hasManySuperFrames(summary)) return [];
  const { frames, wire, migrations } = summary;
  const all = wire.bytes + frames.superFrameBytes;
  const text =
    `Caution: ${formatShare(frames.superFrameBytes, all)} of what was captured, ${formatBytes(frames.superFrameBytes)}, is in ` +
    `${formatCounted(frames.superFrames, 'super-frame')} larger than the link's MTU of ${describeMtu(summary)}. A host that captures ` +
    'its own traffic sees what it sends before the device cuts it (TSO, GSO) and what it receives after it was merged (GRO, LRO). ' +
    'How that went over the wire is not in the capture: bytes, packets, sequence numbers, overhead and findings are those of the rest. ' +
    (migrations.length > 0 ? 'Live migrations alone are read from them too. ' : '') +
    'To see the wire, capture at a mirror port of the switch, or turn offloads off on the host for as long as you capture ' +
    '(it costs throughput): ethtool -K DEVICE tso off gso off gro off lro off';
  return wrapText(text, { width }).map((line) => style.caution(line));
}

function describeMtu({ inputs }: AnalysisSummary): string {
  const mtus = inputs.filter(({ frames }) => frames > 0).map(({ mtu }) => mtu);
  const texts = new Set(mtus.map(({ bytes, certainty }) => `${certainty === 'inferred' ? '~' : ''}${bytes}`));
  return [...texts].join(' or ');
}

function measureExposure(summary: AnalysisSummary): Exposure {
  const bytesOf = (kind: ProtectionClass) => summary.protection[kind].bytes;
  const espBytes = bytesOf('esp') + bytesOf('ahEsp');
  const readable = readableAssociations(summary).reduce((sum, { bytes }) => sum + bytes, 0);
  const readableEspBytes = Math.min(readable, espBytes);
  return {
    ipBytes: bytesOf('clear') + bytesOf('ah') + espBytes + bytesOf('ike'),
    encryptedBytes: espBytes - readableEspBytes,
    readableEspBytes,
    authenticatedBytes: bytesOf('ah'),
    clearBytes: bytesOf('clear'),
    ikeBytes: bytesOf('ike'),
  };
}

/** A trifle in the clear, such as a router solicitation, is worth a look and no alarm. */
function markFor(
  { clearBytes, authenticatedBytes, readableEspBytes, ipBytes }: Exposure,
  isPartial: boolean,
  { style }: ReportContext,
): (text: string) => string {
  if (clearBytes === 0)
    return authenticatedBytes + readableEspBytes === 0 && !isPartial ? style.good : style.caution;
  return clearBytes * 100 < ipBytes ? style.caution : style.bad;
}

function describeExposure(exposure: Exposure): string {
  const { ipBytes, encryptedBytes, readableEspBytes, authenticatedBytes, clearBytes, ikeBytes } = exposure;
  if (ipBytes === 0) return 'No IP traffic at all.';
  const parts = [
    encryptedBytes > 0 ? `${formatShare(encryptedBytes, ipBytes)} in ESP` : '',
    readableEspBytes > 0 ? `${formatShare(readableEspBytes, ipBytes)} in ESP that encrypts nothing` : '',
    authenticatedBytes > 0
      ? `${formatShare(authenticatedBytes, ipBytes)} authenticated by AH but readable`
      : '',
    clearBytes > 0 ? `${formatShare(clearBytes, ipBytes)} (${formatBytes(clearBytes)}) in the clear` : '',
    ikeBytes > 0 ? `${formatShare(ikeBytes, ipBytes)} key exchange` : '',
  ].filter((part) => part !== '');
  return `${headline(exposure)}: ${parts.join(', ')}.`;
}

function headline(exposure: Exposure): string {
  const { ipBytes, encryptedBytes, clearBytes } = exposure;
  const readableBytes = exposure.authenticatedBytes + exposure.readableEspBytes;
  if (clearBytes === 0 && readableBytes === 0) return 'All IP traffic is protected';
  if (clearBytes === 0)
    return encryptedBytes === 0 ? 'NOT ENCRYPTED' : 'Protected, but not all of it encrypted';
  if (encryptedBytes + readableBytes === 0) return 'NOT PROTECTED';
  return clearBytes * 2 > ipBytes ? 'MOSTLY NOT PROTECTED' : 'Protected, but not all of it';
}

/** ESP with NULL encryption or GMAC (RFC 2410, 4543) looks protected and can be read by anybody. */
function readableAssociations({ securityAssociations }: AnalysisSummary): SecurityAssociationSummary[] {
  return securityAssociations.filter(
    ({ protocol, suite }) =>
      protocol === 'esp' &&
      suite.certainty !== 'bounded' &&
      suite.name !== null &&
      /^null-|gmac/.test(suite.name),
  );
}

function renderReadableEsp(summary: AnalysisSummary, { width, style }: ReportContext): string[] {
  const readable = readableAssociations(summary);
  if (readable.length === 0) return [];
  const bytes = readable.reduce((sum, sa) => sum + sa.bytes, 0);
  const text = `${formatCounted(readable.length, 'ESP SA')} (${formatBytes(bytes)}) without encryption: readable by anybody.`;
  return wrapText(text, { width }).map(style.bad);
}

function describeWire({ wire }: AnalysisSummary): string {
  const seconds = secondsBetween(wire.firstTimeNs, wire.lastTimeNs);
  const volume = `On the wire: ${formatBytes(wire.bytes)} in ${formatCounted(wire.packets, 'packet')}`;
  if (seconds <= 0) return `${volume}.`;
  return `${volume} over ${formatSeconds(seconds)}, ${formatBps((wire.bytes * 8) / seconds)} on average.`;
}

function describeCost(summary: AnalysisSummary): string {
  const overhead = ipsecOverhead(summary);
  if (overhead.bytes === 0) return 'IPsec adds nothing: there is no AH or ESP.';
  const amount = markCertainty(formatBytes(overhead.bytes), overhead.certainty);
  const limits =
    overhead.certainty === 'bounded'
      ? ` (between ${formatBytes(overhead.min ?? 0)} and ${formatBytes(overhead.max ?? 0)})`
      : '';
  const payloadBytes = summary.bytes.payload.bytes;
  const payload = payloadBytes > 0 ? `${formatShare(overhead.bytes, payloadBytes)} of the payload, ` : '';
  const wire = formatShare(overhead.bytes, summary.wire.bytes);
  return `IPsec adds ${amount}${limits}: ${payload}${wire} of the wire.`;
}
