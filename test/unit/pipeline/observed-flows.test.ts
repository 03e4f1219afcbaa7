import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FrameWalk } from '../../../src/analysis/frame-walk.js';
import { profileTap } from '../../../src/analysis/tap-profile.js';
import { ObservedFlows } from '../../../src/pipeline/observed-flows.js';
import { sumOfLayers } from '../../../src/plan/layer-totals.js';
import { whatIf } from '../../../src/plan/what-if.js';
import type { ObservedTraffic } from '../../../src/plan/what-if-report.js';
import { blockOf } from '../packet/decode-frame.js';
import {
  arp,
  bytes,
  esp,
  ethernet,
  filler,
  gre,
  ipv4,
  ipv6,
  tcp,
  u32,
  vlanTag,
} from '../packet/frame-builder.js';

const TIMESTAMPS = bytes('0101 080a 00000001 00000002');
const SACK = bytes('0101 080a 00000001 00000002 0101 050a 00000001 00000002');
const [SYN, FIN, ACK] = [0x02, 0x11, 0x10];

interface Segment {
  readonly sequence?: number;
  readonly payloadBytes?: number;
  readonly flags?: number;
  readonly options?: Uint8Array;
  /** From the other host. */
  readonly isReply?: boolean;
}

function segment({ sequence = 1, payloadBytes = 0, flags = ACK, options = TIMESTAMPS, isReply }: Segment) {
  const ports = isReply ? { source: 4444, destination: 40000 } : {};
  const packet = tcp({ ...ports, flags, options }, filler(payloadBytes));
  packet.set(u32(sequence), 4);
  return packet;
}

function ipv4Segment(fields: Segment): Uint8Array {
  const hosts = fields.isReply ? { source: '0a 09 00 02', destination: '0a 09 00 01' } : {};
  return ipv4({ protocol: 6, ...hosts }, segment(fields));
}

function frame(fields: Segment): Uint8Array {
  return ethernet(0x0800, ipv4Segment(fields));
}

function walk(frames: readonly Uint8Array[]): ObservedTraffic {
  const flows = new ObservedFlows();
  const frameWalk = new FrameWalk(null, profileTap(null), flows);
  frameWalk.addBlock(blockOf(frames));
  frameWalk.finish();
  return flows.finish([]);
}

/** Frames that all were on the wire. */
function observe(frames: readonly Uint8Array[]): ObservedTraffic {
  const traffic = walk(frames);
  const wireBytes = frames.reduce((sum, { length }) => sum + length, 0);
  assert.equal(traffic.captured.packets, frames.length);
  assert.equal(traffic.captured.wireBytes, wireBytes);
  assert.equal(sumOfLayers(traffic.captured.layers), wireBytes);
  const kept = Object.values(traffic.kept).reduce((sum, count) => sum + count, 0);
  assert.equal(kept, frames.length - traffic.resegmented.packets);
  return traffic;
}

/** Kept packets, reasons without any left out. */
function keptOf({ kept }: ObservedTraffic): Record<string, number> {
  return Object.fromEntries(Object.entries(kept).filter(([, count]) => count > 0));
}

const BULK = [
  frame({ sequence: 1, payloadBytes: 1448 }),
  frame({ sequence: 1449, payloadBytes: 1448 }),
  frame({ sequence: 2897, payloadBytes: 100 }),
];

test('segments of a connection become bursts, its acknowledgements follow the other direction', () => {
  const { flows, resegmented } = observe([...BULK, frame({ isReply: true })]);
  assert.equal(resegmented.packets, 4);
  assert.equal(flows.length, 2);
  assert.deepEqual([...flows[0]!.bursts], [[2996, 1]]);
  assert.deepEqual(
    { ...flows[0]!, bursts: null },
    {
      family: 4,
      linkHeaderBytes: 14,
      tcpOptionBytes: 12,
      mssBytes: 1448,
      bursts: null,
      pureAcks: 0,
      peer: 1,
    },
  );
  assert.equal(flows[1]!.pureAcks, 1);
  assert.equal(flows[1]!.peer, 0);
});

test('opening, closing, repeated and late segments, SACK blocks and other protocols are kept as they were', () => {
  const traffic = observe([
    frame({ sequence: 0, flags: SYN, options: bytes('020405b4 0101 0402') }),
    ...BULK,
    frame({ sequence: 1449, payloadBytes: 1448 }),
    frame({ options: SACK }),
    frame({ flags: FIN }),
    ethernet(0x0806, arp()),
  ]);
  assert.deepEqual(keptOf(traffic), { notTcp: 1, handshake: 2, retransmitted: 1, tcpOptions: 1 });
  assert.equal(traffic.resegmented.packets, 3);
});

