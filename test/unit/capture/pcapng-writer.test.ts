import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { PcapngParser } from '../../../src/capture/pcapng-parser.js';
import { PcapngWriter } from '../../../src/capture/pcapng-writer.js';
import { readFileBlocks } from '../../../src/capture/read-file-blocks.js';
import { repoPath } from '../../repo-root.js';
import { requireTool, runTool } from '../../tool.js';
import { fullLines, TSHARK_FRAME_FIELDS } from './frame-lines.js';
import { parseAll } from './parse-all.js';

const FOLDER = mkdtempSync(join(tmpdir(), 'capture-'));
after(() => rmSync(FOLDER, { recursive: true }));

/** Copies captures through the writer. @returns what was read, numbered as in the copy */
function copy(paths: readonly string[], writer: PcapngWriter): string[] {
  const lines: string[] = [];
  for (const path of paths) {
    const base = writer.frameCount;
    for (const block of readFileBlocks(repoPath(path))) {
      for (let i = 0; i < block.count; i++) {
        writer.write(
          block.linkType[i]!,
          block.timeSeconds[i]!,
          block.timeNanoseconds[i]!,
          block.data,
          block.offset[i]!,
          block.capturedLength[i]!,
          block.wireLength[i]!,
        );
      }
      lines.push(...fullLines(block, base));
    }
  }
  return lines;
}

test('writes what the reader and tshark read back, over several link types', (t) => {
  const path = join(FOLDER, 'copy.pcapng');
  const writer = new PcapngWriter(path);
  const lines = copy(
    ['captures/formats/nano.pcap', 'captures/formats/interfaces.pcapng', 'captures/ipsec/t4-gcm16.pcap'],
    writer,
  );
  writer.close();
  assert.equal(writer.frameCount, 12 + 18 + 629);
  assert.deepEqual(parseAll(new PcapngParser(), readFileSync(path), 1000), lines);
  if (!requireTool(t, 'tshark')) return;
  const { stdout, stderr } = runTool('tshark', ['-r', path, ...TSHARK_FRAME_FIELDS]);
  assert.deepEqual(
    stdout.trimEnd().split('\n'),
    lines.map((line) => line.split('\t').slice(0, 4).join('\t')),
  );
  assert.doesNotMatch(stderr, /damaged|corrupt|malformed|cut short/i);
});

test('is what capinfos calls a sound pcapng file', (t) => {
  if (!requireTool(t, 'capinfos')) return;
  const path = join(FOLDER, 'info.pcapng');
  const writer = new PcapngWriter(path, { application: 'a test', snapLength: 9000 });
  writer.addInterface(1, 'enp1s0');
  copy(['captures/formats/interfaces.pcapng'], writer);
  writer.close();
  const { stdout } = runTool('capinfos', ['-M', path]);
  assert.match(stdout, /Number of packets: +18\n/);
  assert.match(stdout, /Capture application: +a test\n/);
  assert.match(stdout, /Number of interfaces in file: 2\n/);
  assert.match(stdout, /Name = enp1s0\n/);
  assert.match(stdout, /Capture length = 9000\n/);
  assert.match(stdout, /Time precision = nanoseconds \(9\)/);
});

test('comments reach tshark whole, whatever their script and length', (t) => {
  if (!requireTool(t, 'tshark')) return;
  const path = join(FOLDER, 'comments.pcapng');
  const writer = new PcapngWriter(path);
  const comments = ['a', 'Grüße', '数据', '', 'x'.repeat(3000), `é${'é'.repeat(40_000)}`];
  for (const comment of comments) writer.write(1, 1, 0, Buffer.alloc(20), 0, 20, 20, comment);
  writer.close();
  const { stdout } = runTool('tshark', ['-r', path, '-T', 'fields', '-e', 'frame.comment']);
  const expected = [...comments.slice(0, 5), 'é'.repeat(32_767)];
  assert.deepEqual(stdout.trimEnd().split('\n'), expected);
  const parser = new PcapngParser();
  parseAll(parser, readFileSync(path));
  assert.equal(parser.commentCount, 6);
});

test('keeps times to the nanosecond from 1970 to 2100, and packets of any length', () => {
  const path = join(FOLDER, 'times.pcapng');
  const writer = new PcapngWriter(path);
  const expected: string[] = [];
  const data = Buffer.alloc(600_000, 7);
  const lengths = [0, 1, 2, 3, 63, 64, 65, 262_143, 262_144, 600_000];
  for (const [index, length] of lengths.entries()) {
    for (const seconds of [0, 1, 4, 1_799_999_999, 2_147_483_648, 4_102_444_800]) {
      for (const nanoseconds of [0, 1, 294_967_295, 294_967_296, 999_999_999]) {
        if (index > 3 && nanoseconds > 0) continue;
        writer.write(1, seconds, nanoseconds, data, 0, length, length + 4);
        expected.push(`${seconds}.${String(nanoseconds).padStart(9, '0')} ${length + 4} ${length}`);
      }
    }
  }
  writer.close();
  const lines = parseAll(new PcapngParser(), readFileSync(path), 1000);
  assert.deepEqual(
    lines.map((line) => line.split('\t').slice(1, 4).join(' ')),
    expected,
  );
});

test('the file appears when it is complete, with the permissions asked for', () => {
  const path = join(FOLDER, 'late.pcapng');
  writeFileSync(path, 'what was there');
  const writer = new PcapngWriter(path, { mode: 0o600 });
  writer.write(1, 1, 0, Buffer.alloc(4), 0, 4, 4);
  assert.equal(readFileSync(path, 'utf8'), 'what was there');
  writer.close();
  writer.abort();
  assert.equal(parseAll(new PcapngParser(), readFileSync(path)).length, 1);
  assert.equal(statSync(path).mode & 0o777, 0o600);
});

test('nothing is left of a file that is given up', () => {
  const path = join(FOLDER, 'given-up.pcapng');
  const writer = new PcapngWriter(path);
  copy(['captures/ipsec/t4-gcm16.pcap'], writer);
  writer.abort();
  writer.close();
  assert.equal(existsSync(path), false);
  assert.deepEqual(
    readdirSync(FOLDER).filter((name) => name.includes('given-up')),
    [],
  );
});

test('refuses to replace what is not a file', () => {
  for (const path of [FOLDER, '/dev/null']) {
    assert.throws(() => new PcapngWriter(path), /is not a regular file/);
  }
  assert.throws(() => new PcapngWriter(join(FOLDER, 'no', 'such', 'x.pcapng')), { code: 'ENOENT' });
});
