import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PacketFlag } from '../../../src/packet/packet-batch.js';
import { Analyses } from './analyses.js';
import { buildBatch, type RowSpec } from './build-batch.js';

const NO_COUNTS = { completed: 0, incomplete: 0, overlaps: 0, fragments: 0 };

function fragmentationOf(rows: RowSpec[], counts = NO_COUNTS) {
  return new Analyses().add(buildBatch(rows)).fragmentation.summary(counts);
}

/** `sequence` are bytes 4 to 7 of the ICMP header. */
function tooBig(protocol: 1 | 58, sequence: number): RowSpec {
  return {
    protocol,
    flags:
      PacketFlag.icmp |
      PacketFlag.packetTooBig |
      (protocol === 58 ? PacketFlag.ipv6 | PacketFlag.outerIpv6 : 0),
    ipv6: protocol === 58,
    sourcePort: 0,
    sequence,
    layers: { link: 14, ip: 20, transport: 8, payload: 28 },
  };
}

test('Headers of all fragments but the first of each datagram are overhead', () => {
  const summary = fragmentationOf(
    [
      {
        protocol: 17,
        flags: PacketFlag.fragment | PacketFlag.firstFragment,
        layers: { link: 14, ip: 20, fragment: 1480 },
      },
      { protocol: 17, flags: PacketFlag.fragment, layers: { link: 14, ip: 20, fragment: 1480 } },
      { protocol: 17, flags: PacketFlag.fragment, layers: { link: 18, ip: 20, fragment: 100 } },
    ],
    { completed: 1, incomplete: 2, overlaps: 1, fragments: 3 },
  );
  assert.equal(summary.fragments, 3);
  assert.equal(summary.overheadBytes, 34 + 38);
  assert.equal(summary.datagrams, 3);
  assert.equal(summary.incomplete, 2);
  assert.equal(summary.overlaps, 1);
});

test('MTUs of packet-too-big messages are collected in ascending order, 16 bits of IPv4 and 32 of IPv6', () => {
  const summary = fragmentationOf([
    tooBig(1, 0xffff_05aa),
    tooBig(58, 70_000),
    tooBig(58, 1280),
    tooBig(1, 0x05aa),
  ]);
  assert.equal(summary.packetTooBig, 4);
  assert.deepEqual(summary.packetTooBigMtus, [1280, 1450, 70_000]);
});

test("Don't Fragment is counted for IPv4 packets of the wire only", () => {
  const layers = { link: 14, payload: 20 };
  const summary = fragmentationOf([
    { protocol: 17, flags: PacketFlag.dontFragment, layers },
    { protocol: 17, flags: PacketFlag.dontFragment, layers },
    { protocol: 17, layers },
    { protocol: 17, flags: PacketFlag.outerIpv6, layers },
    { protocol: -1, layers },
    { protocol: 17, flags: PacketFlag.dontFragment | PacketFlag.superFrame, layers },
    { protocol: 17, flags: PacketFlag.reassembled, fragments: 2, fragmentBytes: 20, layers: {} },
  ]);
  assert.deepEqual(summary.dontFragment, { set: 2, clear: 1 });
});

test('Fragments inside tunnels are counted apart', () => {
  const flags = PacketFlag.fragment | PacketFlag.innerFragment | PacketFlag.tunnel;
  const summary = fragmentationOf([
    { protocol: 17, flags, layers: { link: 14, ip: 20, innerIp: 20, payload: 8 } },
  ]);
  assert.equal(summary.fragments, 0);
  assert.equal(summary.innerFragments, 1);
  assert.equal(summary.overheadBytes, 0);
});
