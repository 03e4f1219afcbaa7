import { readUint32 } from './big-endian.js';

/*
 * Subsections of the configuration section (QEMU migration/savevm.c: vmstate_configuration):
 *
 *  0      1        2                       version (4)   by name ...
 *  | 0x05 | length | "configuration/NAME"  |
 *
 *   target-page-bits   logarithm of the page size (4); not there if the target has one size only
 *   capabilities       count (4), then each: length (1), name
 *   uuid               16 bytes
 */

const PREFIX = 'configuration/';
const UUID_BYTES = 16;
const MAX_CAPABILITIES = 64;

/**
 * How long the subsection is that begins in `data`.
 * @param have bytes that are there
 * @returns its length, if that is at most `have`; else how many bytes are needed to know more; -1 if it is none that is known
 */
export function subsectionBytes(data: Uint8Array, have: number): number {
  if (have < 2) return 2;
  const content = 6 + data[1]!;
  if (have < content) return content;
  switch (nameOf(data)) {
    case 'target-page-bits':
      return content + 4;
    case 'uuid':
      return content + UUID_BYTES;
    case 'capabilities':
      return have < content + 4 ? content + 4 : capabilitiesEnd(data, content, have);
    default:
      return -1;
  }
}

/** Logarithm of the page size that a whole subsection tells; 0 if it tells something else. */
export function pageBitsOf(data: Uint8Array, have: number): number {
  const content = 6 + data[1]!;
  if (have < content + 4 || nameOf(data) !== 'target-page-bits') return 0;
  return Math.max(1, readUint32(data, content));
}

/** Page sizes that QEMU has: 1 KiB to 64 KiB. */
export function isPageBits(bits: number): boolean {
  return bits >= 10 && bits <= 16;
}

function capabilitiesEnd(data: Uint8Array, content: number, have: number): number {
  const count = readUint32(data, content);
  if (count > MAX_CAPABILITIES) return -1;
  let end = content + 4;
  for (let i = 0; i < count; i++) {
    if (have < end + 1) return end + 1;
    end += 1 + data[end]!;
  }
  return end;
}

function nameOf(data: Uint8Array): string {
  const text = Buffer.from(data.subarray(2, 2 + data[1]!)).toString('latin1');
  return text.startsWith(PREFIX) ? text.slice(PREFIX.length) : '';
}
