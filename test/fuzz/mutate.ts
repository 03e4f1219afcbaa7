import type { Random } from './random.js';

const PCAP_MAGIC = 0xa1b2_c3d4;
const PCAP_NANOSECOND_MAGIC = 0xa1b2_3c4d;
const PCAP_HEADER_BYTES = 24;
const RECORD_BYTES = 16;
const ETHERNET_BYTES = 14;

/** Values at which length arithmetic goes wrong. */
const EDGES = [0, 1, 2, 3, 4, 7, 8, 19, 20, 21, 39, 40, 0x7f, 0x80, 0xff, 0x100, 0x7fff, 0x8000, 0xffff];
/** Protocols and EtherTypes that lead the decoder elsewhere. */
const NEXT_HEADERS = [0, 1, 4, 6, 17, 41, 43, 44, 47, 50, 51, 58, 59, 60, 144];
const ETHER_TYPES = [0x0800, 0x86dd, 0x8100, 0x88a8, 0x8847, 0x8864, 0x0806, 0x05dc];

type Mutation = (bytes: Uint8Array, random: Random, other: Uint8Array) => Uint8Array;

/** Changes inside packets, which leave the file readable so that the decoder gets to see them. */
const IN_PACKETS: readonly Mutation[] = [
  aimAtHeader,
  aimAtHeader,
  aimAtHeader,
  flipInPacket,
  exchangeRecords,
  repeatRecord,
];
const ANYWHERE: readonly Mutation[] = [flipBit, setByte, setWord, cut, remove, splice, aimAtRecord];

/** @returns a changed copy: one to six mutations, most of them inside packets */
export function mutate(seed: Uint8Array, other: Uint8Array, random: Random): Uint8Array {
  let bytes: Uint8Array = seed.slice();
  const staysReadable = random.chance(70);
  for (let i = 1 + random.below(6); i > 0; i--) {
    const mutations = staysReadable && isPcap(bytes) ? IN_PACKETS : ANYWHERE;
    bytes = random.pick(mutations)(bytes, random, other);
    if (bytes.length === 0) return bytes;
  }
  return bytes;
}

function flipBit(bytes: Uint8Array, random: Random): Uint8Array {
  bytes[random.below(bytes.length)]! ^= 1 << random.below(8);
  return bytes;
}

function setByte(bytes: Uint8Array, random: Random): Uint8Array {
  bytes[random.below(bytes.length)] = random.pick(EDGES);
  return bytes;
}

function setWord(bytes: Uint8Array, random: Random): Uint8Array {
  if (bytes.length < 4) return bytes;
  const at = random.below(bytes.length - 3) & ~3;
  view(bytes).setUint32(
    at,
    random.chance(50) ? random.pick(EDGES) : 0xffff_ffff - random.below(64),
    random.chance(50),
  );
  return bytes;
}

function cut(bytes: Uint8Array, random: Random): Uint8Array {
  return bytes.slice(0, random.below(bytes.length));
}

function remove(bytes: Uint8Array, random: Random): Uint8Array {
  const start = random.below(bytes.length);
  const end = Math.min(bytes.length, start + 1 + random.below(200));
  return concatenate(bytes.subarray(0, start), bytes.subarray(end));
}

/** Puts a piece of another capture in, or over what is there. */
function splice(bytes: Uint8Array, random: Random, other: Uint8Array): Uint8Array {
  const from = random.below(other.length);
  const piece = other.subarray(from, from + 1 + random.below(2000));
  const at = random.below(bytes.length);
  const rest = random.chance(50) ? bytes.subarray(at) : bytes.subarray(at + piece.length);
  return concatenate(bytes.subarray(0, at), piece, rest);
}

/** Captured length or wire length of a record. */
function aimAtRecord(bytes: Uint8Array, random: Random): Uint8Array {
  const record = pickRecord(bytes, random);
  if (record < 0) return flipBit(bytes, random);
  const field = record + (random.chance(50) ? 8 : 12);
  const value = random.chance(50)
    ? random.pick(EDGES)
    : view(bytes).getUint32(field, true) + random.below(9) - 4;
  view(bytes).setUint32(field, value, true);
  return bytes;
}

function flipInPacket(bytes: Uint8Array, random: Random): Uint8Array {
  const record = pickRecord(bytes, random);
  if (record < 0) return bytes;
  const captured = view(bytes).getUint32(record + 8, true);
  // Headers are at the beginning.
  const at = record + RECORD_BYTES + random.below(random.chance(80) ? Math.min(captured, 100) : captured);
  if (at < bytes.length) bytes[at]! ^= 1 << random.below(8);
  return bytes;
}

