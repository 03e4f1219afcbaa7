// node scripts/make-hostile.mjs
//
// Writes captures/hostile/: packets and files that contradict themselves. captures/README.md says what each is for.

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT, runAsScript } from './prepare.mjs';

const FOLDER = join(ROOT, 'captures/hostile');
const ETHERNET = '020000000002' + '020000000001';
const AH = 51;
const ESP = 50;
const UDP = 17;
const SECONDS = 1_735_689_600;

function main() {
  mkdirSync(FOLDER, { recursive: true });
  const good = readFrames('captures/ipsec/t4-gcm16.pcap').slice(0, 12);
  const files = {
    'ah-length.pcap': pcap(ahLengths()),
    'ah-nested.pcap': pcap([ipv4(AH, nestedAh(64)), ipv4(AH, nestedAh(4))]),
    'esp-short.pcap': pcap(range(0, 40).map((bytes) => ipv4(ESP, filled(bytes, 7)))),
    'ipv4-length.pcap': pcap(ipv4Lengths()),
    'ipv6-extensions.pcap': pcap(ipv6Extensions()),
    'fragments.pcap': pcap(fragments()),
    'udp-4500.pcap': pcap(udpEncapsulation()),
    'frame-cut.pcap': pcap(cutAtEveryByte(good.at(-1))),
    'file-cut.pcap': pcap(good).subarray(0, -37),
    'record-length.pcap': Buffer.concat([
      pcap(good),
      hex('00000000 00000000 ffffffff ffffffff'),
      filled(64, 3),
    ]),
    'pcapng-options.pcapng': pcapngOptions(good),
    'pcapng-option-length.pcapng': pcapngOptionLengths(good),
    'pcapng-block-length.pcapng': Buffer.concat([pcapng(good), hex('06000000 0d000000'), filled(64, 5)]),
    'pcapng-no-interface.pcapng': Buffer.concat([
      section(),
      enhancedPacket(good[0], 3),
      enhancedPacket(good[1], 0),
    ]),
    'empty.pcap': Buffer.alloc(0),
    'header-only.pcap': pcap([]),
  };
  for (const [name, bytes] of Object.entries(files)) writeFileSync(join(FOLDER, name), bytes);
  console.log(`captures/hostile: ${Object.keys(files).length} files`);
  return 0;
}

/** An AH whose length field says 0, less than its fixed part, more than there is; and one that is right. */
function ahLengths() {
  return [0, 1, 2, 4, 5, 200, 255].map((length) =>
    ipv4(AH, ah(6, length, Buffer.concat([filled(12, 1), tcp()]))),
  );
}

function nestedAh(depth) {
  return range(0, depth).reduce(
    (inner, level) => ah(level === 0 ? 6 : AH, 4, Buffer.concat([filled(12, 1), inner])),
    tcp(),
  );
}

/** Total length 0, shorter than the header, longer than the frame; header length 0, 4, 15 words; version 5. */
function ipv4Lengths() {
  const edit = (change) => {
    const frame = ipv4(ESP, filled(64, 9));
    change(frame);
    return frame;
  };
  const totals = [0, 1, 19, 20, 21, 27, 28, 2000, 65_535].map((total) =>
    edit((frame) => frame.writeUInt16BE(total, 16)),
  );
  const starts = [0x40, 0x44, 0x4f, 0x55, 0x00, 0xff].map((start) =>
    edit((frame) => frame.writeUInt8(start, 14)),
  );
  return [...totals, ...starts];
}

function ipv6Extensions() {
  const option = (next) => Buffer.concat([Buffer.from([next, 0]), hex('010400000000')]);
  const chain = (count, last, rest) =>
    Buffer.concat([...range(0, count).map((i) => option(i === count - 1 ? last : 60)), rest]);
  return [
    ipv6(60, chain(100, ESP, filled(40, 2))),
    ipv6(60, chain(3, AH, ah(6, 0, tcp()))),
    // Extension length far beyond the packet.
    ipv6(60, Buffer.concat([hex('32ff'), filled(30, 2)])),
    // A fragment header with nothing behind it, and one whose data does not end on 8 bytes while more follow.
    ipv6(44, hex('3200000100000001')),
    ipv6(44, Buffer.concat([hex('3200000100000002'), filled(13, 4)])),
    // Payload length 0, as a jumbogram has it.
    ipv6(ESP, filled(32, 8), 0),
  ];
}

