import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openCapture } from '../../src/capture/capture-source.js';
import { Decoder } from '../../src/packet/decode.js';
import type { IpsecOpener } from '../../src/packet/ipsec-opener.js';
import { LinkType } from '../../src/packet/link.js';
import { Integrity, PacketBatch, PacketFlag } from '../../src/packet/packet-batch.js';
import fc from '../fast-check.js';
import { repoPath } from '../repo-root.js';
import { assertSoundRow, blockOf } from '../unit/packet/decode-frame.js';
import { bytes, u16 } from '../unit/packet/frame-builder.js';
import { FRAMES } from '../unit/packet/frame-catalogue.js';

const SEED = 4302;
const LINK_TYPES = [...Object.values(LinkType), 105];
const CAPTURES = [
  'captures/ipsec/t4-ah-esp-cbc-sha1.pcap',
  'captures/ipsec/t4-null-sha256.pcap',
  'captures/ipsec/t6-ah-esp.pcap',
  'captures/ipsec/tun4-natt-cbc-sha256.pcap',
];
const linkTypes = fc.constantFrom(...LINK_TYPES);

/** Says of every packet what `answer` says of its length, as far as that is consistent. */
class AnyOpener implements IpsecOpener {
  integrity: number = Integrity.verified;
  ivBytes = 0;
  icvBytes = 0;
  padBytes = 0;
  nextHeader = 0;
  private readonly answers: readonly number[];
  private at = 0;

  constructor(answers: readonly number[]) {
    this.answers = answers;
  }

  verifyAh(data: Uint8Array, ipOffset: number, ahOffset: number, end: number): number {
    assertInside(data, ipOffset, ahOffset, end);
    return this.draw() % 3;
  }

  openEsp(data: Uint8Array, ipOffset: number, espOffset: number, end: number): boolean {
    assertInside(data, ipOffset, espOffset, end);
    let left = end - espOffset - 8 - 2;
    const share = () => {
      const part = Math.min(this.draw(), left, 255);
      left -= part;
      return part;
    };
    this.integrity = this.draw() % 3;
    this.ivBytes = share();
    this.icvBytes = share();
    this.padBytes = share();
    this.nextHeader = [4, 41, 6, 17, 50, 51, 44, 60, 59, 47][this.draw() % 10]!;
    return this.draw() % 4 !== 0;
  }

  private draw(): number {
    return this.answers[this.at++ % this.answers.length]!;
  }
}

function assertInside(data: Uint8Array, ipOffset: number, offset: number, end: number): void {
  assert.ok(
    ipOffset < offset && offset < end && end <= data.length,
    'the opener is asked about whole packets',
  );
}

const openers = fc.option(
  fc
    .array(fc.integer({ min: 0, max: 40 }), { minLength: 5, maxLength: 20 })
    .map((drawn) => new AnyOpener(drawn)),
  { nil: null },
);

/** Decodes one frame under `conditions`; throws if anything about the row is unsound. */
function check(
  frame: Uint8Array,
  linkType: number,
  opener: IpsecOpener | null,
  captured = frame.length,
  wire = frame.length,
): PacketBatch {
  const block = blockOf([frame], linkType, captured);
  block.wireLength[0] = wire;
  const batch = new PacketBatch(block);
  new Decoder(batch, opener).decode();
  assertSoundRow(batch, 0);
  return batch;
}

test('random bytes of any link type make a sound row', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), linkTypes, openers, (frame, linkType, opener) => {
      check(frame, linkType, opener);
    }),
    { seed: SEED, numRuns: 3000 },
  );
});

test('random bytes behind an IP header of any protocol make a sound row', () => {
  const protocols = fc.constantFrom(0, 1, 4, 6, 17, 41, 43, 44, 47, 50, 51, 58, 59, 60, 94, 135);
  const ports = fc.constantFrom(500, 4500, 4789, 8472, 4501);
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 150 }),
      protocols,
      fc.boolean(),
      ports,
      openers,
      (rest, protocol, isV6, port, opener) => {
        const payload = bytes(u16(port), u16(port), rest);
        const packet = isV6
          ? bytes('60000000', u16(payload.length), Uint8Array.of(protocol, 64), new Uint8Array(32), payload)
          : bytes(
              '4500',
              u16(20 + payload.length),
              '0000 0000 40',
              Uint8Array.of(protocol),
              new Uint8Array(10),
              payload,
            );
        check(packet, LinkType.raw, opener);
      },
    ),
    { seed: SEED, numRuns: 5000 },
  );
});

