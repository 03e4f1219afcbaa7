import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { importSecurityAssociations } from '../../src/ipsec/import/import-security-associations.js';
import type { KeyedOpener } from '../../src/ipsec/open/keyed-opener.js';
import { Integrity } from '../../src/packet/packet-batch.js';
import { repoPath } from '../repo-root.js';
import { type SecurityPacket, walkSecurityPackets } from '../unit/ipsec/open/pcap-walk.js';
import { builtAssociations, builtPackets, decryptedLine, openerFor, writePcap } from './ipsec-open-cases.js';

interface ExpectedPlain {
  readonly decrypted: number;
  readonly sha256: string;
}

/** Made by ipsec-open-expected.ts; the commands are in there. */
interface Expected {
  readonly captures: readonly (ExpectedPlain & { readonly name: string })[];
  readonly built: ExpectedPlain & { readonly pcapSha256: string };
}

const EXPECTED: Expected = JSON.parse(readFileSync(repoPath('test/golden/expected/ipsec-open.json'), 'utf8'));

function captureOpener(name: string): KeyedOpener {
  const text = readFileSync(repoPath(`captures/${name}.xfrm`), 'utf8');
  const { associations, warnings } = importSecurityAssociations(text, name);
  assert.deepEqual(warnings, []);
  return openerFor(associations);
}

function sha256(data: string | Uint8Array): string {
  return createHash('sha256').update(data).digest('hex');
}

interface Outcome {
  ah: number;
  esp: number;
  readonly plain: string[];
}

/** Asserts that everything in the packet verifies and opens. */
function openPacket(opener: KeyedOpener, packet: SecurityPacket, outcome: Outcome): void {
  const { frameNumber, data, ipOffset, end } = packet;
  let { protocol, offset } = packet;
  if (protocol === 51) {
    assert.equal(opener.verifyAh(data, ipOffset, offset, end), Integrity.verified, `frame ${frameNumber}`);
    outcome.ah++;
    protocol = data[offset]!;
    offset += (data[offset + 1]! + 2) * 4;
  }
  if (protocol !== 50) return;
  assert.ok(opener.openEsp(data, ipOffset, offset, end), `frame ${frameNumber}`);
  assert.equal(opener.integrity, Integrity.verified);
  outcome.esp++;
  const plain = data.subarray(offset + 8 + opener.ivBytes, end - opener.icvBytes);
  outcome.plain.push(decryptedLine(frameNumber, plain));
}

function openCapture(name: string): Outcome {
  const opener = captureOpener(name);
  const outcome: Outcome = { ah: 0, esp: 0, plain: [] };
  for (const packet of walkSecurityPackets(repoPath(`captures/${name}.pcap`)))
    openPacket(opener, packet, outcome);
  return outcome;
}

/** Whole AH and ESP packets, as tshark counts them (display filters ah and esp) less fragments. */
const WHOLE_PACKETS: Readonly<Record<string, { ah: number; esp: number }>> = {
  'ipsec/t4-ah-esp-cbc-sha1': { ah: 643, esp: 643 },
  'ipsec/t4-ah-sha256': { ah: 628, esp: 0 },
  'ipsec/t4-cbc-sha1': { ah: 0, esp: 628 },
  'ipsec/t4-cbc-sha256': { ah: 0, esp: 628 },
  'ipsec/t4-chacha': { ah: 0, esp: 636 },
  'ipsec/t4-esn-gcm16': { ah: 0, esp: 636 },
  'ipsec/t4-gcm16': { ah: 0, esp: 621 },
  'ipsec/t4-null-sha256': { ah: 0, esp: 628 },
  'ipsec/t6-ah-esp': { ah: 671, esp: 671 },
  'ipsec/tun4-natt-cbc-sha256': { ah: 0, esp: 659 },
  'migration/ms-ahesp-1500': { ah: 5780, esp: 5780 },
  'migration/ms-gcm-1500': { ah: 0, esp: 4546 },
};

const captures = ['ipsec', 'migration'].flatMap((folder) =>
  readdirSync(repoPath(`captures/${folder}`))
    .filter((file) => file.endsWith('.xfrm'))
    .map((file) => `${folder}/${file.slice(0, -'.xfrm'.length)}`),
);

for (const name of captures) {
  test(`every whole AH and ESP packet of ${name} verifies and opens`, () => {
    const { ah, esp } = openCapture(name);
    assert.deepEqual({ ah, esp }, WHOLE_PACKETS[name]);
  });
}

for (const { name, decrypted, sha256: expectedHash } of EXPECTED.captures) {
  test(`${name} decrypts to the bytes that tshark finds`, () => {
    const { esp, plain } = openCapture(name);
    assert.equal(esp, decrypted);
    assert.equal(sha256(plain.join('')), expectedHash);
  });
}

test('packets of suites without a capture decrypt to the bytes that tshark finds', () => {
  const packets = builtPackets();
  assert.equal(sha256(writePcap(packets)), EXPECTED.built.pcapSha256, 'not the packets tshark saw');
  const opener = openerFor(builtAssociations());
  const outcome: Outcome = { ah: 0, esp: 0, plain: [] };
  for (const [i, data] of packets.entries()) {
    const packet = { frameNumber: i + 1, data, ipOffset: 0, offset: 20, protocol: 50, end: data.length };
    openPacket(opener, packet, outcome);
  }
  assert.equal(outcome.esp, EXPECTED.built.decrypted);
  assert.equal(sha256(outcome.plain.join('')), EXPECTED.built.sha256);
});

test('one changed byte in a captured packet fails its ICV', () => {
  for (const name of ['ipsec/t4-gcm16', 'ipsec/t4-cbc-sha1', 'ipsec/t4-chacha', 'ipsec/t4-ah-sha256']) {
    const opener = captureOpener(name);
    for (const packet of walkSecurityPackets(repoPath(`captures/${name}.pcap`))) {
      packet.data[packet.end - 30]! ^= 0x01;
      assert.equal(integrityOf(opener, packet), Integrity.failed);
    }
  }
});

function integrityOf(opener: KeyedOpener, packet: SecurityPacket): number {
  const { data, ipOffset, offset, end } = packet;
  if (packet.protocol === 51) return opener.verifyAh(data, ipOffset, offset, end);
  assert.equal(opener.openEsp(data, ipOffset, offset, end), false);
  return opener.integrity;
}
