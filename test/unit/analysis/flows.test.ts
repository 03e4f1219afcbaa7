import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MAX_FLOWS } from '../../../src/analysis/flow-table.js';
import { PacketFlag } from '../../../src/packet/packet-batch.js';
import { Analyses } from './analyses.js';
import { buildBatch, type RowSpec } from './build-batch.js';

function segment(sequence: number, payload: number, rest: Partial<RowSpec> = {}): RowSpec {
  return {
    protocol: 6,
    flags: PacketFlag.tcp,
    sourcePort: 49152,
    destinationPort: 4444,
    sequence,
    payload,
    layers: { link: 14, ip: 20, transport: 20, payload },
    ...rest,
  };
}

function syn(sequence: number, mss: number): RowSpec {
  return segment(sequence, 0, {
    flags: PacketFlag.tcp | PacketFlag.tcpSyn,
    mss,
    layers: { link: 14, ip: 20, transport: 24 },
  });
}

function flowsOf(rows: RowSpec[]) {
  return new Analyses().add(buildBatch(rows)).flows.summary().flows;
}

test('A flow counts its packets, wire bytes, layers and rates', () => {
  const [flow] = flowsOf([
    segment(1000, 1000, { time: 1_700_000_000_000_000_000 }),
    segment(2000, 1000, { time: 1_700_000_002_000_000_000 }),
  ]);
  assert.deepEqual(flow, {
    protocol: 'tcp',
    source: '10.0.0.1',
    destination: '10.0.0.2',
    sourcePort: 49152,
    destinationPort: 4444,
    packets: 2,
    bytes: 2108,
    payloadBytes: 2000,
    firstTimeNs: '1700000000000000000',
    lastTimeNs: '1700000002000000000',
    wireBps: 8432,
    goodputBps: 8000,
    mss: { announced: null, used: 1000 },
    retransmissions: 0,
    retransmittedBytes: 0,
    protected: false,
    protection: 'clear',
    layers: {
      link: 28,
      ip: 40,
      udpEncap: 0,
      ah: 0,
      espHeader: 0,
      espIv: 0,
      espPadding: 0,
      espTrailer: 0,
      espIcv: 0,
      innerIp: 0,
      transport: 40,
      payload: 2000,
      other: 0,
    },
    isIpsecOpaque: false,
  });
});

test('A segment of which one byte was seen before is a retransmission of that byte', () => {
  const [flow] = flowsOf([segment(100, 10), segment(109, 10), segment(119, 1)]);
  assert.equal(flow!.retransmissions, 1);
  assert.equal(flow!.retransmittedBytes, 1);
});

test('A segment that fills a hole is no retransmission, its repetition is one', () => {
  const [flow] = flowsOf([segment(100, 10), segment(120, 10), segment(110, 10), segment(110, 10)]);
  assert.equal(flow!.retransmissions, 1);
  assert.equal(flow!.retransmittedBytes, 10);
});

test('A keep-alive, one byte just below the highest, is no retransmission', () => {
  const [flow] = flowsOf([segment(100, 10), segment(109, 1), segment(109, 1), segment(105, 1)]);
  assert.equal(flow!.retransmissions, 1);
  assert.equal(flow!.retransmittedBytes, 1);
});

test('Sequence numbers wrap after 4 GiB without a retransmission', () => {
  const [flow] = flowsOf([segment(2 ** 32 - 5, 10), segment(5, 10), segment(2 ** 32 - 5, 10)]);
  assert.equal(flow!.retransmissions, 1);
  assert.equal(flow!.retransmittedBytes, 10);
});

test('The announced MSS is that of the SYN, the used one the largest payload', () => {
  const [flow] = flowsOf([syn(99, 1460), segment(100, 1448), segment(1548, 20)]);
  assert.deepEqual(flow!.mss, { announced: 1460, used: 1448 });
});

test('Data behind a SYN starts one number later', () => {
  const [flow] = flowsOf([
    segment(99, 10, { flags: PacketFlag.tcp | PacketFlag.tcpSyn }),
    segment(110, 10),
    segment(99, 1),
  ]);
  assert.equal(flow!.retransmissions, 0);
});

test('A new SYN starts a new connection: reused sequence numbers are no retransmissions', () => {
  const [flow] = flowsOf([
    syn(99, 1460),
    segment(100, 10),
    syn(49, 1460),
    segment(50, 100),
    syn(9, 1460),
    segment(10, 200),
  ]);
  assert.equal(flow!.retransmissions, 0);
  assert.equal(flow!.payloadBytes, 310);
});

