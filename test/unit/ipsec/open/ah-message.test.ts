import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KeyedOpener } from '../../../../src/ipsec/open/keyed-opener.js';
import { SaTable } from '../../../../src/ipsec/sa-table.js';
import { parseAhSuite, parseEspSuite } from '../../../../src/ipsec/suite.js';
import { Integrity } from '../../../../src/packet/packet-batch.js';
import { buildAh, buildEsp, testAssociation, testKey } from './packet-builder.js';

const AH = testAssociation(parseAhSuite('sha256'));
const ESP = testAssociation(parseEspSuite('aes128gcm16'));
const PAYLOAD = { nextHeader: 17, sequence: 7n, payload: testKey(32) };
const AH_BYTES = 28 + PAYLOAD.payload.length;

function verify(data: Uint8Array, ahOffset: number, ipOffset = 0, end = data.length): number {
  return new KeyedOpener(new SaTable([AH, ESP])).verifyAh(data, ipOffset, ahOffset, end);
}

function hex(digits: string): Buffer {
  return Buffer.from(digits.replace(/\s/g, ''), 'hex');
}

/** IPv4 header on its way; `cleared` gives what the ICV covers, written by hand from RFC 4302 section 3.3.3.1.1. */
function ipv4Header(options: string, destination = '0a090002'): Buffer {
  const optionBytes = hex(options);
  const total = (20 + optionBytes.length + AH_BYTES).toString(16).padStart(4, '0');
  const first = (0x45 + optionBytes.length / 4).toString(16);
  return Buffer.concat([hex(`${first}b9 ${total} 1234 4000 3f33 abcd 0a090001 ${destination}`), optionBytes]);
}

function ipv4Cleared(options: string, destination = '0a090002'): Buffer {
  const header = ipv4Header(options, destination);
  for (const offset of [1, 6, 7, 8, 10, 11]) header[offset] = 0;
  return header;
}

test('the ICV covers the IPv4 header but for TOS, flags, fragment offset, TTL and checksum', () => {
  const data = Buffer.concat([ipv4Header(''), buildAh(AH, ipv4Cleared(''), PAYLOAD)]);
  assert.equal(verify(data, 20), Integrity.verified);
  const mutable = new Set([1, 6, 7, 8, 10, 11]);
  // Version and header length decide how to read the rest; the total length is rebuilt, from where the packet ends.
  for (const offset of [1, 4, 5, 6, 7, 8, 10, 11, 12, 15, 16, 19]) {
    const changed = Buffer.from(data);
    changed[offset]! ^= 0x10;
    const expected = mutable.has(offset) ? Integrity.verified : Integrity.failed;
    assert.equal(verify(changed, 20), expected, `byte ${offset}`);
  }
});

test('mutable IPv4 options count as zero, immutable ones as sent', () => {
  // Router alert; record route (7 bytes); security (11 bytes); no operation; end of list.
  const sent = '94040000 07070401020304 820b0000000000000000ff 01 00';
  const cleared = '94040000 00000000000000 820b0000000000000000ff 01 00';
  const data = Buffer.concat([ipv4Header(sent), buildAh(AH, ipv4Cleared(cleared), PAYLOAD)]);
  assert.equal(verify(data, 44), Integrity.verified);
  data[20 + 4 + 6]! ^= 1;
  assert.equal(verify(data, 44), Integrity.verified, 'recorded route');
  data[20 + 11 + 10]! ^= 1;
  assert.equal(verify(data, 44), Integrity.failed, 'security option');
});

test('a source route counts with its last address as destination, on the way and at the end', () => {
  const zero = '00'.repeat(12);
  const ah = buildAh(AH, ipv4Cleared(zero, '0a0900ff'), PAYLOAD);
  const onTheWay = '83 0b 04 0a0900aa 0a0900ff 00';
  assert.equal(verify(Buffer.concat([ipv4Header(onTheWay, '0a090002'), ah]), 32), Integrity.verified);
  const arrived = '83 0b 0c 0a0900aa 0a090002 00';
  assert.equal(verify(Buffer.concat([ipv4Header(arrived, '0a0900ff'), ah]), 32), Integrity.verified);
});

test('broken IPv4 options fail', () => {
  const ah = buildAh(AH, ipv4Cleared('00000000'), PAYLOAD);
  for (const options of ['07000000', '07010000', '07ff0000', '01010107']) {
    assert.equal(verify(Buffer.concat([ipv4Header(options), ah]), 24), Integrity.failed, options);
  }
});

test('IPv4 AH padded to 8 bytes, as Linux does, verifies with its padding', () => {
  const icvPadding = hex('deadbeef');
  const header = ipv4Cleared('');
  header.writeUInt16BE(20 + AH_BYTES + 4, 2);
  const data = Buffer.concat([header, buildAh(AH, header, { ...PAYLOAD, icvPadding })]);
  assert.equal(verify(data, 20), Integrity.verified);
  data[20 + 28]! ^= 1;
  assert.equal(verify(data, 20), Integrity.failed);
});