/** Overlaps, a duplicate, data beyond 65 535 bytes, an 8-byte first fragment that cuts the AH, a hole for ever. */
function fragments() {
  const piece = (id, offset, more, bytes) => {
    const frame = ipv4(AH, bytes);
    frame.writeUInt16BE(id, 18);
    frame.writeUInt16BE((more ? 0x2000 : 0) | (offset / 8), 20);
    return frame;
  };
  const whole = ah(6, 4, Buffer.concat([filled(12, 1), tcp(), filled(136, 6)]));
  return [
    piece(1, 0, true, whole.subarray(0, 96)),
    piece(1, 88, false, whole.subarray(88)),
    piece(2, 0, true, whole.subarray(0, 96)),
    piece(2, 0, true, whole.subarray(0, 96)),
    piece(2, 96, false, whole.subarray(96)),
    piece(3, 65_528, false, filled(64, 1)),
    piece(3, 0, true, whole.subarray(0, 96)),
    piece(4, 0, true, whole.subarray(0, 8)),
    piece(4, 8, false, whole.subarray(8)),
    piece(5, 0, true, whole.subarray(0, 96)),
    piece(5, 96, true, whole.subarray(96, 107)),
    piece(6, 80, false, whole.subarray(80)),
    piece(7, 0, true, Buffer.alloc(0)),
  ];
}

/** On UDP 4500: nothing, a keep-alive, a cut marker, a marker without IKE, ESP too short, wrong UDP lengths. */
function udpEncapsulation() {
  const contents = [
    '',
    'ff',
    'ffff',
    '00',
    '000000',
    '00000000',
    '0000000011',
    '000001000000',
    '0000010000000001',
  ];
  const lengths = [0, 7, 8, 9, 65_535].map((length) => ipv4(UDP, udp(filled(40, 3), length)));
  return [...contents.map((content) => ipv4(UDP, udp(hex(content)))), ...lengths];
}

function cutAtEveryByte(frame) {
  return range(0, Math.min(frame.length, 120)).map((captured) => ({
    captured: frame.subarray(0, captured),
    wireBytes: frame.length,
  }));
}

/** Options: unknown, of length 0, not closed, with control characters; clocks of 2^-127 and 10^-127 s; all well framed. */
function pcapngOptions(frames) {
  const oneByte = (code, value) => Buffer.concat([u16(code), u16(1), Buffer.from([value, 0, 0, 0])]);
  const text = (code, string) => Buffer.concat([u16(code), u16(string.length), pad(Buffer.from(string))]);
  const end = Buffer.alloc(4);
  return Buffer.concat([
    section(Buffer.concat([text(4, '\u001b[31mred\u0007'), text(0x7777, 'unknown'), text(1, ''), end])),
    interfaceBlock(Buffer.concat([oneByte(9, 9), text(2, 'eth0'), end])),
    interfaceBlock(oneByte(9, 0xff)),
    interfaceBlock(oneByte(9, 0x7f)),
    interfaceBlock(Buffer.concat([u16(14), u16(8), hex('ffffffffffffffff'), end])),
    ...frames.map((frame, i) => enhancedPacket(frame, i % 4, Buffer.concat([text(1, `packet ${i}`), end]))),
    // Interface statistics: 2^63 packets dropped, and a start time without its second half.
    block(
      5,
      Buffer.concat([
        u32(0),
        u32(0),
        u32(0),
        u16(5),
        u16(8),
        hex('0000000000000080'),
        u16(2),
        u16(4),
        u32(1),
      ]),
    ),
    block(0x0bad_0bad, filled(20, 1)),
    enhancedPacket(frames[1], 0),
  ]);
}

