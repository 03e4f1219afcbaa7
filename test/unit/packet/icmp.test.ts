import assert from 'node:assert/strict';
import { test } from 'node:test';
import { packetTooBigMtu } from '../../../src/packet/icmp.js';
import { assertEverySnapCut, assertEveryWireTruncation, decodeFrame, pick } from './decode-frame.js';
import { bytes, ethernet, filler, icmp, ipv4, ipv6 } from './frame-builder.js';
import { catalogueFrame } from './frame-catalogue.js';

for (const name of ['ICMP echo', 'ICMP port unreachable', 'ICMPv6 echo']) {
  test(`notes header and data: ${name}`, () => {
    const { frame } = catalogueFrame(name);
    const row = decodeFrame(frame);
    assert.equal(row.layers.transport, 8);
    assert.equal(row.layers.payload, row.payloadLength);
    assert.ok(row.flags.includes('icmp') && !row.flags.includes('packetTooBig'));
    assertEverySnapCut(frame);
  });
}

test('names the MTU of fragmentation needed: next-hop MTU 1400', () => {
  const { frame } = catalogueFrame('ICMP fragmentation needed');
  const row = decodeFrame(frame);
  assert.deepEqual(pick(row, 'flags', 'transportOffset', 'payloadLength'), {
    flags: ['icmp', 'packetTooBig'],
    transportOffset: 34,
    payloadLength: 28,
  });
  assert.equal(packetTooBigMtu(frame, 34, false), 1400);
  assertEverySnapCut(frame);
});

test('names the MTU of ICMPv6 packet too big: 1300, and 32 bits of it', () => {
  const { frame } = catalogueFrame('ICMPv6 packet too big');
  assert.ok(decodeFrame(frame).flags.includes('packetTooBig'));
  assert.equal(packetTooBigMtu(frame, 54, true), 1300);
  assert.equal(packetTooBigMtu(bytes('0200 0000 ffffffff'), 0, true), 0xffff_ffff);
  assertEverySnapCut(frame);
});

test('the packet that an error quotes is not decoded', () => {
  const row = decodeFrame(catalogueFrame('ICMP fragmentation needed').frame);
  assert.deepEqual(pick(row, 'ipOffset', 'innerIpOffset', 'protocol', 'security'), {
    ipOffset: 14,
    innerIpOffset: 14,
    protocol: 1,
    security: [],
  });
});

test('a type means something else in the other family', () => {
  const needed = ethernet(0x86dd, ipv6({ nextHeader: 58 }, icmp(3, 4, '00000000', filler(8))));
  const tooBig = ethernet(0x0800, ipv4({ protocol: 1 }, icmp(2, 0, '00000000', filler(8))));
  for (const frame of [needed, tooBig]) assert.ok(!decodeFrame(frame).flags.includes('packetTooBig'));
});

test('a header cut on the wire is malformed at every length', () => {
  const header = icmp(8, 0, '00010001', bytes());
  assertEveryWireTruncation(header, (rest) => ethernet(0x0800, ipv4({ protocol: 1 }, rest)), {
    layer: 'ICMP',
    offset: 34,
    required: 8,
  });
  assertEveryWireTruncation(header, (rest) => ethernet(0x86dd, ipv6({ nextHeader: 58 }, rest)), {
    layer: 'ICMP',
    offset: 54,
    required: 8,
  });
});
