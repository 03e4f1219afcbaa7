import { CaptureOpenError } from './capture-open-error.js';
import { isPcapMagic } from './pcap-parser.js';
import { BlockType, BYTE_ORDER_MAGIC } from './pcapng-format.js';
import type { CaptureFormat } from './record-parser.js';

/** Bytes that `sniffFormat` wants to see; fewer only if the stream has no more. */
export const SNIFF_BYTES = 12;

/** What people pass by mistake, by the bytes it begins with. */
const KNOWN_OTHERS: readonly (readonly [prefix: string, what: string])[] = [
  ['1f8b', 'gzip data: decompress it first with gzip -d'],
  ['504b0304', 'a ZIP archive: unpack it first'],
  ['28b52ffd', 'Zstandard data: decompress it first with zstd -d'],
  ['04224d18', 'LZ4 data: decompress it first with lz4 -d'],
  ['fd377a585a00', 'xz data: decompress it first with xz -d'],
  ['425a68', 'bzip2 data: decompress it first with bzip2 -d'],
  ['736e6f6f70', 'a snoop file: convert it with editcap -F pcapng'],
  ['474d4255', 'a Network Monitor file: convert it with editcap -F pcapng'],
  ['7f454c46', 'a program'],
];

export function isGzip(head: Uint8Array): boolean {
  return head.length >= 2 && head[0] === 0x1f && head[1] === 0x8b;
}

/**
 * @param head the first {@link SNIFF_BYTES} bytes of the uncompressed stream, or all there are
 * @returns null if they are not a capture's
 */
export function sniffFormat(head: Uint8Array): CaptureFormat | null {
  if (head.length < 4) return null;
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
  const magic = view.getUint32(0, true);
  if (isPcapMagic(magic)) return 'pcap';
  if (magic !== BlockType.sectionHeader) return null;
  // A section header cut before its byte-order magic is for the parser to report.
  if (head.length < SNIFF_BYTES) return 'pcapng';
  const isMagic =
    view.getUint32(8, true) === BYTE_ORDER_MAGIC || view.getUint32(8, false) === BYTE_ORDER_MAGIC;
  return isMagic ? 'pcapng' : null;
}

/** @throws CaptureOpenError if `head` is not the beginning of a capture */
export function requireFormat(path: string, head: Uint8Array): CaptureFormat {
  const format = sniffFormat(head);
  if (format !== null) return format;
  if (head.length === 0) {
    throw new CaptureOpenError(
      'empty',
      path,
      'is empty, 0 bytes: was the capture started and stopped properly?',
    );
  }
  throw new CaptureOpenError('notACapture', path, describeStranger(head));
}

function describeStranger(head: Uint8Array): string {
  const shown = Buffer.from(head.subarray(0, 4))
    .toString('hex')
    .replace(/..(?=.)/g, '$& ');
  const hex = Buffer.from(head).toString('hex');
  const other = KNOWN_OTHERS.find(([prefix]) => hex.startsWith(prefix));
  const guess = other === undefined ? '' : ` (${other[1]})`;
  return `not a capture: starts with ${shown}${guess}; expected pcap or pcapng, plain or gzip`;
}
