/*
 * Frames put together by hand. Each function returns a header with what it carries behind it, lengths and IP checksums
 * filled in; what tshark makes of the results is kept in test/golden/expected/packet-frames.json.
 */

export interface Ipv4Fields {
  protocol: number;
  /** Whole words. */
  options?: Uint8Array;
  id?: number;
  dontFragment?: boolean;
  moreFragments?: boolean;
  /** In bytes, a multiple of 8. */
  fragmentOffset?: number;
  source?: string;
  destination?: string;
  /** Overrides what is computed. */
  totalBytes?: number;
}

export interface Ipv6Fields {
  nextHeader: number;
  payloadBytes?: number;
}

export interface SecurityFields {
  spi: number;
  sequence: number;
}

/** Concatenates; strings are hex, blanks ignored. */
export function bytes(...parts: (string | Uint8Array)[]): Uint8Array {
  return new Uint8Array(
    Buffer.concat(
      parts.map((part) =>
        typeof part === 'string' ? Buffer.from(part.replaceAll(/\s/g, ''), 'hex') : Buffer.from(part),
      ),
    ),
  );
}

/** `count` bytes, each different from its neighbours; never zero. */
export function filler(count: number, seed = 1): Uint8Array {
  return Uint8Array.from({ length: count }, (_, i) => ((i * 7 + seed * 31) % 255) + 1);
}

export function u16(value: number): Uint8Array {
  return Uint8Array.of(value >> 8, value & 0xff);
}

export function u32(value: number): Uint8Array {
  return Uint8Array.of(value >>> 24, (value >>> 16) & 0xff, (value >>> 8) & 0xff, value & 0xff);
}

/** IEEE 802.3; `padTo` counts the whole frame without its check sequence. */
export function ethernet(etherType: number, payload: Uint8Array, padTo = 0): Uint8Array {
  const frame = bytes('02 00 00 00 00 02 02 00 00 00 00 01', u16(etherType), payload);
  return bytes(frame, new Uint8Array(Math.max(0, padTo - frame.length)));
}

/** What stands behind a tag's EtherType: VLAN 42, then the next type. */
export function vlanTag(etherType: number, payload: Uint8Array): Uint8Array {
  return bytes('00 2a', u16(etherType), payload);
}

export function mplsLabel(label: number, bottom: boolean, payload: Uint8Array): Uint8Array {
  return bytes(u32(label * 4096 + (bottom ? 0x100 : 0) + 64), payload);
}

export function pppoe(protocol: number, payload: Uint8Array): Uint8Array {
  return bytes('11 00 00 01', u16(payload.length + 2), u16(protocol), payload);
}

/** LINKTYPE_LINUX_SLL: packet type, ARPHRD_ETHER, address length, address, protocol. */
export function cooked(etherType: number, payload: Uint8Array): Uint8Array {
  return bytes('0000 0001 0006 0200000000010000', u16(etherType), payload);
}

/** LINKTYPE_LINUX_SLL2: protocol, reserved, interface, ARPHRD_ETHER, packet type, address length, address. */
export function cooked2(etherType: number, payload: Uint8Array): Uint8Array {
  return bytes(u16(etherType), '0000 00000003 0001 00 06 0200000000010000', payload);
}

export function ipv4(fields: Ipv4Fields, payload: Uint8Array): Uint8Array {
  const options = fields.options ?? new Uint8Array(0);
  const headerBytes = 20 + options.length;
  const fragmentField =
    (fields.dontFragment ? 0x4000 : 0) |
    (fields.moreFragments ? 0x2000 : 0) |
    ((fields.fragmentOffset ?? 0) / 8);
  const header = bytes(
    Uint8Array.of(0x40 | (headerBytes / 4), 0),
    u16(fields.totalBytes ?? headerBytes + payload.length),
    u16(fields.id ?? 0x1234),
    u16(fragmentField),
    Uint8Array.of(64, fields.protocol),
    '0000',
    fields.source ?? '0a 09 00 01',
    fields.destination ?? '0a 09 00 02',
    options,
  );
  header.set(u16(checksum(header)), 10);
  return bytes(header, payload);
}

/** RFC 1071. */
function checksum(header: Uint8Array): number {
  let sum = 0;
  for (let i = 0; i < header.length; i += 2) sum += header[i]! * 256 + header[i + 1]!;
  while (sum >= 0x10000) sum = (sum % 0x10000) + Math.floor(sum / 0x10000);
  return 0xffff - sum;
}

export function ipv6(fields: Ipv6Fields, payload: Uint8Array): Uint8Array {
  return bytes(
    '60 00 00 00',
    u16(fields.payloadBytes ?? payload.length),
    Uint8Array.of(fields.nextHeader, 64),
    'fd00 0000 0000 0000 0000 0000 0000 0001',
    'fd00 0000 0000 0000 0000 0000 0000 0002',
    payload,
  );
}

