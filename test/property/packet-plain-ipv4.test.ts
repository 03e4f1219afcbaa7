import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openCapture } from '../../src/capture/capture-source.js';
import { Decoder } from '../../src/packet/decode.js';
import { LinkType } from '../../src/packet/link.js';
import { PacketBatch } from '../../src/packet/packet-batch.js';
import { decodePlainIpv4Frame } from '../../src/packet/plain-ipv4-frame.js';
import fc from '../fast-check.js';
import { repoPath } from '../repo-root.js';
import { blockOf, type DecodedRow, describeRow } from '../unit/packet/decode-frame.js';
import { bytes, esp, ethernet, filler, ipv4, tcp, u16 } from '../unit/packet/frame-builder.js';
import { FRAMES } from '../unit/packet/frame-catalogue.js';
import { NullOpener } from '../unit/packet/null-opener.js';

/*
 * The short cut takes Ethernet frames only. So the same packet without its Ethernet header, as LINKTYPE_IPV4, goes the
 * long way: both must come to the same row, 14 bytes apart.
 */

const SEED = 791;
const ETHERNET_BYTES = 14;

function rowOf(frame: Uint8Array, linkType: number, captured: number, wire: number, withOpener: boolean) {
  const block = blockOf([frame], linkType, captured);
  block.wireLength[0] = wire;
  const batch = new PacketBatch(block);
  new Decoder(batch, withOpener ? new NullOpener() : null).decode();
  return describeRow(batch, 0);
}

/** The row as if an Ethernet header stood in front. */
function behindEthernet(row: DecodedRow): DecodedRow {
  const shifted = (offset: number | null) => (offset === null ? null : offset + ETHERNET_BYTES);
  return {
    ...row,
    layers: { link: (row.layers.link ?? 0) + ETHERNET_BYTES, ...withoutLink(row.layers) },
    ipOffset: shifted(row.ipOffset),
    innerIpOffset: shifted(row.innerIpOffset),
    transportOffset: shifted(row.transportOffset),
    payloadOffset: shifted(row.payloadOffset),
    fragmentOffset: shifted(row.fragmentOffset),
    error: row.error && { ...row.error, offset: row.error.offset + ETHERNET_BYTES },
    security: row.security.map((header) => ({
      ...header,
      ipOffset: header.ipOffset + ETHERNET_BYTES,
      offset: header.offset + ETHERNET_BYTES,
      end: header.end + ETHERNET_BYTES,
    })),
  };
}

function withoutLink({ link: _, ...layers }: DecodedRow['layers']) {
  return layers;
}

/** `captured` and `wire` count the frame with its Ethernet header. */
function assertBothWays(frame: Uint8Array, captured: number, wire: number, withOpener: boolean): void {
  const short = rowOf(frame, LinkType.ethernet, captured, wire, withOpener);
  const packet = frame.slice(ETHERNET_BYTES);
  const long = rowOf(packet, LinkType.ipv4, captured - ETHERNET_BYTES, wire - ETHERNET_BYTES, withOpener);
  assert.deepEqual(short, behindEthernet(long));
}

const packets = fc.record({
  protocol: fc.constantFrom(6, 6, 50, 50, 51, 17, 4),
  ports: fc.tuple(fc.constantFrom(4444, 4500, 22), fc.constantFrom(40_000, 4500)),
  options: fc.constantFrom(0, 0, 12, 40),
  dontFragment: fc.boolean(),
  moreFragments: fc.constantFrom(false, false, false, true),
  payload: fc.uint8Array({ maxLength: 120 }),
  padBytes: fc.nat(20),
});
const flips = fc.array(fc.tuple(fc.nat(60), fc.integer({ min: 1, max: 255 })), { maxLength: 3 });

test('the short cut for plain frames comes to the row that the walk comes to', () => {
  fc.assert(
    fc.property(
      packets,
      flips,
      fc.nat(250),
      fc.nat(100),
      fc.boolean(),
      (packet, flipped, kept, beyond, withOpener) => {
        const frame = frameOf(packet);
        for (const [at, mask] of flipped)
          frame[ETHERNET_BYTES + (at % (frame.length - ETHERNET_BYTES))]! ^= mask;
        const captured = Math.min(frame.length, ETHERNET_BYTES + kept);
        assertBothWays(frame, frame.length, frame.length, withOpener);
        assertBothWays(frame, captured, frame.length + beyond, withOpener);
        assertBothWays(frame.slice(0, captured), captured, captured, withOpener);
        assertBothWays(frame, frame.length, captured, withOpener);
      },
    ),
    { seed: SEED, numRuns: 4000 },
  );
});

function frameOf(packet: typeof packets extends fc.Arbitrary<infer P> ? P : never): Uint8Array {
  const { protocol, dontFragment, moreFragments } = packet;
  const [source, destination] = packet.ports;
  const options = new Uint8Array(packet.options).fill(1);
  const inside =
    protocol === 6
      ? tcp({ source, destination, options, flags: packet.padBytes % 2 === 0 ? 0x10 : 0x02 }, packet.payload)
      : bytes(u16(source), u16(destination), packet.payload);
  return bytes(
    ethernet(0x0800, ipv4({ protocol, dontFragment, moreFragments }, inside)),
    new Uint8Array(packet.padBytes),
  );
}

test('it takes the frames of migrations: TCP, and ESP without keys', async () => {
  for (const [file, share] of [
    ['captures/migration/ms-gcm-1500.pcap', 1],
    ['captures/migration/ms-clear-1500.pcap.gz', 0.99],
  ] as const) {
    let taken = 0;
    let all = 0;
    for await (const block of await openCapture(repoPath(file))) {
      const batch = new PacketBatch(block);
      batch.reset(block.count);
      const view = new DataView(block.data.buffer, block.data.byteOffset, block.data.byteLength);
      for (let row = 0; row < block.count; row++)
        taken += decodePlainIpv4Frame(batch, view, row, true) ? 1 : 0;
      all += block.count;
    }
    assert.ok(taken / all >= share, `${taken} of ${all} frames of ${file}`);
  }
});

test('it leaves everything alone that it does not take', () => {
  const unusual = FRAMES.filter(({ linkType }) => linkType === 1).map(({ frame }) => frame);
  const plain = [
    ethernet(0x0800, ipv4({ protocol: 6 }, tcp({}, filler(9)))),
    ethernet(0x0800, ipv4({ protocol: 50 }, esp({ spi: 1, sequence: 1 }, filler(20)))),
  ];
  const batch = new PacketBatch(blockOf([...unusual, ...plain]));
  const untouched = new PacketBatch(batch.block);
  const { data } = batch.block;
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  let left = 0;
  for (let row = 0; row < batch.block.count; row++) {
    batch.reset(batch.block.count);
    untouched.reset(batch.block.count);
    if (decodePlainIpv4Frame(batch, view, row, true)) continue;
    left += 1;
    assert.equal(batch.security.count, 0);
    assert.deepEqual(batch.layerBytes, untouched.layerBytes);
    assert.deepEqual(batch.protocol, untouched.protocol);
    assert.deepEqual(batch.ipOffset, untouched.ipOffset);
  }
  assert.ok(left > 30 && left <= unusual.length);
});
