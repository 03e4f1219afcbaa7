import assert from 'node:assert/strict';
import { test } from 'node:test';
import { splitClosedEsp } from '../../../src/analysis/esp-split.js';
import { parseEspSuite } from '../../../src/ipsec/suite.js';
import { PacketFlag } from '../../../src/packet/packet-batch.js';
import { Analyses } from './analyses.js';
import { buildBatch, type RowSpec } from './build-batch.js';

function overheadOf(rows: RowSpec[]) {
  return new Analyses().add(buildBatch(rows)).summary().overhead;
}

const CLOSED: RowSpec = {
  protocol: 50,
  flags: PacketFlag.esp,
  layers: { link: 14, ip: 20, espHeader: 8, espOpaque: 64 },
  security: [{ protocol: 50, spi: 1, sequence: 1, bytes: 64 }],
};

/** Tunnel mode, opened: IP | ESP | IP | UDP. */
const OPENED: RowSpec = {
  protocol: 17,
  flags: PacketFlag.esp | PacketFlag.decrypted | PacketFlag.tunnel | PacketFlag.udp,
  layers: {
    link: 14,
    ip: 20,
    espHeader: 8,
    espIv: 8,
    innerIp: 20,
    transport: 8,
    payload: 10,
    espPadding: 0,
    espTrailer: 2,
    espIcv: 16,
  },
  security: [
    {
      protocol: 50,
      spi: 2,
      sequence: 1,
      bytes: 64,
      opened: { ivBytes: 8, icvBytes: 16, padBytes: 0, nextHeader: 4 },
    },
  ],
};

test('Opened ESP is measured, layer by layer', () => {
  const { bytes } = overheadOf([OPENED]);
  assert.deepEqual(bytes.espIv, { bytes: 8, certainty: 'measured' });
  assert.deepEqual(bytes.espIcv, { bytes: 16, certainty: 'measured' });
  assert.deepEqual(bytes.payload, { bytes: 10, certainty: 'measured' });
});

test('The outer IP header of a tunnel is part of what IPsec costs a direction', () => {
  const [direction] = overheadOf([OPENED]).directions;
  assert.equal(direction!.ipsecBytes, 20 + 8 + 8 + 2 + 16);
  assert.equal(direction!.payloadBytes, 10);
  assert.equal(direction!.certainty, 'measured');
});

test('Closed ESP is split by the suite the user names', () => {
  const analyses = new Analyses().add(buildBatch([CLOSED]));
  const knowledge = { assumedEsp: parseEspSuite('aes128-sha256') };
  const { bytes } = analyses.overhead.summary({
    flows: analyses.flows.state,
    closedEsp: analyses.securityAssociations.closedEsp(knowledge),
  });
  assert.deepEqual(bytes.espIv, { bytes: 16, certainty: 'inferred', min: 16, max: 16 });
  assert.deepEqual(bytes.espIcv, { bytes: 16, certainty: 'inferred', min: 16, max: 16 });
  assert.deepEqual(bytes.espTrailer, { bytes: 2, certainty: 'inferred', min: 2, max: 2 });
  assert.equal(bytes.espPadding.certainty, 'bounded');
  assert.equal(bytes.espPadding.min, 0);
  assert.equal(bytes.espPadding.max, 15);
  assert.equal(bytes.payload.bytes + bytes.espPadding.bytes, 30);
  assert.equal(bytes.payload.min, 15);
  assert.equal(bytes.payload.max, 30);
});

test('A layer is as certain as its least certain part', () => {
  const { bytes } = overheadOf([OPENED, CLOSED]);
  assert.equal(bytes.espIv.certainty, 'inferred');
  assert.equal(bytes.espHeader.certainty, 'measured');
  assert.equal(bytes.payload.certainty, 'bounded');
});

test('Closed ESP without a suite is bounded, and its parts never exceed what was there', () => {
  for (const bytes of [0, 1, 5, 20, 500]) {
    const split = splitClosedEsp({ packets: 3, bytes, candidates: [] });
    const parts = Object.values(split);
    assert.equal(
      parts.reduce((sum, part) => sum + part.bytes, 0),
      bytes,
    );
    for (const part of parts) assert.ok(part.min <= part.bytes && part.bytes <= part.max, `${bytes}`);
  }
});

test('Fragments wait as other bytes until their datagram is whole', () => {
  const fragments: RowSpec[] = [
    {
      protocol: 50,
      flags: PacketFlag.fragment | PacketFlag.firstFragment,
      layers: { link: 14, ip: 20, fragment: 1480 },
    },
    { protocol: 50, flags: PacketFlag.fragment, layers: { link: 14, ip: 20, fragment: 528 } },
  ];
  const datagram: RowSpec = {
    protocol: 50,
    flags: PacketFlag.esp | PacketFlag.ah | PacketFlag.reassembled,
    fragments: 2,
    fragmentBytes: 2076,
    layers: { ah: 24, espHeader: 8, espOpaque: 1976 },
    security: [{ protocol: 50, spi: 1, sequence: 1, bytes: 1976 }],
  };
  const waiting = overheadOf(fragments);
  assert.deepEqual(waiting.protection.esp, { packets: 2, bytes: 2076 });
  assert.equal(waiting.bytes.other.bytes, 2008);

  const whole = overheadOf([...fragments, datagram]);
  assert.deepEqual(whole.protection.esp, { packets: 0, bytes: 0 });
  assert.deepEqual(whole.protection.ahEsp, { packets: 2, bytes: 2076 });
  assert.equal(whole.bytes.other.bytes, 0);
  assert.equal(whole.bytes.ah.bytes, 24);
  assert.equal(whole.bytes.link.bytes, 28);
  assert.equal(whole.bytes.ip.bytes, 40);
  assert.deepEqual(whole.wire, { packets: 2, bytes: 2076, firstTimeNs: '0', lastTimeNs: '0' });

  const incomplete = { ...datagram, flags: datagram.flags! | PacketFlag.incomplete };
  const never = overheadOf([...fragments, incomplete]);
  assert.deepEqual(never.protection.esp, { packets: 2, bytes: 2076 });
  assert.equal(never.bytes.other.bytes, 2008);
});

test('Every wire length falls into its bucket', () => {
  const lengths = [63, 64, 127, 1499, 1500, 1518, 1519, 9018, 9019, 65_535, 70_000];
  const { packetSizes } = overheadOf(
    lengths.map((payload) => ({ protocol: 17, flags: PacketFlag.udp, layers: { payload } })),
  );
  assert.deepEqual(
    packetSizes.filter(({ packets }) => packets > 0).map(({ minBytes, packets }) => [minBytes, packets]),
    [
      [0, 1],
      [64, 2],
      [1280, 1],
      [1500, 2],
      [1519, 2],
      [9019, 3],
    ],
  );
});

test('NAT keep-alives count with IKE, ARP is not IP', () => {
  const { protection } = overheadOf([
    { protocol: 17, flags: PacketFlag.udp | PacketFlag.natKeepalive, layers: { payload: 1 } },
    { protocol: 17, flags: PacketFlag.udp | PacketFlag.ike, layers: { payload: 100 } },
    { protocol: -1, flags: PacketFlag.arp, layers: { link: 14, other: 28 } },
  ]);
  assert.deepEqual(protection.ike, { packets: 2, bytes: 101 });
  assert.deepEqual(protection.notIp, { packets: 1, bytes: 42 });
});
