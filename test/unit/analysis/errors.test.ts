import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Errors } from '../../../src/analysis/errors.js';
import { ERROR_LAYERS, PacketError, PacketFlag } from '../../../src/packet/packet-batch.js';
import { buildBatch, type RowSpec } from './build-batch.js';

function malformed(kind: number, layer: (typeof ERROR_LAYERS)[number], frameNumber = 1): RowSpec {
  return {
    protocol: -1,
    flags: PacketFlag.malformed,
    layers: { other: 60 },
    frameNumber,
    error: { kind, layer: ERROR_LAYERS.indexOf(layer), offset: 14, required: 20, actual: 16 },
  };
}

test('A message says which header, where, what it needs and what is there', () => {
  const errors = new Errors();
  errors.add(
    buildBatch([
      malformed(PacketError.length, 'IPv4', 7),
      malformed(PacketError.value, 'IKE'),
      malformed(PacketError.nesting, 'frame'),
      malformed(PacketError.linkType, 'frame'),
    ]),
  );
  assert.deepEqual(errors.summary(['a.pcap']), [
    {
      kind: 'IPv4 length',
      count: 1,
      examples: [{ file: 'a.pcap', packet: 7, message: 'IPv4 at byte 14: needs 20 bytes, 16 there' }],
    },
    {
      kind: 'IKE value',
      count: 1,
      examples: [{ file: 'a.pcap', packet: 1, message: 'IKE at byte 14: value 16 is not allowed' }],
    },
    {
      kind: 'frame nesting',
      count: 1,
      examples: [
        { file: 'a.pcap', packet: 1, message: 'header 16 at byte 14: no more than 20 are followed' },
      ],
    },
    {
      kind: 'frame link type',
      count: 1,
      examples: [{ file: 'a.pcap', packet: 1, message: 'link type 16 has no decoder' }],
    },
  ]);
});

test('The first five packets of a kind are examples, over files and pieces', () => {
  const first = new Errors();
  first.add(buildBatch([1, 2, 3].map((packet) => malformed(PacketError.length, 'ESP', packet))));
  const second = new Errors();
  second.fileIndex = 1;
  second.add(buildBatch([1, 2, 3].map((packet) => malformed(PacketError.length, 'ESP', packet))));
  first.merge(structuredClone(second.state), 100);
  const [esp] = first.summary(['a.pcap', 'b.pcap']);
  assert.equal(esp!.count, 6);
  assert.deepEqual(
    esp!.examples.map(({ file, packet }) => `${file} ${packet}`),
    ['a.pcap 1', 'a.pcap 2', 'a.pcap 3', 'b.pcap 101', 'b.pcap 102'],
  );
});