test('frames that offloads put together are counted apart and are in nothing else', () => {
  const syn = frame({ sequence: 0, flags: SYN, options: bytes('020405b4') });
  const merged = frame({ sequence: 1, payloadBytes: 20_000 });
  const traffic = walk([syn, merged, frame({ sequence: 20_001, payloadBytes: 100 })]);
  assert.deepEqual(traffic.superFrames, { frames: 1, bytes: merged.length });
  assert.equal(traffic.captured.packets, 2);
  assert.equal(traffic.captured.layers.payload, 100);
});

test('a connection that uses the same ports anew begins with any sequence number', () => {
  const again = [
    frame({ sequence: 5, flags: SYN, options: bytes('020405b4') }),
    frame({ sequence: 6, payloadBytes: 9 }),
  ];
  assert.equal(observe([...BULK, ...again]).kept.retransmitted, 0);
});

test('sequence numbers may wrap', () => {
  const traffic = observe([
    frame({ sequence: 0xffff_ff00, payloadBytes: 0x100 }),
    frame({ sequence: 0, payloadBytes: 20 }),
  ]);
  assert.equal(traffic.resegmented.packets, 2);
});

test('short messages are not taken for full segments', () => {
  const { flows } = observe([1, 21, 41].map((sequence) => frame({ sequence, payloadBytes: 20 })));
  assert.deepEqual([...flows[0]!.bursts], [[20, 3]]);
});

test('frames filled up to 60 bytes, IP options, other tunnels and VLANs that change are kept', () => {
  const plain = frame({ payloadBytes: 1000 });
  const unusual = [
    ethernet(0x0800, ipv4({ protocol: 6, options: bytes('01010101') }, segment({ sequence: 1001 }))),
    ethernet(0x0800, ipv4({ protocol: 47 }, gre(0, 0x0800, '', ipv4Segment({ sequence: 1001 })))),
    ethernet(0x8100, vlanTag(0x0800, ipv4Segment({ sequence: 1001, payloadBytes: 9 }))),
  ];
  assert.deepEqual(keptOf(observe([plain, ...unusual])), { unusual: 3 });
  const noOptions = { options: new Uint8Array(0) };
  const filled = ethernet(0x0800, ipv4Segment(noOptions), 60);
  assert.deepEqual(keptOf(observe([filled])), { unusual: 1 });
});

test('a segment that came in fragments is cut anew like others', () => {
  const whole = segment({ payloadBytes: 2000 });
  const fragments = [0, 1480].map((start) =>
    ethernet(
      0x0800,
      ipv4(
        { protocol: 6, fragmentOffset: start, moreFragments: start === 0 },
        whole.slice(start, start + 1480 || undefined),
      ),
    ),
  );
  const traffic = observe(fragments);
  assert.deepEqual(keptOf(traffic), {});
  assert.equal(traffic.resegmented.wireBytes, traffic.captured.wireBytes);
  assert.deepEqual(traffic.resegmented.layers, traffic.captured.layers);
  const again = whatIf(traffic.flows, { stack: [], linkMtuBytes: 1500, mss: 2000 });
  assert.deepEqual([again.packets, again.wireBytes], [2, traffic.captured.wireBytes]);
  const cut = whatIf(traffic.flows, { stack: [], linkMtuBytes: 1500, mss: 'auto' });
  assert.equal(cut.wireBytes, 2000 + 2 * (14 + 20 + 32));
});

test('fragments of a datagram that never becomes whole are kept', () => {
  const part = ipv4({ protocol: 6, moreFragments: true }, segment({ payloadBytes: 1448 }).slice(0, 1480));
  assert.deepEqual(keptOf(observe([ethernet(0x0800, part)])), { fragments: 1 });
});

test('closed ESP of which no suite is known is kept', () => {
  const closed = ethernet(0x0800, ipv4({ protocol: 50 }, esp({ spi: 1, sequence: 1 }, filler(100))));
  assert.deepEqual(keptOf(observe([closed])), { closed: 1 });
});

test('IPv6 is told from IPv4', () => {
  const { flows } = observe([ethernet(0x86dd, ipv6({ nextHeader: 6 }, segment({ payloadBytes: 10 })))]);
  assert.equal(flows[0]!.family, 6);
});

test('a flow whose other direction was not recorded has no peer', () => {
  assert.equal(observe(BULK).flows[0]!.peer, undefined);
});
