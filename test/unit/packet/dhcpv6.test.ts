import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readDhcpv6Reply } from '../../../src/packet/dhcpv6.js';
import { captureFrame } from './capture-frame.js';

/** Ethernet, IPv6, UDP. */
const MESSAGE_AT = 14 + 40 + 8;
const ADVERTISEMENT = captureFrame('suspicious/rogue-dhcp6.pcap', 13);

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');

test('an advertisement names client, server and name servers as tshark shows them', () => {
  const reply = readDhcpv6Reply(ADVERTISEMENT, MESSAGE_AT, ADVERTISEMENT.length)!;
  assert.equal(reply.transaction, 0xb0bc0e);
  assert.equal(hex(reply.client), '00010001329661f7020000000001');
  assert.equal(hex(reply.server), '00030001020000000066');
  assert.equal(hex(reply.nameServers), 'fd000000000000000000000000000066');
});

test('what clients say is no reply', () => {
  const solicitation = captureFrame('suspicious/rogue-dhcp6.pcap', 6);
  assert.equal(readDhcpv6Reply(solicitation, MESSAGE_AT, solicitation.length), null);
});

test('cut at any length it is no reply until both ends are named, and names no server that was cut', () => {
  const serverEnd = MESSAGE_AT + 4 + 4 + 14 + 4 + 10;
  for (let end = MESSAGE_AT; end < ADVERTISEMENT.length; end++) {
    const reply = readDhcpv6Reply(ADVERTISEMENT, MESSAGE_AT, end);
    if (end < serverEnd) assert.equal(reply, null, `${end}`);
    else assert.equal(reply!.nameServers.length, 0, `${end}`);
  }
});
