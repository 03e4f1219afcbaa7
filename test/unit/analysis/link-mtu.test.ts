import assert from 'node:assert/strict';
import { test } from 'node:test';
import { profileTap } from '../../../src/analysis/tap-profile.js';
import { blockOf } from '../packet/decode-frame.js';
import { bytes, esp, ethernet, filler, ipv4, tcp } from '../packet/frame-builder.js';

const ESP = 50;
const [SYN, ACK] = [0x02, 0x10];

function mtuOf(frames: readonly Uint8Array[]) {
  return profileTap(blockOf(frames)).mtu;
}

/** ESP of so many bytes, IP header included. */
function closed(ipBytes: number): Uint8Array {
  return ethernet(0x0800, ipv4({ protocol: ESP }, esp({ spi: 0x100, sequence: 1 }, filler(ipBytes - 28))));
}

function segment(ipBytes: number, flags = ACK, options = bytes('')): Uint8Array {
  const payload = filler(ipBytes - 40 - options.length);
  return ethernet(0x0800, ipv4({ protocol: 6 }, tcp({ flags, options }, payload)));
}

test('the MSS of a SYN tells the MTU', () => {
  assert.deepEqual(mtuOf([segment(44, SYN, bytes('0204 22d8')), segment(40_000)]), {
    bytes: 8960,
    certainty: 'measured',
  });
});

test('ESP larger than an Ethernet frame shows jumbo frames', () => {
  assert.deepEqual(mtuOf([closed(1500), closed(8968)]), { bytes: 8968, certainty: 'inferred' });
});

test('ESP that no link carries was put together by a device which does IPsec: none of it tells the MTU', () => {
  assert.deepEqual(mtuOf([closed(1500), closed(8968), closed(62_000)]), {
    bytes: 1500,
    certainty: 'inferred',
  });
});

test('TCP of many lengths beyond an Ethernet frame was put together, of one is jumbo frames', () => {
  assert.equal(mtuOf([2936, 7240, 2936, 5792, 1500].map((length) => segment(length))).bytes, 1500);
  assert.equal(mtuOf([9000, 9000, 9000, 1500].map((length) => segment(length))).bytes, 9000);
});
