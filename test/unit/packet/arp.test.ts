import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertEverySnapCut, assertEveryWireTruncation, decodeFrame, pick } from './decode-frame.js';
import { arp, ethernet } from './frame-builder.js';
import { catalogueFrame } from './frame-catalogue.js';

test('belongs to other, is flagged and has no IP columns', () => {
  const { frame } = catalogueFrame('arp');
  assert.deepEqual(pick(decodeFrame(frame), 'flags', 'layers', 'protocol', 'ipOffset'), {
    flags: ['arp'],
    layers: { link: 14, other: 28 },
    protocol: null,
    ipOffset: null,
  });
  assertEverySnapCut(frame);
});

test('Ethernet padding behind it belongs to the link', () => {
  const { frame } = catalogueFrame('arp, padded to 60');
  assert.deepEqual(decodeFrame(frame).layers, { link: 14 + 18, other: 28 });
  assertEverySnapCut(frame);
});

test('a packet cut on the wire is malformed at every length', () => {
  assertEveryWireTruncation(arp(), (rest) => ethernet(0x0806, rest), {
    layer: 'ARP',
    offset: 14,
    required: (actual) => (actual < 8 ? 8 : 28),
  });
});

test('the length follows from the address lengths it names, and must fit', () => {
  const frame = ethernet(0x0806, arp());
  frame[14 + 4] = 255;
  frame[14 + 5] = 255;
  assert.deepEqual(decodeFrame(frame).error, {
    kind: 'length',
    layer: 'ARP',
    offset: 14,
    required: 8 + 4 * 255,
    actual: 28,
  });
});