test('an AH too short for the ICV of its SA fails', () => {
  const data = Buffer.concat([ipv4Header(''), buildAh(AH, ipv4Cleared(''), PAYLOAD)]);
  for (const lengthField of [0, 1, 4, 255]) {
    data[21] = lengthField;
    assert.equal(verify(data, 20), Integrity.failed, `length field ${lengthField}`);
  }
  assert.equal(verify(data, 20, 0, 31), Integrity.unchecked);
});

const SOURCE6 = 'fd09000000000000 0000000000000001';
const DESTINATION6 = 'fd09000000000000 0000000000000002';
const FINAL6 = 'fd09000000000000 00000000000000ff';

function ipv6(
  firstWord: string,
  next: string,
  hopLimit: string,
  destination: string,
  extensions: string,
): Buffer {
  const extensionBytes = hex(extensions);
  const payload = (extensionBytes.length + AH_BYTES + 4).toString(16).padStart(4, '0');
  return Buffer.concat([
    hex(`${firstWord} ${payload} ${next} ${hopLimit} ${SOURCE6} ${destination}`),
    extensionBytes,
  ]);
}

const AH6_PAYLOAD = { ...PAYLOAD, icvPadding: new Uint8Array(4) };

test('the ICV covers the IPv6 header but for class, flow label and hop limit', () => {
  const ah = buildAh(AH, ipv6('60000000', '33', '00', DESTINATION6, ''), AH6_PAYLOAD);
  const data = Buffer.concat([ipv6('6b912345', '33', '3f', DESTINATION6, ''), ah]);
  assert.equal(verify(data, 40), Integrity.verified);
  data[39]! ^= 1;
  assert.equal(verify(data, 40), Integrity.failed);
});

test('data of IPv6 options that may change counts as zero', () => {
  // Hop-by-hop: router alert, PadN, type 0x3e (may change) with 2 bytes. Destination options: type 0x1e, type 0x20 | 0x1e, Pad1.
  const sent = '3c01 05020000 0100 3e02aabb 010200 00 3300 1e01cc 3e01dd';
  const cleared = '3c01 05020000 0100 3e020000 010200 00 3300 1e01cc 3e0100';
  const ah = buildAh(AH, ipv6('60000000', '00', '00', DESTINATION6, cleared), AH6_PAYLOAD);
  const data = Buffer.concat([ipv6('60000000', '00', '40', DESTINATION6, sent), ah]);
  assert.equal(verify(data, 64), Integrity.verified);
  data[40 + 16 + 4]! ^= 1;
  assert.equal(verify(data, 64), Integrity.failed, 'option that may not change');
});

test('a type 0 routing header counts as at its end, wherever it was captured', () => {
  const second = 'fd09000000000000 00000000000000aa';
  const arrived = `3304000000000000 ${DESTINATION6} ${second}`;
  const ah = buildAh(AH, ipv6('60000000', '2b', '00', FINAL6, arrived), AH6_PAYLOAD);
  const atStart = `3304000200000000 ${second} ${FINAL6}`;
  const inBetween = `3304000100000000 ${DESTINATION6} ${FINAL6}`;
  for (const [destination, extensions] of [
    [DESTINATION6, atStart],
    [second, inBetween],
    [FINAL6, arrived],
  ] as const) {
    const data = Buffer.concat([ipv6('60000000', '2b', '40', destination, extensions), ah]);
    assert.equal(verify(data, 80), Integrity.verified, extensions);
  }
  const impossible = Buffer.concat([
    ipv6('60000000', '2b', '40', FINAL6, arrived.replace('33040000', '33040003')),
    ah,
  ]);
  assert.equal(verify(impossible, 80), Integrity.failed);
});

test('IPv6 extension headers that run over the AH fail', () => {
  const ah = buildAh(AH, ipv6('60000000', '00', '00', DESTINATION6, '3300010400000000'), AH6_PAYLOAD);
  for (const extension of ['33ff010400000000', '3300050900000000', '0000010400000000']) {
    const data = Buffer.concat([ipv6('60000000', '00', '00', DESTINATION6, extension), ah]);
    assert.equal(verify(data, 48), Integrity.failed, extension);
  }
});

test('AH inside ESP in transport mode verifies once the ESP is open', () => {
  // The sender applied AH first: its IP header named AH and was shorter.
  const ah = buildAh(AH, ipv4Cleared(''), PAYLOAD);
  const esp = buildEsp(ESP, { payload: ah, nextHeader: 51, sequence: 1n, iv: new Uint8Array(8) });
  const header = ipv4Header('');
  header.writeUInt16BE(20 + esp.length, 2);
  header[9] = 50;
  const data = Buffer.concat([header, esp]);
  const opener = new KeyedOpener(new SaTable([AH, ESP]));
  assert.ok(opener.openEsp(data, 0, 20, data.length));
  const ahOffset = 20 + 8 + opener.ivBytes;
  const end = data.length - opener.icvBytes - 2 - opener.padBytes;
  assert.equal(opener.verifyAh(data, 0, ahOffset, end), Integrity.verified);
});
