import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { OpenEspTest } from '../../../src/exposure/open-esp.js';

/** RFC 4303: payload, padding 1, 2, 3..., its length, next header, ICV. */
function packet(payloadBytes: number, icvBytes: number, nextHeader: number): Buffer {
  const padBytes = (4 - ((payloadBytes + 2) % 4)) % 4;
  return Buffer.concat([
    randomBytes(payloadBytes),
    Buffer.from(Array.from({ length: padBytes }, (_, i) => i + 1)),
    Buffer.from([padBytes, nextHeader]),
    randomBytes(icvBytes),
  ]);
}

function judge(packets: readonly Buffer[]): number | null {
  const watch = new OpenEspTest();
  for (const data of packets) watch.add(data, 0, data.length);
  return watch.icvBytes;
}

test('ESP that encrypts nothing is told by its trailers, with the size of its ICV', () => {
  for (const icvBytes of [12, 16, 20, 24, 32]) {
    for (const nextHeader of [6, 4, 41]) {
      const packets = Array.from({ length: 50 }, (_, i) => packet(40 + 13 * i, icvBytes, nextHeader));
      assert.equal(judge(packets), icvBytes);
    }
  }
});

test('cipher text is not taken for it, nor is what is too little or too short', () => {
  const cipherText = Array.from({ length: 2000 }, (_, i) => {
    return createHash('shake256', { outputLength: 60 + (i % 900) })
      .update(`${i}`)
      .digest();
  });
  assert.equal(judge(cipherText), null);
  assert.equal(judge([packet(100, 16, 6)]), null);
  assert.equal(judge(Array.from({ length: 100 }, (_, i) => Buffer.alloc(i % 20))), null);
});

test('some packets of another kind among them change nothing', () => {
  const packets = Array.from({ length: 100 }, (_, i) =>
    i % 20 === 0 ? randomBytes(300) : packet(100 + i, 16, 6),
  );
  assert.equal(judge(packets), 16);
});
