import { readUint16, readUint32 } from './big-endian.js';
import { isPageBits, pageBitsOf, subsectionBytes } from './configuration.js';
import { SectionType } from './section-type.js';
import { isSectionName } from './stream-finder.js';

/*
 * What stands at the head of a QEMU stream and of its sections (QEMU migration/savevm.c):
 *
 *   file           "QEVM" (4), version (4)
 *   START, FULL    type (1), id (4), length (1), name, instance (4), version (4)
 *   PART, END      type (1), id (4)
 *   CONFIGURATION  type (1), length (4), then the machine's name
 *   COMMAND        type (1), command (2), length (2), data
 *   footer         type (1), id (4)
 */

export const STREAM_HEADER_BYTES = 8;
const STREAM_MAGIC = 0x5145_564d;
const STREAM_VERSION = 3;

/** No header is longer. */
export const MAX_HEADER_BYTES = 2048;
const MAX_MACHINE_BYTES = 256;
const MAX_COMMAND = 64;

/** Answered in place of a header that is none. */
export const INVALID = -1;

export type SectionHeader =
  | { readonly kind: 'named'; readonly id: number; readonly name: string; readonly instance: number }
  | { readonly kind: 'continued'; readonly id: number }
  | { readonly kind: 'footer' }
  | { readonly kind: 'configuration'; readonly machineBytes: number }
  /** Of the configuration; null where it does not tell the page size. */
  | { readonly kind: 'subsection'; readonly pageBytes: number | null }
  | { readonly kind: 'command'; readonly command: number };

/** Whether a stream begins at `offset`, where its header's bytes are. */
export function isStreamStart(data: Uint8Array, offset: number): boolean {
  return readUint32(data, offset) === STREAM_MAGIC && readUint32(data, offset + 4) === STREAM_VERSION;
}

/**
 * The header of any section but EOF.
 * @param data begins with its type
 * @param have bytes that are there, one at least
 * @returns how many bytes are needed to know more, if these are too few; INVALID if no section begins so
 */
export function readSectionHeader(data: Uint8Array, have: number): SectionHeader | number {
  switch (data[0]!) {
    case SectionType.start:
    case SectionType.full:
      return readNamed(data, have);
    case SectionType.part:
    case SectionType.end:
      return have < 5 ? 5 : { kind: 'continued', id: readUint32(data, 1) };
    case SectionType.footer:
      return have < 5 ? 5 : { kind: 'footer' };
    case SectionType.configuration:
      return have < 5 ? 5 : readConfiguration(data);
    case SectionType.subsection:
      return readSubsection(data, have);
    case SectionType.command:
      return have < 5 ? 5 : readCommand(data, have);
    default:
      return INVALID;
  }
}

function readNamed(data: Uint8Array, have: number): SectionHeader | number {
  if (have < 6) return 6;
  const length = data[5]!;
  if (have < 14 + length) return length === 0 ? INVALID : 14 + length;
  if (!isSectionName(data, 6, length, have)) return INVALID;
  const name = Buffer.from(data.subarray(6, 6 + length)).toString('latin1');
  return { kind: 'named', id: readUint32(data, 1), name, instance: readUint32(data, 6 + length) };
}

function readConfiguration(data: Uint8Array): SectionHeader | number {
  const machineBytes = readUint32(data, 1);
  return machineBytes > MAX_MACHINE_BYTES ? INVALID : { kind: 'configuration', machineBytes };
}

function readSubsection(data: Uint8Array, have: number): SectionHeader | number {
  const need = subsectionBytes(data, have);
  if (need > have) return need < MAX_HEADER_BYTES ? need : INVALID;
  const pageBits = pageBitsOf(data, have);
  if (need < 0 || (pageBits > 0 && !isPageBits(pageBits))) return INVALID;
  return { kind: 'subsection', pageBytes: pageBits > 0 ? 1 << pageBits : null };
}

function readCommand(data: Uint8Array, have: number): SectionHeader | number {
  const command = readUint16(data, 1);
  const length = readUint16(data, 3);
  if (command === 0 || command > MAX_COMMAND || length > MAX_HEADER_BYTES - 5) return INVALID;
  return have < 5 + length ? 5 + length : { kind: 'command', command };
}
