import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CaptureAnalysis } from '../../../src/analysis/capture-analysis.js';
import { FrameBlock } from '../../../src/packet/frame-block.js';
import { LinkType } from '../../../src/packet/link.js';

const IPV4_HEADER_BYTES = 20;

/** A UDP fragment. */
interface Fragment {
  offset: number;
  dataBytes: number;
  more: boolean;
}

/** Raw IPv4 packets: the fragments of one datagram that holds ESP in UDP. */
function blockOf(fragments: readonly Fragment[]): FrameBlock {
  const total = fragments.reduce((sum, { dataBytes }) => sum + IPV4_HEADER_BYTES + dataBytes, 0);
  const block = new FrameBlock(new Uint8Array(total), fragments.length);
  const view = new DataView(block.data.buffer);
  let at = 0;
  for (const [i, { offset, dataBytes, more }] of fragments.entries()) {
    const bytes = IPV4_HEADER_BYTES + dataBytes;
    view.setUint16(at, 0x4500);
    view.setUint16(at + 2, bytes);
    view.setUint16(at + 4, 7);
    view.setUint16(at + 6, (more ? 0x2000 : 0) | (offset / 8));
    view.setUint16(at + 8, 0x4011);
    view.setUint32(at + 12, 0x0a000001);
    view.setUint32(at + 16, 0x0a000002);
    if (offset === 0) {
      view.setUint32(at + 20, (4500 << 16) | 4500);
      view.setUint16(
        at + 24,
        fragments.reduce((sum, part) => sum + part.dataBytes, 0),
      );
      view.setUint32(at + 28, 0x100);
    }
    block.offset[i] = at;
    block.capturedLength[i] = bytes;
    block.wireLength[i] = bytes;
    block.linkType[i] = LinkType.raw;
    block.timeSeconds[i] = 100 + i;
    block.frameNumber[i] = i + 1;
    at += bytes;
  }
  block.count = fragments.length;
  return block;
}

function analyze(fragments: readonly Fragment[]) {
  const knowledge = { associations: [], assumedEsp: null, assumedAh: null };
  const profile = { mtu: { bytes: 1500, certainty: 'measured' as const }, copyLinks: [] };
  const analysis = new CaptureAnalysis(knowledge, profile, 0);
  analysis.addBlock(blockOf(fragments));
  return analysis.finish(knowledge, []);
}

test('a datagram is what its fragments carry, over time too', () => {
  const { protection, timeline } = analyze([
    { offset: 0, dataBytes: 1480, more: true },
    { offset: 1480, dataBytes: 500, more: false },
  ]);
  assert.deepEqual(protection.esp, { packets: 2, bytes: 2020 });
  assert.deepEqual(protection.clear, { packets: 0, bytes: 0 });
  assert.equal(timeline?.byClass.esp[0], 1500);
  assert.equal(timeline?.byClass.esp.at(-1), 520);
});

test('a fragment larger than the link carries takes no part in a datagram, and nothing is less than nothing', () => {
  const { wire, protection, bytes, fragmentation, timeline } = analyze([
    { offset: 0, dataBytes: 12_000, more: true },
    { offset: 12_000, dataBytes: 500, more: false },
  ]);
  assert.equal(wire.bytes, 520);
  assert.deepEqual(protection.clear, { packets: 1, bytes: 520 });
  assert.equal(fragmentation.incomplete, 1);
  assert.deepEqual(timeline?.byClass.clear, [520]);
  for (const amount of Object.values(bytes)) assert.ok(amount.bytes >= 0);
});
