import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KeyedOpener } from '../../../../src/ipsec/open/keyed-opener.js';
import { createPayloadCipher } from '../../../../src/ipsec/open/separate-transform.js';
import { SaTable } from '../../../../src/ipsec/sa-table.js';
import { SecurityAssociation } from '../../../../src/ipsec/security-association.js';
import { parseEspSuite } from '../../../../src/ipsec/suite.js';
import { Integrity } from '../../../../src/packet/packet-batch.js';
import { ipv4Packet } from './packet-builder.js';

/** Hexadecimal digits; white space between them is for the reader. */
function hex(digits: string): Buffer {
  return Buffer.from(digits.replace(/\s/g, ''), 'hex');
}

interface EspVector {
  readonly source: string;
  readonly suite: string;
  /** Key and salt. */
  readonly key: string;
  readonly spi: number;
  readonly sequenceHigh?: number;
  /** SPI, sequence number, IV, cipher text, ICV. */
  readonly packet: string;
  readonly payload: string;
  readonly padBytes: number;
  readonly nextHeader: number;
}

/** 08 09 ... 37, as in many pings. */
const PING_BYTES = Buffer.from(Array.from({ length: 0x30 }, (_, i) => i + 8)).toString('hex');

const VECTORS: readonly EspVector[] = [
  {
    source: 'RFC 3602 section 4, case 5',
    suite: 'aes128',
    key: '90d382b410eeba7ad938c46cec1a82bf',
    spi: 0x4321,
    packet: `00004321 00000001 e96e8c08ab465763fd098d45dd3ff893
      f663c25d325c18c6a9453e194e120849a4870b66cc6b9965330013b4898dc856
      a4699e523a55db080b59ec3a8e4b7e52775b07d1db34ed9c538ab50c551b874a
      a269add047ad2d5913ac19b7cfbad4a6`,
    payload: `08000ebda70a0000 8e9c083db95b0700 ${PING_BYTES}`,
    padBytes: 14,
    nextHeader: 1,
  },
  {
    source: 'RFC 7634 appendix A',
    suite: 'chacha20poly1305',
    key: '808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f a0a1a2a3',
    spi: 0x01020304,
    packet: `01020304 00000005 1011121314151617
      24039428b97f417e3c13753a4f05087b67c352e6a7fab1b982d466ef407ae5c6
      14ee8099d52844eb61aa95dfab4c02f72aa71e7c4c4f64c9befe2facc638e8f3
      cbec163fac469b502773f6fb94e664da9165b82829f641e0
      76aaa8266b7fb0f7b11b369907e1ad43`,
    payload: `45000054a6f200004001e778c6336405c0000205 08005b7a3a080000 553bec1000073627 ${PING_BYTES}`,
    padBytes: 2,
    nextHeader: 4,
  },
  {
    source: 'draft-mcgrew-gcm-test-01, case 1 (64-bit sequence number 8765432100000000)',
    suite: 'aes128gcm16',
    key: '4c80cdefbb5d10da906ac73c3613a634 2e443b68',
    spi: 0x4321,
    sequenceHigh: 0x8765_4321,
    packet: `00004321 00000000 4956ed7e3b244cfe
      fecf537e729d5b07dc30df528dd22b768d1b98736696a6fd348509fa13ceac34
      cfa2436f14a3f3cf65925bf1f4a13c5d15b21e1884f5ff6247aeabb786b93bce
      61bc17d768fd9732 459018148f6cbe722fd04796562dfdb4`,
    payload: `45000048699a000080114db7c0a80102c0a80101 0a9bf15638d30100 0001000000000000
      045f736970045f756470037369700963796265726369747902646b0000210001`,
    padBytes: 2,
    nextHeader: 1,
  },
  {
    source: 'draft-mcgrew-gcm-test-01, case 2',
    suite: 'aes128gcm16',
    key: 'feffe9928665731c6d6a8f9467308308 cafebabe',
    spi: 0xa5f8,
    packet: `0000a5f8 0000000a facedbaddecaf888
      deb22cd9b07c72c16e3a65beeb8df304a5a5897d33ae530f1ba76d5d114d2a5c
      3de81827c10e9a4f51330d0eec416642cfbb85a5b47e48a4ec3b9ba95d918bd1
      83b70d3aa8bc6ee4c309e9d85a41ad4a`,
    payload: `4500003e698f000080114dccc0a80102c0a80101 0a980035002a2343 b2d0010000010000
      00000000037369700963796265726369747902646b0000010001`,
    padBytes: 0,
    nextHeader: 1,
  },
  {
    source: 'draft-mcgrew-gcm-test-01, case with a 256-bit key',
    suite: 'aes256gcm16',
    key: 'abbccddef00112233445566778899aababbccddef00112233445566778899aab 11223344',
    spi: 0x4a2c_bfe3,
    packet: `4a2cbfe3 00000002 0102030405060708
      ff425c9b724599df7a3bcd510194e00d6a78107f1b0b1cbf06efae9d65a5d763
      748a637985771d347f0545659f14e99def842d8e
      b335f4eecfdbf831824b4c4915956c96`,
    payload: `4500003069a6400080062690c0a801029389155e 0a9e008b2dc57ee000000000
      7002400020bf0000020405b401010402`,
    padBytes: 2,
    nextHeader: 1,
  },
  {
    source: 'draft-mcgrew-gcm-test-01, GMAC case',
    suite: 'aes128gmac',
    key: '4c80cdefbb5d10da906ac73c3613a634 22433c64',
    spi: 0x4321,
    packet: `00004321 00000007 0000000000000000
      45000030da3a00008001df3bc0a80005c0a800010800c6cd0200070061626364
      65666768696a6b6c6d6e6f7071727374 01020201
      f2a9a836e155106aa8dcd618e4099aaa`,
    payload: `45000030da3a00008001df3bc0a80005c0a80001 0800c6cd02000700
      6162636465666768696a6b6c6d6e6f7071727374`,
    padBytes: 2,
    nextHeader: 1,
  },
];

