import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { IkeExchange, readIkeMessage } from '../../../src/ipsec/ike-message.js';
import fc from '../../fast-check.js';
import { repoPath } from '../../repo-root.js';

const PCAP_HEADER_BYTES = 24;
const RECORD_HEADER_BYTES = 16;
const IKE_AT = 14 + 20 + 8;

/** IKE in UDP 500 of packet `number` of a capture of Ethernet and IPv4. */
function messageOf(name: string, number: number): Buffer {
  const bytes = readFileSync(repoPath(`captures/suspicious/${name}.pcap`));
  let at = PCAP_HEADER_BYTES;
  for (let i = 1; i < number; i++) at += RECORD_HEADER_BYTES + bytes.readUInt32LE(at + 8);
  const from = at + RECORD_HEADER_BYTES;
  return bytes.subarray(from + IKE_AT, from + bytes.readUInt32LE(at + 8));
}

function read(message: Uint8Array): ReturnType<typeof readIkeMessage> {
  return readIkeMessage(message, 0, message.length);
}

test('the proposal of an IKE_SA_INIT is that of the configuration, 3des-md5-modp1024', () => {
  const message = read(messageOf('weak-algorithms', 4))!;
  assert.equal(message.version, 2);
  assert.equal(message.exchange, IkeExchange.ikeSaInit);
  assert.equal(message.isResponse, true);
  assert.deepEqual(
    message.transforms.map(({ kind, name }) => [kind, name]),
    [
      ['encryption', '3DES'],
      ['integrity', 'HMAC-MD5-96'],
      ['prf', 'PRF-HMAC-MD5'],
      ['group', 'MODP-1024 (group 2)'],
    ],
  );
  assert.ok(message.transforms.every(({ weakness }) => weakness !== null));
});

test('what is recommended has no weakness', () => {
  const { transforms } = read(messageOf('control-ikev2', 4))!;
  assert.deepEqual(
    transforms.map(({ name, weakness }) => [name, weakness]),
    [
      ['AES-GCM-16', null],
      ['PRF-HMAC-SHA2-256', null],
      ['ECP-256 (group 19)', null],
    ],
  );
});

test('phase 1 of version 1 tells cipher, hash, method and group', () => {
  const message = read(messageOf('ikev1-main', 3))!;
  assert.equal(message.exchange, IkeExchange.identityProtection);
  assert.equal(message.isResponse, false);
  assert.deepEqual(
    message.transforms.map(({ name }) => name),
    ['AES-CBC', 'SHA2-256', 'MODP-2048 (group 14)', 'pre-shared key'],
  );
});

test('a notification that no proposal was chosen is read', () => {
  assert.deepEqual(read(messageOf('ike-no-proposal', 4))!.notifications, [14]);
});

test('a message cut at any length gives what is there, and never an exception', () => {
  for (const [name, number] of [
    ['weak-algorithms', 3],
    ['ikev1-aggressive', 3],
    ['ike-no-proposal', 4],
  ] as const) {
    const message = messageOf(name, number);
    const whole = read(message)!;
    for (let length = 0; length < message.length; length++) {
      const part = read(message.subarray(0, length));
      assert.equal(part === null, length < 28);
      if (part === null) continue;
      assert.deepEqual(part.transforms, whole.transforms.slice(0, part.transforms.length));
    }
  }
});

test('bytes that are changed anywhere never give an exception', () => {
  const message = messageOf('ikev1-aggressive', 3);
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(message.length - 1), fc.nat(255)), { maxLength: 8 }), (changes) => {
      const changed = Buffer.from(message);
      for (const [at, value] of changes) changed[at] = value;
      const read = readIkeMessage(changed, 0, changed.length);
      assert.ok(read === null || read.transforms.length <= 512);
    }),
  );
});
