import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseIpAddress } from '../../../src/ipsec/ip-address.js';
import { SecurityAssociation } from '../../../src/ipsec/security-association.js';
import { parseEspSuite } from '../../../src/ipsec/suite.js';
import { Integrity, PacketFlag } from '../../../src/packet/packet-batch.js';
import { Analyses } from './analyses.js';
import { buildBatch, type RowSpec } from './build-batch.js';

function esp(sequence: number, rest: Partial<RowSpec> = {}): RowSpec {
  return {
    protocol: 50,
    flags: PacketFlag.esp,
    layers: { link: 14, ip: 20, espHeader: 8, espOpaque: 64 },
    security: [{ protocol: 50, spi: 0x100, sequence, bytes: 64 }],
    ...rest,
  };
}

function sasOf(rows: RowSpec[]) {
  return new Analyses().add(buildBatch(rows)).securityAssociations.summary();
}

test('Lost, repeated and late sequence numbers are told apart', () => {
  // 4 is lost, 3 comes twice, 6 after 7.
  const [sa] = sasOf([1, 2, 3, 3, 5, 7, 6].map((sequence) => esp(sequence)));
  assert.deepEqual(sa!.sequence, {
    first: 1,
    last: 7,
    missing: 1,
    duplicate: 1,
    reordered: 1,
    untilWrap: 2 ** 32 - 8,
    wrapped: false,
  });
});

test('A sequence number that wraps goes on counting', () => {
  const [sa] = sasOf([2 ** 32 - 2, 2 ** 32 - 1, 0, 2, 2 ** 32 - 3].map((sequence) => esp(sequence)));
  assert.deepEqual(sa!.sequence, {
    first: 2 ** 32 - 3,
    last: 2,
    missing: 1,
    duplicate: 0,
    reordered: 1,
    untilWrap: 2 ** 32 - 3,
    wrapped: true,
  });
});

test('An SA is protocol, SPI, both addresses and UDP encapsulation', () => {
  const sas = sasOf([
    esp(1),
    esp(1, { source: 3 }),
    esp(1, { security: [{ protocol: 50, spi: 0x100, sequence: 1, bytes: 64, udpEncap: true }] }),
    esp(1, { security: [{ protocol: 50, spi: 0xffff_fffe, sequence: 1, bytes: 64 }] }),
    esp(1, { security: [{ protocol: 51, spi: 0x100, sequence: 1, bytes: 24 }] }),
  ]);
  assert.deepEqual(
    sas.map(({ protocol, spi, source, udpEncap }) => [protocol, spi, source, udpEncap]),
    [
      ['esp', '0x00000100', '10.0.0.1', false],
      ['esp', '0x00000100', '10.0.0.3', false],
      ['esp', '0x00000100', '10.0.0.1', true],
      ['esp', '0xfffffffe', '10.0.0.1', false],
      ['ah', '0x00000100', '10.0.0.1', false],
    ],
  );
});

test('Opened ESP tells mode and overhead, keys tell the suite', () => {
  const suite = parseEspSuite('aes128gcm16');
  const association = new SecurityAssociation({ suite, spi: 0x100, destination: parseIpAddress('10.0.0.2') });
  const opened = { ivBytes: 8, icvBytes: 16, padBytes: 2, nextHeader: 6 };
  const security = [
    { protocol: 50 as const, spi: 0x100, sequence: 1, bytes: 64, opened, integrity: Integrity.verified },
  ];
  const flags = PacketFlag.esp | PacketFlag.decrypted | PacketFlag.tcp;
  const analyses = new Analyses().add(buildBatch([esp(1, { protocol: 6, flags, security })]));
  const [sa] = analyses.securityAssociations.summary({ associations: [association] });
  assert.equal(sa!.mode, 'transport');
  assert.equal(sa!.overheadBytes, 8 + 8 + 2 + 2 + 16);
  assert.equal(sa!.overheadCertainty, 'measured');
  assert.equal(sa!.suite.name, 'aes128gcm16');
  assert.equal(sa!.suite.certainty, 'measured');
  assert.deepEqual(sa!.integrity, { verified: 1, failed: 0, unchecked: 0 });
});

test('AH costs its header, and in tunnel mode the outer IP header', () => {
  const [sa] = sasOf([
    {
      protocol: 6,
      flags: PacketFlag.ah | PacketFlag.tunnel,
      layers: { link: 14, ip: 20, ah: 24, innerIp: 20, payload: 20 },
      security: [{ protocol: 51, spi: 9, sequence: 1, bytes: 24, nextHeader: 4 }],
    },
  ]);
  assert.equal(sa!.mode, 'tunnel');
  assert.equal(sa!.overheadBytes, 44);
  assert.equal(sa!.overheadCertainty, 'measured');
  assert.equal(sa!.suite.candidates[0]!.icvBytes, 12);
});

test('A closed SA has no mode, and its suite is inferred', () => {
  const [sa] = sasOf([1, 2, 3].map((sequence) => esp(sequence)));
  assert.equal(sa!.mode, 'unknown');
  assert.equal(sa!.suite.certainty, 'inferred');
  assert.equal(sa!.overheadCertainty, 'bounded');
  const likelihood = sa!.suite.candidates.reduce((sum, candidate) => sum + candidate.likelihood, 0);
  assert.ok(likelihood > 0 && likelihood <= 1);
});

test('A datagram in fragments counts all their bytes and says what the path carried', () => {
  const [sa] = sasOf([
    esp(1, {
      flags: PacketFlag.esp | PacketFlag.reassembled,
      fragments: 2,
      fragmentBytes: 2076,
      layers: { espHeader: 8, espOpaque: 2000 },
      security: [{ protocol: 50, spi: 0x100, sequence: 1, bytes: 64 }],
    }),
  ]);
  assert.equal(sa!.bytes, 2076);
  assert.equal(sa!.largestPacketBytes, 0);
  // Half of the 2008 bytes behind a header of 20.
  assert.deepEqual(sa!.pathMtu, { atLeast: 1024, fragmented: true });
});
