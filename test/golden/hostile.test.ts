import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { openCapture } from '../../src/capture/capture-source.js';
import { repoPath } from '../repo-root.js';

interface Expected {
  /** By file: frame.len of every packet that tshark reads before it gives up. */
  readonly frameLengths: Readonly<Record<string, readonly number[]>>;
}

const expected = JSON.parse(
  readFileSync(repoPath('test/golden/expected/tshark-hostile.json'), 'utf8'),
) as Expected;

/** Where in the file the damage is, and a word of the message. */
const BREAKS: Readonly<Record<string, { offset: number; message: RegExp }>> = {
  'file-cut.pcap': { offset: 4546, message: /cut off/ },
  'record-length.pcap': { offset: 5200, message: /4294967295/ },
  'pcapng-block-length.pcapng': { offset: 5440, message: /13 bytes/ },
  'pcapng-no-interface.pcapng': { offset: 28, message: /interface 3/ },
  'pcapng-option-length.pcapng': { offset: 152, message: /longer than its block/ },
};

for (const [file, frameLengths] of Object.entries(expected.frameLengths)) {
  if (file === 'empty.pcap') continue;
  test(`${file} gives the packets that tshark reads from it, then says what is wrong`, async () => {
    const source = await openCapture(repoPath(`captures/hostile/${file}`));
    const lengths: number[] = [];
    for await (const block of source) lengths.push(...block.wireLength.subarray(0, block.count));
    assert.deepEqual(lengths, frameLengths);
    const expectedBreak = BREAKS[file];
    assert.equal(source.error?.offset, expectedBreak?.offset);
    if (expectedBreak !== undefined) assert.match(source.error?.message ?? '', expectedBreak.message);
  });
}

test('an empty file is refused with its path', async () => {
  await assert.rejects(openCapture(repoPath('captures/hostile/empty.pcap')), /hostile\/empty\.pcap.*empty/);
});
