import assert from 'node:assert/strict';
import { test } from 'node:test';
import { importSecurityAssociations } from '../../../../src/ipsec/import/import-security-associations.js';

/** Laid out as pfkey_sadump1 of ipsec-tools' libipsec prints it, trailing blanks and wrapped keys included. */
const DUMP = [
  '10.9.0.2 10.9.0.1 ',
  '\tesp mode=transport spi=512(0x00000200) reqid=0(0x00000000)',
  '\tE: aes-cbc  00010203 04050607 08090a0b 0c0d0e0f',
  '\tA: hmac-sha1  00010203 04050607 08090a0b 0c0d0e0f 10111213',
  '\tseq=0x00000000 replay=0 flags=0x00000000 state=mature ',
  '\tcreated: Nov 20 10:00:00 2025\tcurrent: Nov 20 10:00:09 2025',
  '\tdiff: 9(s)\thard: 0(s)\tsoft: 0(s)',
  '\tsadb_seq=1 pid=4242 refcnt=0',
  '10.9.0.1[4500] 10.9.0.2[4501] ',
  '\tesp-udp mode=tunnel spi=4026531840(0xf0000000) reqid=1(0x00000001)',
  '\tNAT OA=10.9.0.7',
  '\tE: 3des-cbc  00010203 04050607 08090a0b 0c0d0e0f 10111213 14151617',
  '\tA: hmac-sha512  00010203 04050607 08090a0b 0c0d0e0f 10111213 14151617 18191a1b 1c1d1e1f',
  ' 20212223 24252627 28292a2b 2c2d2e2f 30313233 34353637 38393a3b 3c3d3e3f',
  '\tseq=0x00000000 replay=4 flags=0x00000000 state=mature ',
  'fd09::1 fd09::2 ',
  '\tah mode=any spi=257(0x00000101) reqid=0(0x00000000)',
  '\tA: hmac-sha256  00010203 04050607 08090a0b 0c0d0e0f 10111213 14151617 18191a1b 1c1d1e1f',
  '\tseq=0x00000000 replay=0 flags=0x00000000 state=mature ',
  '10.9.0.1 10.9.0.3 ',
  '\tipcomp mode=transport spi=7(0x00000007) reqid=0(0x00000000)',
  '\tC: deflate ',
  '10.9.0.1 10.9.0.4 ',
  '\tesp mode=transport spi=9(0x00000009) reqid=0(0x00000000)',
  '\tE: blowfish-cbc  00010203 04050607',
  '\tA: hmac-md5  00010203 04050607 08090a0b 0c0d0e0f',
  '10.9.0.1 10.9.0.5 ',
  '\tesp mode=transport spi=10(0x0000000a) reqid=0(0x00000000)',
  '\tE: aes-gcm-16  00010203 04050607 08090a0b 0c0d0e0f 10111213',
].join('\n');

test('reads setkey -D with NAT-T ports, wrapped keys and both protocols', () => {
  const { format, associations, warnings } = importSecurityAssociations(DUMP, 'setkey.txt');
  assert.equal(format, 'setkey-dump');
  assert.deepEqual(
    associations.map((sa) => [
      sa.protocol,
      sa.spi,
      sa.suite.name,
      sa.mode,
      sa.family,
      sa.udpEncap,
      sa.hasKeys,
    ]),
    [
      ['esp', 0x200, 'aes128-sha1', 'transport', 4, null, true],
      ['esp', 0xf000_0000, '3des-sha512', 'tunnel', 4, { sourcePort: 4500, destinationPort: 4501 }, true],
      ['ah', 0x101, 'sha256_96', null, 6, null, true],
      ['esp', 10, 'aes128gcm16', 'transport', 4, null, true],
    ],
  );
  assert.equal(associations[1]!.integrityKey!.byteLength, 64);
  assert.equal(associations[1]!.integrityKey!.bytes()[63], 63);
  assert.deepEqual(warnings, [
    'setkey.txt:18: hmac-sha256 taken as 96 bits, as Linux does for PF_KEY; from a BSD it would be 128',
    'setkey.txt:20: entry for ipcomp left out: only esp and ah are read',
    'setkey.txt:25: unknown encryption algorithm "blowfish-cbc": entry left out',
  ]);
});

test('an empty database is no error', () => {
  assert.equal(importSecurityAssociations('No SAD entries.\n', 'setkey.txt').format, 'empty');
});

test('a broken key costs its entry alone and is not repeated in the warning', () => {
  const broken = DUMP.replace('E: aes-cbc  00010203 04050607', 'E: aes-cbc  00010203 0405060x');
  const { associations, warnings } = importSecurityAssociations(broken, 'setkey.txt');
  assert.equal(associations.length, 3);
  assert.match(warnings[0]!, /^setkey\.txt:3: key of "aes-cbc" is not hexadecimal/);
  assert.ok(!warnings.join().includes('0405060x'));
});
