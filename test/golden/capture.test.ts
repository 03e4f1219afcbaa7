import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { openCapture } from '../../src/capture/capture-source.js';
import { repoPath } from '../repo-root.js';
import { frameLine } from '../unit/capture/frame-lines.js';

interface Expected {
  captures: { file: string; frames: number; wireBytes: number; capturedBytes: number; sha256: string }[];
}

const EXPECTED: Expected = JSON.parse(readFileSync(repoPath('test/golden/expected/capture.json'), 'utf8'));

for (const { file, ...expected } of EXPECTED.captures) {
  test(`reads number, time and lengths of every frame of ${file} as tshark does`, async () => {
    const hash = createHash('sha256');
    const found = { frames: 0, wireBytes: 0, capturedBytes: 0 };
    const source = await openCapture(repoPath(file));
    for await (const block of source) {
      found.frames += block.count;
      for (let index = 0; index < block.count; index++) {
        found.wireBytes += block.wireLength[index]!;
        found.capturedBytes += block.capturedLength[index]!;
        hash.update(`${frameLine(block, index)}\n`);
      }
    }
    assert.deepEqual({ ...found, sha256: hash.digest('hex') }, expected);
    assert.equal(source.error, null);
    assert.equal(source.framesRead, expected.frames);
    assert.equal(source.bytesRead, source.sizeBytes);
    assert.equal(source.compressed, file.endsWith('.gz'));
  });
}
