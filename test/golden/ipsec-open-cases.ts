import { KeyedOpener } from '../../src/ipsec/open/keyed-opener.js';
import { SaTable } from '../../src/ipsec/sa-table.js';
import type { SecurityAssociation } from '../../src/ipsec/security-association.js';
import { parseEspSuite } from '../../src/ipsec/suite.js';
import { buildEsp, ipv4Packet, testAssociation, testKey } from '../unit/ipsec/open/packet-builder.js';

/** Captures with ESP that tshark 4.0 decrypts, under `captures/`. NULL encryption it shows where it is. */
export const DECRYPTED_CAPTURES = [
  'ipsec/t4-cbc-sha1',
  'ipsec/t4-cbc-sha256',
  'ipsec/t4-gcm16',
  'ipsec/t4-esn-gcm16',
  'ipsec/t4-ah-esp-cbc-sha1',
  'ipsec/t6-ah-esp',
  'ipsec/tun4-natt-cbc-sha256',
  'migration/ms-ahesp-1500',
  'migration/ms-gcm-1500',
] as const;

/** Suites of which there is no capture, with tshark's names for them. */
export const BUILT_SUITES: readonly { suite: string; cipher: string; hash: string }[] = [
  { suite: '3des-sha1', cipher: 'TripleDES-CBC [RFC2451]', hash: 'HMAC-SHA-1-96 [RFC2404]' },
  { suite: 'des-md5', cipher: 'DES-CBC [RFC2405]', hash: 'HMAC-MD5-96 [RFC2403]' },
  { suite: 'aes128ctr-sha1', cipher: 'AES-CTR [RFC3686]', hash: 'HMAC-SHA-1-96 [RFC2404]' },
  { suite: 'aes256ctr-sha256', cipher: 'AES-CTR [RFC3686]', hash: 'HMAC-SHA-256-128 [RFC4868]' },
  { suite: 'aes128gcm8', cipher: 'AES-GCM with 8 octet ICV [RFC4106]', hash: 'NULL' },
  { suite: 'aes192gcm12', cipher: 'AES-GCM with 12 octet ICV [RFC4106]', hash: 'NULL' },
  { suite: 'aes256gcm16', cipher: 'AES-GCM with 16 octet ICV [RFC4106]', hash: 'NULL' },
  { suite: 'aes192-sha384', cipher: 'AES-CBC [RFC3602]', hash: 'HMAC-SHA-384-192 [RFC4868]' },
  { suite: 'aes256-sha512', cipher: 'AES-CBC [RFC3602]', hash: 'HMAC-SHA-512-256 [RFC4868]' },
  { suite: 'aes128-rmd160', cipher: 'AES-CBC [RFC3602]', hash: 'MAC-RIPEMD-160-96 [RFC2857]' },
];

const FIRST_SPI = 0x1000;

export function builtAssociations(): SecurityAssociation[] {
  return BUILT_SUITES.map(({ suite }, i) => testAssociation(parseEspSuite(suite), { spi: FIRST_SPI + i }));
}

/** 24 packets of each suite, as IPv4 datagrams; always the same. */
export function builtPackets(): Buffer[] {
  return builtAssociations().flatMap((association) => {
    const { ivBytes } = association.suite;
    return Array.from({ length: 24 }, (_, i) => {
      const payload = testKey((i * 61) % 1400, i);
      const iv = testKey(ivBytes, i * 5);
      const esp = buildEsp(association, { payload, nextHeader: 253, sequence: BigInt(i + 1), iv });
      return ipv4Packet(50, esp);
    });
  });
}

/** pcap with IPv4 at the start of each frame. */
export function writePcap(packets: readonly Buffer[]): Buffer {
  const linkTypeRaw = 101;
  const header = Buffer.alloc(24);
  header.writeUInt32LE(0xa1b2c3d4, 0);
  header.writeUInt16LE(2, 4);
  header.writeUInt16LE(4, 6);
  header.writeUInt32LE(65535, 16);
  header.writeUInt32LE(linkTypeRaw, 20);
  const records = packets.flatMap((packet, i) => {
    const record = Buffer.alloc(16);
    record.writeUInt32LE(i, 0);
    record.writeUInt32LE(packet.length, 8);
    record.writeUInt32LE(packet.length, 12);
    return [record, packet];
  });
  return Buffer.concat([header, ...records]);
}

export function openerFor(associations: readonly SecurityAssociation[]): KeyedOpener {
  return new KeyedOpener(new SaTable(associations));
}

/** What the golden hash is of: payload, padding and trailer of one packet. */
export function decryptedLine(frameNumber: number, plain: Uint8Array): string {
  return `${frameNumber}:${Buffer.from(plain).toString('hex')}\n`;
}
