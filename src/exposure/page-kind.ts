import { entropyBits } from './randomness.js';

/*
 * What a page of memory holds, by the frequencies of its bytes alone. Text is mostly printable. Machine code of x86-64 has a few bytes
 * (REX prefixes, mov, call, lea, two-byte opcodes) far more often than anything else has. Of Debian's programs no page of .rodata,
 * .data and .eh_frame meets the limits, and every page of bash's and tcpdump's .text does; of QEMU's 98 %, of libc's 87 %, of
 * libcrypto's 82 %: what is written for vector registers goes as data. Random bytes are encrypted or well compressed, or tables of
 * ciphers.
 */

export const PAGE_KINDS = ['zero', 'text', 'code', 'random', 'data'] as const;
export type PageKindName = (typeof PAGE_KINDS)[number];

const RANDOM_ENTROPY_BITS = 7.8;
const TEXT_SHARE = 0.85;
/** Of a page that is partly text and for the rest empty. */
const LEAST_TEXT_BYTES = 1024;
const OPCODES = [
  0x48, 0x8b, 0x89, 0xe8, 0x0f, 0x4c, 0x83, 0x85, 0x24, 0x44, 0x41, 0x8d, 0x49, 0x74, 0x75, 0xc7, 0xc3, 0x45,
];
const OPCODE_SHARE = 0.22;
const REX_W = 0x48;
const MOVES = [0x8b, 0x89];
const EACH_SHARE = 0.02;
const CODE_ENTROPY_BITS = [4.5, 7.3] as const;

const counts = new Uint32Array(256);

/** @param to behind the page's last byte */
export function pageKind(data: Uint8Array, from: number, to: number): PageKindName {
  counts.fill(0);
  for (let i = from; i < to; i++) counts[data[i]!]! += 1;
  const bytes = to - from;
  const zeros = counts[0]!;
  if (zeros === bytes) return 'zero';
  const printable = countOf(PRINTABLE);
  if (printable >= LEAST_TEXT_BYTES && printable >= TEXT_SHARE * (bytes - zeros)) return 'text';
  const entropy = entropyBits(counts, bytes);
  if (entropy >= RANDOM_ENTROPY_BITS) return 'random';
  return isCode(bytes, entropy) ? 'code' : 'data';
}

const PRINTABLE = [0x09, 0x0a, 0x0d, ...Array.from({ length: 0x5f }, (_, i) => 0x20 + i)];

function isCode(bytes: number, entropy: number): boolean {
  return (
    entropy > CODE_ENTROPY_BITS[0] &&
    entropy < CODE_ENTROPY_BITS[1] &&
    counts[REX_W]! > EACH_SHARE * bytes &&
    countOf(MOVES) > EACH_SHARE * bytes &&
    countOf(OPCODES) > OPCODE_SHARE * bytes
  );
}

function countOf(values: readonly number[]): number {
  let sum = 0;
  for (const value of values) sum += counts[value]!;
  return sum;
}
