import assert from 'node:assert/strict';
import { createCipheriv, createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import {
  chiSquare,
  chiSquareTail,
  entropyBits,
  entropyOfRandom,
  isUniform,
  Randomness,
} from '../../../src/exposure/randomness.js';
import { repoPath } from '../../repo-root.js';
import { requireTool, runTool } from '../../tool.js';

/** AES in counter mode under a fixed key: as random as anything, and the same each time. */
function cipherText(bytes: number): Buffer {
  return createCipheriv('aes-128-ctr', Buffer.alloc(16, 7), Buffer.alloc(16)).update(Buffer.alloc(bytes));
}

function countsOf(data: Uint8Array): Uint32Array {
  const counts = new Uint32Array(256);
  for (const byte of data) counts[byte]! += 1;
  return counts;
}

function judge(data: Uint8Array, payloadBytes: number) {
  const randomness = new Randomness();
  for (let at = 0; at < data.length; at += payloadBytes) {
    randomness.add(data, at, Math.min(data.length, at + payloadBytes));
  }
  return randomness.summary()!;
}

test('entropy and chi-square are those that ent computes', (t) => {
  if (!requireTool(t, 'ent')) return;
  const capture = readFileSync(repoPath('captures/migration/ms-gcm-1500.pcap')).subarray(0, 100_000);
  for (const data of [capture, cipherText(40_000), Buffer.from('a text '.repeat(500))]) {
    const [, , entropy, square] = runTool('ent', ['-t'], { input: data })
      .stdout.trim()
      .split('\n')[1]!
      .split(',');
    const counts = countsOf(data);
    assert.ok(Math.abs(entropyBits(counts, data.length) - Number(entropy)) < 1e-5);
    assert.ok(Math.abs(chiSquare(counts, data.length) / Number(square) - 1) < 1e-5);
  }
});

test('chi-square has the quantiles of published tables', () => {
  // 255 degrees of freedom, e.g. R's qchisq.
  for (const [value, tail] of [
    [205.4214, 0.99],
    [219.0249, 0.95],
    [254.3334, 0.5],
    [293.2478, 0.05],
    [310.4574, 0.01],
  ] as const) {
    assert.ok(
      Math.abs(chiSquareTail(value) - tail) < 0.001,
      `${value}: ${chiSquareTail(value)}, not ${tail}`,
    );
  }
});

test('of cipher text 99 in 100 payloads look random, whatever their size', () => {
  for (const payloadBytes of [90, 536, 1400, 8900]) {
    const { uniformShare, entropy, blocks, payloads } = judge(cipherText(4_000_000), payloadBytes);
    assert.equal(payloads, Math.ceil(4_000_000 / payloadBytes));
    assert.ok(Math.abs(uniformShare - 0.99) < 0.008, `${payloadBytes}: ${uniformShare} of ${blocks}`);
    assert.ok(Math.abs(entropy.mean - entropy.ofRandom) < 0.01, `${payloadBytes}: ${entropy.mean}`);
  }
});

test('text, counters and base64 do not look random', () => {
  const text = Buffer.from(Array.from({ length: 20_000 }, (_, i) => `line ${i}`).join('\n'));
  const base64 = Buffer.from(cipherText(100_000).toString('base64'));
  const counter = Buffer.from(Uint32Array.from({ length: 50_000 }, (_, i) => i).buffer);
  for (const data of [text, base64, counter, Buffer.alloc(100_000)]) {
    assert.equal(judge(data, 1400).uniformShare, 0);
  }
});

test('bytes that are too even are not random either', () => {
  const even = Buffer.from(Array.from({ length: 2560 }, (_, i) => i % 256));
  assert.equal(isUniform(chiSquare(countsOf(even), even.length)), false);
});

test('eight bytes that stay in every payload betray themselves in all bytes together', () => {
  const data = cipherText(1_400_000);
  for (let at = 0; at < data.length; at += 1400) data.fill(0x55, at, at + 8);
  const { total, uniformShare } = judge(data, 1400);
  assert.ok(total.probability < 1e-9);
  assert.ok(uniformShare > 0.5);
});

test('entropy of few random bytes is below 8, as the correction says', () => {
  const data = createHash('shake256', { outputLength: 1400 }).update('x').digest();
  assert.ok(Math.abs(entropyBits(countsOf(data), 1400) - entropyOfRandom(1400)) < 0.05);
});

test('nothing gives no summary, and too little gives no blocks', () => {
  assert.equal(new Randomness().summary(), null);
  assert.equal(judge(cipherText(1000), 100).blocks, 0);
});
