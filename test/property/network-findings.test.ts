import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { test } from 'node:test';
import { addressSpoofing } from '../../src/analysis/findings/address-spoofing.js';
import type { FindingContext } from '../../src/analysis/findings/detector.js';
import type { Finding } from '../../src/analysis/findings/finding.js';
import { fragmentAttacks } from '../../src/analysis/findings/fragment-attacks.js';
import { icmpRedirects } from '../../src/analysis/findings/icmp-redirects.js';
import { rogueDhcp } from '../../src/analysis/findings/rogue-dhcp.js';
import { tcpAttacks } from '../../src/analysis/findings/tcp-attacks.js';
import { readFileBlocks } from '../../src/capture/read-file-blocks.js';
import { Decoder } from '../../src/packet/decode.js';
import { FrameBlock } from '../../src/packet/frame-block.js';
import { PacketBatch } from '../../src/packet/packet-batch.js';
import fc from '../fast-check.js';
import { repoPath } from '../repo-root.js';

const TYPES = [tcpAttacks, addressSpoofing, rogueDhcp, icmpRedirects, fragmentAttacks];
const CONTEXT = {
  summary: { flows: [], migrations: [] },
  knowledge: { associations: [], assumedEsp: null, assumedAh: null },
  paths: ['a.pcap'],
} as unknown as FindingContext;

interface Frame {
  bytes: Uint8Array;
  wireLength: number;
  linkType: number;
  seconds: number;
  nanoseconds: number;
}

/** Beginnings of all captures of attacks and of what looks like them, every packet of which is a possible seam. */
const CAPTURES = ['suspicious', 'benign'].flatMap((folder) =>
  readdirSync(repoPath(`captures/${folder}`))
    .filter((name) => name.endsWith('.pcap'))
    .map((name) => readFrames(repoPath(`captures/${folder}/${name}`)).slice(0, 130)),
);

const capture = fc.constantFrom(...CAPTURES);

test('wherever a capture is cut, its pieces together give the findings of the whole', () => {
  for (const frames of CAPTURES) {
    const whole = findingsOf([frames]);
    for (let cut = 1; cut < frames.length; cut++)
      assert.deepEqual(findingsOf([frames.slice(0, cut), frames.slice(cut)]), whole);
  }
});

test('captures with flipped bits throw nothing, and give the same in many pieces as in one', () => {
  const flips = fc.array(fc.tuple(fc.nat(), fc.nat(), fc.nat(7)), { minLength: 1, maxLength: 40 });
  fc.assert(
    fc.property(capture, flips, fc.array(fc.nat(), { maxLength: 5 }), (frames, changes, cuts) => {
      const broken = flip(frames, changes);
      const ends = [...cuts.map((cut) => cut % (frames.length + 1)), frames.length].toSorted((a, b) => a - b);
      const pieces = ends.map((end, i) => broken.slice(i === 0 ? 0 : ends[i - 1], end));
      assert.deepEqual(findingsOf(pieces), findingsOf([broken]));
    }),
    { numRuns: 400 },
  );
});

test('captures cut short by any snap length throw nothing', () => {
  fc.assert(
    fc.property(capture, fc.integer({ min: 0, max: 200 }), (frames, bytes) => {
      findingsOf([frames.map((frame) => ({ ...frame, bytes: frame.bytes.subarray(0, bytes) }))]);
    }),
    { numRuns: 300 },
  );
});

test('what two captures give one after the other is found in their pieces, too', () => {
  fc.assert(
    fc.property(capture, capture, fc.nat(), (first, second, cut) => {
      const frames = [...first, ...second];
      const at = cut % (frames.length + 1);
      assert.deepEqual(findingsOf([frames.slice(0, at), frames.slice(at)]), findingsOf([frames]));
    }),
    { numRuns: 200 },
  );
});

/** Findings of pieces that are read apart and put together. */
function findingsOf(pieces: readonly (readonly Frame[])[]): Finding[] {
  return TYPES.flatMap(({ create }) => {
    const total = create(0);
    let framesBefore = 0;
    for (const frames of pieces) {
      const part = create(0);
      const batch = new PacketBatch(blockOf(frames));
      new Decoder(batch, null).decode();
      part.add(batch, 0, batch.count);
      total.merge(structuredClone(part.state), framesBefore);
      framesBefore += frames.length;
    }
    return total.findings(CONTEXT);
  });
}

function readFrames(path: string): Frame[] {
  const frames: Frame[] = [];
  for (const block of readFileBlocks(path)) {
    for (let i = 0; i < block.count; i++) {
      const start = block.offset[i]!;
      frames.push({
        bytes: block.data.slice(start, start + block.capturedLength[i]!),
        wireLength: block.wireLength[i]!,
        linkType: block.linkType[i]!,
        seconds: block.timeSeconds[i]!,
        nanoseconds: block.timeNanoseconds[i]!,
      });
    }
  }
  return frames;
}

function blockOf(frames: readonly Frame[]): FrameBlock {
  const total = frames.reduce((sum, { bytes }) => sum + bytes.length, 0);
  const block = new FrameBlock(new Uint8Array(total), Math.max(1, frames.length));
  let at = 0;
  for (const [i, { bytes, wireLength, linkType, seconds, nanoseconds }] of frames.entries()) {
    block.data.set(bytes, at);
    block.offset[i] = at;
    block.capturedLength[i] = bytes.length;
    block.wireLength[i] = wireLength;
    block.linkType[i] = linkType;
    block.timeSeconds[i] = seconds;
    block.timeNanoseconds[i] = nanoseconds;
    block.frameNumber[i] = i + 1;
    at += bytes.length;
  }
  block.count = frames.length;
  return block;
}

/** @param changes packet, byte and bit, each taken modulo what there is */
function flip(frames: readonly Frame[], changes: readonly (readonly [number, number, number])[]): Frame[] {
  const copies = frames.map((frame) => ({ ...frame, bytes: frame.bytes.slice() }));
  for (const [packet, byte, bit] of changes) {
    const { bytes } = copies[packet % copies.length]!;
    // Headers, where it matters most.
    bytes[byte % Math.min(bytes.length, 90)]! ^= 1 << bit;
  }
  return copies;
}
