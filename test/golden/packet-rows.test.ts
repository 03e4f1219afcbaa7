import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { openCapture } from '../../src/capture/capture-source.js';
import { Decoder } from '../../src/packet/decode.js';
import { PacketBatch, PacketFlag } from '../../src/packet/packet-batch.js';
import { Reassembler } from '../../src/packet/reassembler.js';
import { repoPath } from '../repo-root.js';
import { findTool, runTool } from '../tool.js';
import { assertSoundRow } from '../unit/packet/decode-frame.js';
import {
  datagramArguments,
  datagramLine,
  datagramLinesOfTshark,
  ROW_COLUMNS,
  rowArguments,
  rowLine,
  rowLinesOfTshark,
} from './packet-rows.js';

interface ExpectedCapture {
  file: string;
  frames: number;
  wireBytes: number;
  kinds: Record<string, number>;
  rowsSha256: string;
  datagrams: number;
  datagramBytes: number;
  datagramsSha256: string;
}

const EXPECTED: { captures: ExpectedCapture[] } = JSON.parse(
  readFileSync(repoPath('test/golden/expected/packet-rows.json'), 'utf8'),
);

/** All rows and datagrams of a capture as lines. */
async function decodeCapture(
  file: string,
): Promise<{ rows: string[]; datagrams: string[]; incomplete: number }> {
  const rows: string[] = [];
  const datagrams: string[] = [];
  const reassembler = new Reassembler();
  const datagramDecoder = new Decoder(reassembler.batch, null);
  for await (const block of await openCapture(repoPath(file))) {
    const batch = new PacketBatch(block);
    new Decoder(batch, null).decode();
    for (let row = 0; row < batch.count; row++) {
      assertSoundRow(batch, row);
      rows.push(rowLine(batch, row));
      if ((batch.flags[row]! & PacketFlag.fragment) === 0 || !reassembler.add(batch, row)) continue;
      datagramDecoder.decode();
      reassembler.finish();
      datagrams.push(datagramLine(reassembler.batch));
    }
  }
  return { rows, datagrams, incomplete: reassembler.pending().length };
}

function digest(lines: readonly string[]): string {
  return createHash('sha256').update(lines.join('\n')).digest('hex');
}

/** Fails with the first line that differs, if tshark is there to ask. */
function assertLines(
  found: readonly string[],
  sha256: string,
  args: readonly string[],
  parse: (output: string) => string[],
): void {
  if (digest(found) === sha256) return;
  if (findTool('tshark') !== undefined) {
    const expected = parse(runTool('tshark', args, { cwd: repoPath('.') }).stdout);
    const at = expected.findIndex((line, i) => line !== found[i]);
    assert.equal(found[at], expected[at], `line ${at + 1} differs; columns: ${ROW_COLUMNS}`);
  }
  assert.equal(digest(found), sha256, 'install tshark to see which line differs');
}

function countKinds(rows: readonly string[]): Record<string, number> {
  const kinds: Record<string, number> = {};
  for (const row of rows) {
    const headers = row.split('\t')[2]!;
    kinds[headers] = (kinds[headers] ?? 0) + 1;
  }
  return kinds;
}

const sum = (lines: readonly string[], column: number) =>
  lines.reduce((total, line) => total + Number(line.split('\t')[column]), 0);

for (const expected of EXPECTED.captures) {
  const { file } = expected;
  test(`decodes every frame and datagram of ${file} as tshark does`, async () => {
    const { rows, datagrams, incomplete } = await decodeCapture(file);
    assertLines(rows, expected.rowsSha256, rowArguments(file), rowLinesOfTshark);
    assertLines(datagrams, expected.datagramsSha256, datagramArguments(file), datagramLinesOfTshark);
    assert.deepEqual(countKinds(rows), expected.kinds);
    assert.deepEqual([rows.length, sum(rows, 1)], [expected.frames, expected.wireBytes]);
    assert.deepEqual([datagrams.length, sum(datagrams, 1)], [expected.datagrams, expected.datagramBytes]);
    assert.equal(incomplete, 0);
  });
}