for (const vector of VECTORS) {
  test(`opens the packet of ${vector.source}`, () => {
    const suite = parseEspSuite(vector.suite);
    const association = new SecurityAssociation({
      suite,
      spi: vector.spi,
      encryptionKey: hex(vector.key),
      esn: vector.sequenceHigh !== undefined,
      sequenceHigh: vector.sequenceHigh ?? 0,
    });
    const opener = new KeyedOpener(new SaTable([association]));
    const data = ipv4Packet(50, hex(vector.packet));
    assert.ok(opener.openEsp(data, 0, 20, data.length));
    assert.equal(opener.integrity, suite.icvBytes > 0 ? Integrity.verified : Integrity.unchecked);
    assert.equal(opener.padBytes, vector.padBytes);
    assert.equal(opener.nextHeader, vector.nextHeader);
    const payload = hex(vector.payload);
    const start = 20 + 8 + opener.ivBytes;
    assert.equal(start + payload.length + opener.padBytes + 2 + opener.icvBytes, data.length);
    assert.deepEqual(data.subarray(start, start + payload.length), payload);
  });
}

/** RFC 3686 section 6; the plain texts there are not ESP's. */
const COUNTER_MODE = [
  {
    vector: 1,
    key: 'ae6852f8121067cc4bf7a5765577f39e 00000030',
    iv: '0000000000000000',
    cipherText: 'e4095d4fb7a7b3792d6175a3261311b8',
    plainText: '53696e676c6520626c6f636b206d7367',
  },
  {
    vector: 2,
    key: '7e24067817fae0d743d6ce1f32539163 006cb6db',
    iv: 'c0543b59da48d90b',
    cipherText: '5104a106168a72d9790d41ee8edad388 eb2e1efc46da57c8fce630df9141be28',
    plainText: '000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f',
  },
  {
    vector: 6,
    key: '02bf391ee8ecb159b959617b0965279bf59b60a786d3e0fe 0007bdfd',
    iv: '5cbd60278dcc0912',
    cipherText: '96893fc55e5c722f540b7dd1ddf7e758 d288bc95c69165884536c811662f2188 abee0935',
    plainText: '000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20212223',
  },
];

for (const { vector, key, iv, cipherText, plainText } of COUNTER_MODE) {
  test(`decrypts test vector ${vector} of RFC 3686 in counter mode`, () => {
    const material = hex(key);
    const suite = parseEspSuite(`aes${(material.length - 4) * 8}ctr`);
    const cipher = createPayloadCipher(suite, material);
    const packet = Buffer.concat([hex(iv), hex(cipherText)]);
    assert.deepEqual(cipher?.decrypt(packet, 0, packet.length), hex(plainText));
  });
}
