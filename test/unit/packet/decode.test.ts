import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Decoder } from '../../../src/packet/decode.js';
import { FrameBlock } from '../../../src/packet/frame-block.js';
import { PacketBatch } from '../../../src/packet/packet-batch.js';
import { assertEverySnapCut, blockOf, decodeFrame, describeRow, pick } from './decode-frame.js';
import { ethernet, filler, ipv4, ipv6, ipv6Options, tcp } from './frame-builder.js';
import { catalogueFrame, FRAMES } from './frame-catalogue.js';

const segment = tcp({}, filler(10));

for (const [name, layers] of [
  ['IPv4 in IPv4', { ip: 20, innerIp: 20 }],
  ['IPv6 in IPv4', { ip: 20, innerIp: 40 }],
  ['IPv4 in IPv6', { ip: 40, innerIp: 20 }],
  ['IPv6 in IPv6', { ip: 40, innerIp: 40 }],
] as const) {
  test(`tells the outer header from the inner one: ${name}`, () => {
    const { frame } = catalogueFrame(name);
    const row = decodeFrame(frame);
    assert.deepEqual(row.layers, { link: 14, ...layers, transport: 20, payload: 10 });
    assert.deepEqual(pick(row, 'ipOffset', 'innerIpOffset'), {
      ipOffset: 14,
      innerIpOffset: 14 + layers.ip,
    });
    assertEverySnapCut(frame);
  });
}

test('follows a tower of IP headers up to the nesting limit, and not a header further', () => {
  for (const [headers, isTooMany] of [
    [38, false],
    [39, false],
    [40, true],
    [45, true],
  ] as const) {
    let packet = ipv4({ protocol: 6 }, segment);
    for (let i = 1; i < headers; i++) packet = ipv4({ protocol: 4 }, packet);
    const row = decodeFrame(ethernet(0x0800, packet));
    assert.equal(row.flags.includes('malformed'), isTooMany, `${headers} IP headers`);
    assert.equal(row.layers.innerIp, 20 * (Math.min(headers, 40) - 1));
    if (isTooMany)
      assert.deepEqual(row.error, {
        kind: 'nesting',
        layer: 'frame',
        offset: 14 + 40 * 20,
        required: 40,
        actual: 41,
      });
  }
});

test('a tower of mixed headers ends as a nesting error', () => {
  let packet = ipv4({ protocol: 6 }, segment);
  for (let i = 0; i < 20; i++)
    packet =
      i % 2 === 0 ? ipv6({ nextHeader: 60 }, ipv6Options(4, 8, packet)) : ipv4({ protocol: 41 }, packet);
  assert.equal(decodeFrame(ethernet(0x0800, packet)).error === null, true);
  for (let i = 20; i < 40; i++)
    packet =
      i % 2 === 0 ? ipv6({ nextHeader: 60 }, ipv6Options(4, 8, packet)) : ipv4({ protocol: 41 }, packet);
  assert.equal(decodeFrame(ethernet(0x0800, packet)).error?.kind, 'nesting');
});

test('every frame of the catalogue decodes the same alone, in a block, and in a block used before', () => {
  for (const linkType of new Set(FRAMES.map((frame) => frame.linkType))) {
    const frames = FRAMES.filter((frame) => frame.linkType === linkType).map(({ frame }) => frame);
    const batch = new PacketBatch(blockOf(frames, linkType));
    const decoder = new Decoder(batch, null);
    for (let round = 0; round < 3; round++) {
      decoder.decode();
      for (const [row, frame] of frames.entries())
        assert.deepEqual(describeRow(batch, row), decodeFrame(frame, { linkType }));
      rotate(frames);
      for (const name of ['offset', 'capturedLength', 'wireLength'] as const) rotate(batch.block[name]);
    }
  }
});

function rotate<T>(column: { [index: number]: T; length: number }): void {
  const first = column[0]!;
  for (let i = 1; i < column.length; i++) column[i - 1] = column[i]!;
  column[column.length - 1] = first;
}

test('follows its block to another buffer', () => {
  const { frame } = catalogueFrame('ethernet');
  const block = blockOf([frame]);
  const batch = new PacketBatch(block);
  const decoder = new Decoder(batch, null);
  decoder.decode();
  block.data = new Uint8Array([...new Uint8Array(8), ...block.data]).subarray(8);
  block.data.set(catalogueFrame('TCP SYN with options').frame.subarray(0, 64), block.offset[0]!);
  decoder.decode();
  assert.ok(
    describeRow(batch, 0).flags.includes('malformed'),
    'the total length of the new frame is greater',
  );
});

test('an empty block makes an empty batch', () => {
  const batch = new PacketBatch(new FrameBlock(new Uint8Array(0), 4));
  new Decoder(batch, null).decode();
  assert.deepEqual([batch.count, batch.fragmentRows, batch.security.count], [0, 0, 0]);
});

test('a record that claims more captured bytes than the frame had is read up to the frame’s end', () => {
  const { frame } = catalogueFrame('ethernet');
  for (let wire = 0; wire < frame.length; wire++) {
    const block = blockOf([frame]);
    block.wireLength[0] = wire;
    const batch = new PacketBatch(block);
    new Decoder(batch, null).decode();
    const row = describeRow(batch, 0);
    assert.equal(
      Object.values(row.layers).reduce((sum, owned) => sum + owned, 0),
      wire,
    );
  }
});
