import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ClearWatch } from '../../src/analysis/findings/clear-watch.js';
import { RECENT_PACKETS } from '../../src/analysis/findings/recent-packets.js';
import { SaWatch, type SaWatchState } from '../../src/analysis/findings/sa-watch.js';
import { Decoder } from '../../src/packet/decode.js';
import { FrameBlock } from '../../src/packet/frame-block.js';
import { LinkType } from '../../src/packet/link.js';
import { PacketBatch } from '../../src/packet/packet-batch.js';
import fc from '../fast-check.js';

/** What a packet's ESP shows. */
interface EspPacket {
  spi: number;
  sequence: number;
  iv: number;
  content: number;
  milliseconds: number;
}

const ESP_AT = 34;
const FRAME_BYTES = ESP_AT + 48;

/** Numbers that repeat, go back by far and ahead by far, all within a few places of the tables. */
const sequence = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: 1, max: 12 }) },
  { weight: 2, arbitrary: fc.integer({ min: 1, max: 4 }).map((n) => n + RECENT_PACKETS) },
  { weight: 1, arbitrary: fc.integer({ min: 1, max: 3 }).map((n) => n * 1_000_000) },
);

const packet: fc.Arbitrary<EspPacket> = fc.record({
  spi: fc.integer({ min: 256, max: 257 }),
  sequence,
  content: fc.integer({ min: 0, max: 1 }),
  milliseconds: fc.integer({ min: 0, max: 200 }),
  iv: fc.integer({ min: 0, max: 6 }),
});

/** Ethernet, IPv4, ESP in the clear of everything but its content. */
function blockOf(packets: readonly EspPacket[]): FrameBlock {
  const block = new FrameBlock(
    new Uint8Array(Math.max(1, packets.length) * FRAME_BYTES),
    Math.max(1, packets.length),
  );
  const view = new DataView(block.data.buffer);
  block.count = packets.length;
  packets.forEach(({ spi, sequence: number, iv, content, milliseconds }, i) => {
    const at = i * FRAME_BYTES;
    view.setUint16(at + 12, 0x0800);
    view.setUint8(at + 14, 0x45);
    view.setUint16(at + 16, FRAME_BYTES - 14);
    view.setUint8(at + 23, 50);
    view.setUint32(at + 26, 0x0a000001);
    view.setUint32(at + 30, 0x0a000002);
    view.setUint32(at + ESP_AT, spi);
    view.setUint32(at + ESP_AT + 4, number);
    view.setUint32(at + ESP_AT + 8, 7);
    view.setUint32(at + ESP_AT + 12, iv);
    view.setUint32(at + ESP_AT + 16, content);
    block.offset[i] = at;
    block.capturedLength[i] = FRAME_BYTES;
    block.wireLength[i] = FRAME_BYTES;
    block.linkType[i] = LinkType.ethernet;
    block.timeSeconds[i] = 1_700_000_000;
    block.timeNanoseconds[i] = milliseconds * 1e6;
    block.frameNumber[i] = i + 1;
  });
  return block;
}

function watch(packets: readonly EspPacket[]): SaWatch {
  const watcher = new SaWatch(0, () => []);
  const batch = new PacketBatch(blockOf(packets));
  new Decoder(batch, null).decode();
  watcher.add(batch, 0, batch.count);
  return watcher;
}

/** What rules are told. */
function factsOf({ numbers, table }: SaWatchState): unknown {
  return numbers.slice(1, table.count).map((one) => {
    if (!one) return null;
    const { bySequence, byIv, ...facts } = one;
    return facts;
  });
}

function inPieces(packets: readonly EspPacket[], cuts: readonly number[]): SaWatch {
  const whole = new SaWatch(0, () => []);
  const ends = [...cuts.map((cut) => cut % (packets.length + 1)), packets.length].toSorted((a, b) => a - b);
  let from = 0;
  for (const to of ends) {
    whole.merge(structuredClone(watch(packets.slice(from, to)).state), from);
    from = to;
  }
  return whole;
}

test('pieces of a capture show the same repetitions, steps and IVs as the whole', () => {
  fc.assert(
    fc.property(
      fc.array(packet, { minLength: 1, maxLength: 60 }),
      fc.array(fc.nat(60), { maxLength: 4 }),
      (packets, cuts) => {
        assert.deepEqual(factsOf(inPieces(packets, cuts).state), factsOf(watch(packets).state));
      },
    ),
    { numRuns: 500 },
  );
});

test('IVs that come twice are found in pieces as in the whole', () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 0, max: 40 }), { minLength: 2, maxLength: 60 }),
      fc.array(fc.nat(60), { maxLength: 4 }),
      (ivs, cuts) => {
        const packets = ivs.map((iv, i) => ({
          spi: 256,
          sequence: i + 1,
          iv,
          content: i,
          milliseconds: i,
        }));
        const count = (watcher: SaWatch) => watcher.state.numbers[1]!.sameIv.count;
        assert.equal(count(inPieces(packets, cuts)), count(watch(packets)));
        assert.equal(count(watch(packets)), ivs.length - new Set(ivs).size);
      },
    ),
    { numRuns: 300 },
  );
});

test('clear packets are counted in pieces as in the whole, with the same first and last ones', () => {
  const port = fc.integer({ min: 1, max: 3 });
  fc.assert(
    fc.property(fc.array(port, { minLength: 1, maxLength: 80 }), fc.nat(80), (hosts, cut) => {
      const at = cut % (hosts.length + 1);
      const whole = clearOf(hosts);
      const joined = new ClearWatch(0);
      joined.merge(structuredClone(clearOf(hosts.slice(0, at)).state), 0);
      joined.merge(structuredClone(clearOf(hosts.slice(at)).state), at);
      assert.deepEqual(joined.byPair(), whole.byPair());
    }),
  );
});

/** UDP from one host to each of these. */
function clearOf(hosts: readonly number[]): ClearWatch {
  const block = blockOf(
    hosts.map((host) => ({ spi: 9, sequence: host, iv: 0, content: 0, milliseconds: 0 })),
  );
  const view = new DataView(block.data.buffer);
  hosts.forEach((host, i) => {
    view.setUint8(i * FRAME_BYTES + 23, 17);
    view.setUint16(i * FRAME_BYTES + ESP_AT + 4, FRAME_BYTES - ESP_AT);
    view.setUint32(i * FRAME_BYTES + 30, 0x0a000000 + host);
  });
  const batch = new PacketBatch(block);
  new Decoder(batch, null).decode();
  const watcher = new ClearWatch(0);
  watcher.add(batch, 0, batch.count);
  return watcher;
}
