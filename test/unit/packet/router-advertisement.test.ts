import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readRouterAdvertisement } from '../../../src/packet/router-advertisement.js';
import { captureFrame } from './capture-frame.js';

/** Ethernet, IPv6. */
const ICMP_AT = 14 + 40;
const GENUINE = captureFrame('suspicious/rogue-router.pcap', 12);
const FORGED = captureFrame('suspicious/rogue-router.pcap', 24);
const LEAVE = captureFrame('suspicious/rogue-router.pcap', 35);

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');

function read(frame: Uint8Array, end = frame.length) {
  const message = readRouterAdvertisement(frame, ICMP_AT, end);
  if (message === null) return null;
  const { lifetimeSeconds, prefixes, nameServers } = message;
  return {
    lifetimeSeconds,
    prefixes: prefixes.map(({ address, length }) => `${hex(address)}/${length}`),
    nameServers: nameServers.map(hex),
  };
}

test('an advertisement names lifetime, prefixes and name servers as tshark shows them', () => {
  assert.deepEqual(read(GENUINE), {
    lifetimeSeconds: 1800,
    prefixes: ['fd000000000000000000000000000000/64'],
    nameServers: ['fd000000000000000000000000000254', 'fd000000000000000000000000000002'],
  });
  assert.deepEqual(read(FORGED), {
    lifetimeSeconds: 2048,
    // The others of the tool's options are routes.
    prefixes: ['fd660000000000000000000000000000/64'],
    nameServers: ['ff0200000000000000000000000000fb'],
  });
  assert.deepEqual(read(LEAVE), { lifetimeSeconds: 0, prefixes: [], nameServers: [] });
});

test('another ICMPv6 message is none', () => {
  const solicitation = captureFrame('suspicious/rogue-router.pcap', 1);
  assert.equal(read(solicitation), null);
});

test('cut at any length it names nothing that is not all there', () => {
  const whole = read(FORGED)!;
  for (let end = ICMP_AT; end < FORGED.length; end++) {
    const message = read(FORGED, end);
    if (end < ICMP_AT + 16) assert.equal(message, null, `${end}`);
    else
      for (const kind of ['prefixes', 'nameServers'] as const)
        assert.deepEqual(message![kind], whole[kind].slice(0, message![kind].length), `${end}`);
  }
});

test('an option of length 0 ends the reading', () => {
  const frame = FORGED.slice();
  frame[ICMP_AT + 16 + 1] = 0;
  assert.deepEqual(read(frame), { lifetimeSeconds: 2048, prefixes: [], nameServers: [] });
});
