import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseAddressPattern, parseIpAddress } from '../../../src/ipsec/ip-address.js';
import { SaTable } from '../../../src/ipsec/sa-table.js';
import {
  SecurityAssociation,
  type SecurityAssociationFields,
} from '../../../src/ipsec/security-association.js';
import { parseAhSuite, parseEspSuite } from '../../../src/ipsec/suite.js';

const ESP = 50;
const AH = 51;
/** Packets start here, so that an offset that is ignored shows. */
const IP_OFFSET = 14;

function sa(spi: number, fields: Partial<SecurityAssociationFields> = {}): SecurityAssociation {
  return new SecurityAssociation({ suite: parseEspSuite('aes128gcm16'), spi, ...fields });
}

function packet(source: string, destination: string): Uint8Array {
  const from = parseIpAddress(source)!;
  const to = parseIpAddress(destination)!;
  const data = new Uint8Array(IP_OFFSET + 40);
  data[IP_OFFSET] = from.family << 4;
  data.set(from.bytes, IP_OFFSET + (from.family === 4 ? 12 : 8));
  data.set(to.bytes, IP_OFFSET + (from.family === 4 ? 16 : 24));
  return data;
}

const TO_1 = packet('10.0.0.9', '10.0.0.1');
const TO_2 = packet('10.0.0.9', '10.0.0.2');
const at = (text: string) => ({ destination: parseIpAddress(text) });

test('an association is found by protocol, SPI and destination together', () => {
  const first = sa(0x100, at('10.0.0.1'));
  const second = sa(0x100, at('10.0.0.2'));
  const header = sa(0x100, { ...at('10.0.0.1'), suite: parseAhSuite('sha256') });
  const table = new SaTable([first, second, header]);
  assert.equal(table.lookup(ESP, 0x100, TO_1, IP_OFFSET), first);
  assert.equal(table.lookup(ESP, 0x100, TO_2, IP_OFFSET), second);
  assert.equal(table.lookup(AH, 0x100, TO_1, IP_OFFSET), header);
  assert.equal(table.lookup(AH, 0x100, TO_2, IP_OFFSET), null);
  assert.equal(table.lookup(ESP, 0x101, TO_1, IP_OFFSET), null);
});

test('an exact destination goes before a pattern, a pattern before any destination, whatever the order', () => {
  const any = sa(0x100);
  const pattern = sa(0x100, { destination: parseAddressPattern('10.0.0.*', 4)! });
  const exact = sa(0x100, at('10.0.0.1'));
  for (const list of [
    [any, pattern, exact],
    [exact, any, pattern],
    [pattern, exact, any],
  ]) {
    const table = new SaTable(list);
    assert.equal(table.lookup(ESP, 0x100, TO_1, IP_OFFSET), exact);
    assert.equal(table.lookup(ESP, 0x100, TO_2, IP_OFFSET), pattern);
    assert.equal(table.lookup(ESP, 0x100, packet('1.1.1.1', '2.2.2.2'), IP_OFFSET), any);
  }
});

test('among equal destinations the source decides, and a source that NAT rewrote is no obstacle', () => {
  const other = sa(0x100, { ...at('10.0.0.1'), source: parseIpAddress('10.0.0.8') });
  const right = sa(0x100, { ...at('10.0.0.1'), source: parseIpAddress('10.0.0.9') });
  assert.equal(new SaTable([other, right]).lookup(ESP, 0x100, TO_1, IP_OFFSET), right);
  assert.equal(new SaTable([other]).lookup(ESP, 0x100, TO_1, IP_OFFSET), other);
});

test('IPv6 packets find IPv6 associations only', () => {
  const v4 = sa(0x100, { family: 4 });
  const v6 = sa(0x100, at('fd09::1'));
  const table = new SaTable([v4, v6]);
  assert.equal(table.lookup(ESP, 0x100, packet('fd09::2', 'fd09::1'), IP_OFFSET), v6);
  assert.equal(table.lookup(ESP, 0x100, packet('fd09::2', 'fd09::3'), IP_OFFSET), null);
  assert.equal(table.lookup(ESP, 0x100, TO_1, IP_OFFSET), v4);
});

test('a wildcard SPI is the last resort', () => {
  const plain = sa(0x100);
  const pattern = sa(0xc000_0000, { spiMask: 0xff00_0000 });
  const any = sa(0, { spiMask: 0 });
  const table = new SaTable([pattern, plain, any]);
  assert.equal(table.lookup(ESP, 0x100, TO_1, IP_OFFSET), plain);
  assert.equal(table.lookup(ESP, 0xc012_3456, TO_1, IP_OFFSET), pattern);
  assert.equal(table.lookup(ESP, 0x77, TO_1, IP_OFFSET), any);
  assert.equal(table.lookup(AH, 0x77, TO_1, IP_OFFSET), null);
});

test('ten thousand associations with SPIs up to 2^32 - 1 are each found', () => {
  const many = Array.from({ length: 10_000 }, (_, i) => sa((0xffff_ffff - i * 429_496) >>> 0));
  const table = new SaTable(many);
  for (const one of many) assert.equal(table.lookup(ESP, one.spi, TO_1, IP_OFFSET), one);
  assert.equal(table.size, 10_000);
});

test('an empty table finds nothing', () => {
  assert.equal(new SaTable([]).lookup(ESP, 0, TO_1, IP_OFFSET), null);
});