test('A repeated SYN continues its connection', () => {
  const [flow] = flowsOf([syn(99, 1460), segment(100, 10), syn(99, 1460), segment(100, 10)]);
  assert.equal(flow!.retransmissions, 1);
});

test('A retransmission whose first copy lies in an earlier piece is found when the pieces are merged', () => {
  const before = new Analyses().add(buildBatch([segment(100, 10), segment(110, 10)]));
  const later = new Analyses().add(buildBatch([segment(120, 10), segment(100, 10)]));
  const [flow] = before.merge(later).flows.summary().flows;
  assert.equal(flow!.retransmissions, 1);
  assert.equal(flow!.retransmittedBytes, 10);
});

test('A SYN repeated within a later piece continues its connection when the pieces are merged', () => {
  const before = [syn(99, 1460), segment(100, 10)];
  const later = [segment(110, 10), syn(99, 1460), segment(100, 10), segment(120, 10)];
  const merged = new Analyses().add(buildBatch(before)).merge(new Analyses().add(buildBatch(later)));
  const [flow] = merged.flows.summary().flows;
  assert.equal(flow!.retransmissions, 1);
  assert.equal(flow!.retransmittedBytes, 10);
  assert.deepEqual(merged.flows.summary().flows, flowsOf([...before, ...later]));
});

test('Another SYN within a later piece starts a new connection when the pieces are merged', () => {
  const before = [syn(99, 1460), segment(100, 10)];
  const later = [segment(110, 10), syn(49, 1460), segment(100, 10)];
  const merged = new Analyses().add(buildBatch(before)).merge(new Analyses().add(buildBatch(later)));
  assert.equal(merged.flows.summary().flows[0]!.retransmissions, 0);
});

test('Flows differ by direction, port, protocol and address family', () => {
  const flows = flowsOf([
    segment(1, 1),
    segment(1, 1, { source: 2, destination: 1 }),
    segment(1, 1, { sourcePort: 49153 }),
    { protocol: 17, flags: PacketFlag.udp, sourcePort: 49152, destinationPort: 4444, layers: { payload: 9 } },
    segment(1, 1, { ipv6: true, flags: PacketFlag.tcp | PacketFlag.ipv6 | PacketFlag.outerIpv6 }),
    { protocol: 50, flags: PacketFlag.esp, layers: { espHeader: 8, espOpaque: 40 } },
  ]);
  assert.deepEqual(
    flows.map(({ protocol, source, sourcePort }) => [protocol, source, sourcePort]),
    [
      ['tcp', '10.0.0.1', 49152],
      ['tcp', '10.0.0.2', 49152],
      ['tcp', '10.0.0.1', 49153],
      ['udp', '10.0.0.1', 49152],
      ['tcp', 'fd00::1', 49152],
      ['esp', '10.0.0.1', null],
    ],
  );
  assert.equal(flows[5]!.isIpsecOpaque, true);
  assert.equal(flows[5]!.payloadBytes, 40);
});

test('A flow of which one packet went in the clear is not protected', () => {
  const esp = PacketFlag.tcp | PacketFlag.esp | PacketFlag.decrypted;
  const [flow] = flowsOf([segment(1, 10, { flags: esp }), segment(11, 10, { flags: esp }), segment(21, 1)]);
  assert.equal(flow!.protected, false);
  assert.equal(flow!.protection, 'esp');
});

test('Decapsulated copies and super-frames are not counted', () => {
  assert.deepEqual(
    flowsOf([
      segment(1, 10, { flags: PacketFlag.tcp | PacketFlag.decapsulatedCopy }),
      segment(1, 10, { flags: PacketFlag.tcp | PacketFlag.superFrame }),
    ]),
    [],
  );
});

test('Flows beyond the table are counted together', () => {
  const analyses = new Analyses();
  const rows: RowSpec[] = [];
  for (let i = 0; i < MAX_FLOWS + 5; i++) {
    rows.push(segment(1, 1, { sourcePort: i & 0xffff, destinationPort: i >> 16 }));
    if (rows.length < 4096 && i < MAX_FLOWS + 4) continue;
    analyses.add(buildBatch(rows));
    rows.length = 0;
  }
  const { flows, otherFlows } = analyses.flows.summary();
  assert.equal(flows.length, MAX_FLOWS);
  assert.deepEqual(otherFlows, { packets: 5, bytes: 275 });
});