/** Hop-by-hop or destination options of `length` bytes (a multiple of 8), filled with PadN. */
export function ipv6Options(nextHeader: number, length: number, payload: Uint8Array): Uint8Array {
  const pad = bytes(Uint8Array.of(1, length - 4), new Uint8Array(length - 4));
  return bytes(Uint8Array.of(nextHeader, length / 8 - 1), pad, payload);
}

/** Routing header type 2 with one address, none left (RFC 6275 section 6.4). */
export function ipv6Routing(nextHeader: number, payload: Uint8Array): Uint8Array {
  return bytes(
    Uint8Array.of(nextHeader, 2, 2, 0),
    '00000000 fd00 0000 0000 0000 0000 0000 0000 0003',
    payload,
  );
}

export function ipv6Fragment(
  nextHeader: number,
  offset: number,
  more: boolean,
  payload: Uint8Array,
  id = 0xabcd,
): Uint8Array {
  return bytes(Uint8Array.of(nextHeader, 0), u16(offset | (more ? 1 : 0)), u32(id), payload);
}

export function ah(
  nextHeader: number,
  icvBytes: number,
  { spi, sequence }: SecurityFields,
  payload: Uint8Array,
): Uint8Array {
  const lengthField = (12 + icvBytes) / 4 - 2;
  return bytes(
    Uint8Array.of(nextHeader, lengthField, 0, 0),
    u32(spi),
    u32(sequence),
    filler(icvBytes),
    payload,
  );
}

/** ESP whose inside is whatever `body` is. */
export function esp({ spi, sequence }: SecurityFields, body: Uint8Array): Uint8Array {
  return bytes(u32(spi), u32(sequence), body);
}

/** ESP with the null cipher: payload, padding 1 2 3..., pad length, next header, ICV. */
export function nullEsp(fields: SecurityFields, nextHeader: number, payload: Uint8Array, icvBytes = 12) {
  const padBytes = (4 - ((payload.length + 2) % 4)) % 4;
  const padding = Uint8Array.from({ length: padBytes }, (_, i) => i + 1);
  return esp(fields, bytes(payload, padding, Uint8Array.of(padBytes, nextHeader), filler(icvBytes)));
}

export function udp(source: number, destination: number, payload: Uint8Array, length = payload.length + 8) {
  return bytes(u16(source), u16(destination), u16(length), '0000', payload);
}

export interface TcpFields {
  source?: number;
  destination?: number;
  flags?: number;
  /** Whole words. */
  options?: Uint8Array;
}

export function tcp(fields: TcpFields, payload: Uint8Array): Uint8Array {
  const options = fields.options ?? new Uint8Array(0);
  return bytes(
    u16(fields.source ?? 40000),
    u16(fields.destination ?? 4444),
    '00000001 00000002',
    Uint8Array.of(((20 + options.length) / 4) << 4, fields.flags ?? 0x10),
    'ffff 0000 0000',
    options,
    payload,
  );
}

/** @param rest the second word: identifier and sequence number, or what the type puts there */
export function icmp(type: number, code: number, rest: string, payload: Uint8Array): Uint8Array {
  return bytes(Uint8Array.of(type, code), '0000', rest, payload);
}

/** @param options checksum, key, sequence number as the flags announce them */
export function gre(flags: number, protocol: number, options: string, payload: Uint8Array): Uint8Array {
  return bytes(u16(flags), u16(protocol), options, payload);
}

export function vxlan(frame: Uint8Array, flags = 0x08): Uint8Array {
  return bytes(Uint8Array.of(flags, 0, 0, 0), '00002a00', frame);
}

/** Who has 10.9.0.2, asked by 10.9.0.1 (RFC 826). */
export function arp(): Uint8Array {
  return bytes('0001 0800 06 04 0001 020000000001 0a090001 000000000000 0a090002');
}

/** IKE header and `payload`; exchange 34 is IKE_SA_INIT, 2 is Identity Protection of IKEv1. */
export function ike(version: number, exchange: number, payload: Uint8Array, length = 28 + payload.length) {
  return bytes(
    '1111111122222222 0000000000000000',
    Uint8Array.of(0, version, exchange, version === 0x20 ? 0x08 : 0),
    '00000000',
    u32(length),
    payload,
  );
}

/** A message in ESP-in-TCP framing, which counts its own two length bytes (RFC 9329 section 3). */
export function streamMessage(message: Uint8Array): Uint8Array {
  return bytes(u16(message.length + 2), message);
}