test('any bytes of a good frame may flip, and any end be cut, on the wire or by the snap length', () => {
  const flips = fc.array(fc.tuple(fc.nat(400), fc.integer({ min: 1, max: 255 })), { maxLength: 4 });
  fc.assert(
    fc.property(
      fc.constantFrom(...FRAMES),
      flips,
      fc.nat(200),
      fc.nat(2000),
      openers,
      (from, flipped, lost, beyond, opener) => {
        const frame = from.frame.slice();
        for (const [at, mask] of flipped) frame[at % frame.length]! ^= mask;
        const captured = Math.max(0, frame.length - (lost > 100 ? 0 : lost));
        check(frame.slice(0, captured), from.linkType, opener);
        check(frame, from.linkType, opener, captured, frame.length);
        check(frame, from.linkType, opener, captured, frame.length + beyond);
      },
    ),
    { seed: SEED, numRuns: 4000 },
  );
});

test('flips and cuts of frames that a kernel sent make sound rows', async () => {
  const frames = (await Promise.all(CAPTURES.map(someFrames))).flat();
  assert.ok(frames.length > 100);
  const flips = fc.array(fc.tuple(fc.nat(120), fc.integer({ min: 1, max: 255 })), { maxLength: 5 });
  fc.assert(
    fc.property(
      fc.constantFrom(...frames),
      flips,
      fc.nat(120),
      openers,
      (original, flipped, kept, opener) => {
        const frame = original.slice();
        for (const [at, mask] of flipped) frame[at % frame.length]! ^= mask;
        check(frame, 1, opener);
        check(frame, 1, opener, kept);
        check(frame.slice(0, kept), 1, opener);
      },
    ),
    { seed: SEED, numRuns: 2000 },
  );
});

test('the hostile frames tried here reach AH and ESP, also nested', () => {
  let ah = 0;
  let esp = 0;
  let nested = 0;
  const flips = fc.array(fc.tuple(fc.nat(80), fc.integer({ min: 1, max: 255 })), { maxLength: 2 });
  const secured = FRAMES.filter(({ name }) => /AH|ESP/.test(name));
  fc.assert(
    fc.property(fc.constantFrom(...secured), flips, openers, (from, flipped, opener) => {
      const frame = from.frame.slice();
      for (const [at, mask] of flipped) frame[at % frame.length]! ^= mask;
      const batch = check(frame, from.linkType, opener);
      if ((batch.flags[0]! & PacketFlag.ah) !== 0) ah += 1;
      if ((batch.flags[0]! & PacketFlag.esp) !== 0) esp += 1;
      if (batch.security.count > 1) nested += 1;
    }),
    { seed: SEED, numRuns: 3000 },
  );
  assert.ok(ah > 500 && esp > 500 && nested > 300, `${ah} with AH, ${esp} with ESP, ${nested} nested`);
});

test('rows of one block do not depend on each other', () => {
  const frames = fc.array(
    fc.tuple(fc.constantFrom(...FRAMES), fc.nat(80), fc.integer({ min: 0, max: 255 })),
    {
      minLength: 1,
      maxLength: 20,
    },
  );
  fc.assert(
    fc.property(frames, (drawn) => {
      const ofType = drawn
        .filter(([from]) => from.linkType === 1)
        .map(([from, at, mask]) => {
          const frame = from.frame.slice();
          frame[at % frame.length]! ^= mask;
          return frame;
        });
      const together = new PacketBatch(blockOf(ofType));
      new Decoder(together, null).decode();
      for (const [row, frame] of ofType.entries()) {
        assertSoundRow(together, row);
        const alone = check(frame, 1, null);
        assert.equal(together.flags[row], alone.flags[0]);
        assert.equal(together.error[row], alone.error[0]);
        assert.deepEqual(together.layerBytes.slice(row * 16, row * 16 + 16), alone.layerBytes.slice(0, 16));
      }
    }),
    { seed: SEED, numRuns: 300 },
  );
});

/** Frames from the start of a capture and some from later on. */
async function someFrames(file: string): Promise<Uint8Array[]> {
  const frames: Uint8Array[] = [];
  for await (const block of await openCapture(repoPath(file))) {
    for (let i = 0; i < block.count; i += i < 60 ? 1 : 37) {
      const start = block.offset[i]!;
      frames.push(block.data.slice(start, start + block.capturedLength[i]!));
    }
  }
  return frames;
}