function exchangeRecords(bytes: Uint8Array, random: Random): Uint8Array {
  const a = pickRecord(bytes, random);
  const b = pickRecord(bytes, random);
  if (a < 0 || b < 0 || a === b) return bytes;
  const [first, second] = a < b ? [a, b] : [b, a];
  const firstEnd = recordEnd(bytes, first);
  const secondEnd = recordEnd(bytes, second);
  return concatenate(
    bytes.subarray(0, first),
    bytes.subarray(second, secondEnd),
    bytes.subarray(firstEnd, second),
    bytes.subarray(first, firstEnd),
    bytes.subarray(secondEnd),
  );
}

function repeatRecord(bytes: Uint8Array, random: Random): Uint8Array {
  const record = pickRecord(bytes, random);
  if (record < 0) return bytes;
  const end = recordEnd(bytes, record);
  return concatenate(bytes.subarray(0, end), bytes.subarray(record, end), bytes.subarray(end));
}

/** Sets a field of the link, IP, AH, UDP or TCP header to a value at the edge of what it may be. */
function aimAtHeader(bytes: Uint8Array, random: Random): Uint8Array {
  const record = pickRecord(bytes, random);
  const ip = record + RECORD_BYTES + ETHERNET_BYTES;
  if (record < 0 || ip + 60 > recordEnd(bytes, record)) return flipInPacket(bytes, random);
  const data = view(bytes);
  const isIpv6 = bytes[ip]! >> 4 === 6;
  const next = ip + (isIpv6 ? 40 : (bytes[ip]! & 15) * 4);
  const edge = random.pick(EDGES);
  const targets: (() => void)[] = isIpv6
    ? [
        () => data.setUint16(ip + 4, edge),
        () => data.setUint8(ip + 6, random.pick(NEXT_HEADERS)),
        () => data.setUint8(ip, edge),
      ]
    : [
        () => data.setUint16(ip + 2, edge),
        () => data.setUint16(ip + 2, data.getUint16(ip + 2) + random.below(9) - 4),
        () => data.setUint16(ip + 6, random.pick([0x2000, 0x4000, 0x1fff, 0x3fff, random.below(0x4000)])),
        () => data.setUint16(ip + 4, random.below(4)),
        () => data.setUint8(ip + 9, random.pick(NEXT_HEADERS)),
        () => data.setUint8(ip, 0x40 | random.below(16)),
      ];
  targets.push(
    () => data.setUint16(ip - 2, random.pick(ETHER_TYPES)),
    // Next header and length of AH and of IPv6 extensions.
    () => data.setUint8(next, random.pick(NEXT_HEADERS)),
    () => data.setUint8(next + 1, edge),
    // SPI, ports; length of UDP; data offset of TCP, also behind AH.
    () => data.setUint32(next, random.pick([0, 1, 0x100, 0x200, 0xffff_ffff])),
    () => data.setUint32(next, (4500 << 16) | 4500),
    () => data.setUint16(next + 4, edge),
    () => data.setUint8(next + 12, edge),
    () => data.setUint32(next + 8, random.pick([0, 0xffff_ffff, 0x0001_0000])),
  );
  random.pick(targets)();
  return bytes;
}

function isPcap(bytes: Uint8Array): boolean {
  if (bytes.length < PCAP_HEADER_BYTES + RECORD_BYTES) return false;
  const magic = view(bytes).getUint32(0, true);
  return magic === PCAP_MAGIC || magic === PCAP_NANOSECOND_MAGIC;
}

/** @returns offset of a record that lies in the file whole; -1 if there is none */
function pickRecord(bytes: Uint8Array, random: Random): number {
  if (!isPcap(bytes)) return -1;
  const records: number[] = [];
  for (let at = PCAP_HEADER_BYTES; at + RECORD_BYTES <= bytes.length; at = recordEnd(bytes, at)) {
    if (recordEnd(bytes, at) <= bytes.length) records.push(at);
  }
  return records.length === 0 ? -1 : random.pick(records);
}

function recordEnd(bytes: Uint8Array, record: number): number {
  return record + RECORD_BYTES + view(bytes).getUint32(record + 8, true);
}

function concatenate(...parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

function view(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