/** A name and a packet's drop count that claim more bytes than their blocks have. */
function pcapngOptionLengths(frames) {
  return Buffer.concat([
    section(),
    interfaceBlock(),
    enhancedPacket(frames[0], 0),
    interfaceBlock(Buffer.concat([u16(2), u16(60_000), filled(8, 1)])),
    enhancedPacket(frames[1], 0, Buffer.concat([u16(4), u16(8), filled(4, 0xff)])),
    enhancedPacket(frames[2], 0),
  ]);
}

function ipv4(protocol, payload) {
  const header = hex('4500 0000 0000 0000 40 00 0000 0a090001 0a090002');
  header.writeUInt16BE(20 + payload.length, 2);
  header.writeUInt8(protocol, 9);
  return Buffer.concat([hex(`${ETHERNET}0800`), header, payload]);
}

function ipv6(next, payload, length = payload.length) {
  const header = hex('60000000 0000 00 40');
  header.writeUInt16BE(length, 4);
  header.writeUInt8(next, 6);
  const addresses = hex('fd090000000000000000000000000001 fd090000000000000000000000000002');
  return Buffer.concat([hex(`${ETHERNET}86dd`), header, addresses, payload]);
}

/** `length` in 32-bit words, less 2; what follows sequence number is up to the caller. */
function ah(next, length, rest) {
  return Buffer.concat([Buffer.from([next, length]), hex('0000 00000101 00000001'), rest]);
}

function tcp() {
  return hex('c000c001 00000001 00000001 5010ffff 00000000');
}

function udp(content, length = 8 + content.length) {
  const header = hex('11941194 0000 0000');
  header.writeUInt16BE(length, 4);
  return Buffer.concat([header, content]);
}

function pcap(frames) {
  const header = hex('d4c3b2a1 0200 0400 00000000 00000000 00000400 01000000');
  const records = frames.map((frame, i) => {
    const captured = frame.captured ?? frame;
    return Buffer.concat([
      u32(SECONDS),
      u32(i),
      u32(captured.length),
      u32(frame.wireBytes ?? captured.length),
      captured,
    ]);
  });
  return Buffer.concat([header, ...records]);
}

function pcapng(frames) {
  return Buffer.concat([section(), interfaceBlock(), ...frames.map((frame) => enhancedPacket(frame, 0))]);
}

function section(options = Buffer.alloc(0)) {
  return block(0x0a0d_0d0a, Buffer.concat([hex('4d3c2b1a 0100 0000 ffffffffffffffff'), options]));
}

function interfaceBlock(options = Buffer.alloc(0)) {
  return block(1, Buffer.concat([u16(1), u16(0), u32(262_144), options]));
}

function enhancedPacket(frame, interfaceId, options = Buffer.alloc(0)) {
  const time = BigInt(SECONDS) * 1_000_000n;
  const fields = [
    interfaceId,
    Number(time >> 32n),
    Number(time & 0xffff_ffffn),
    frame.length,
    frame.length,
  ].map(u32);
  return block(6, Buffer.concat([...fields, pad(frame), options]));
}

function block(type, body) {
  const length = u32(body.length + 12);
  return Buffer.concat([u32(type), length, body, length]);
}

function readFrames(path) {
  const data = readFileSync(join(ROOT, path));
  const frames = [];
  for (let at = 24; at < data.length; at += 16 + data.readUInt32LE(at + 8)) {
    frames.push(data.subarray(at + 16, at + 16 + data.readUInt32LE(at + 8)));
  }
  return frames;
}

function range(from, to) {
  return Array.from({ length: to - from }, (_, i) => from + i);
}

function filled(bytes, value) {
  return Buffer.alloc(bytes, value);
}

function pad(bytes) {
  return Buffer.concat([bytes, Buffer.alloc(-bytes.length & 3)]);
}

function hex(text) {
  return Buffer.from(text.replaceAll(' ', ''), 'hex');
}

function u16(value) {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16LE(value);
  return bytes;
}

function u32(value) {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value >>> 0);
  return bytes;
}

await runAsScript(main);
