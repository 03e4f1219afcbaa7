import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { after, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { CaptureOpenError, openErrorFrom } from '../../../src/capture/capture-open-error.js';
import { type CaptureSource, openCapture, openCaptureStream } from '../../../src/capture/capture-source.js';
import { PcapParser } from '../../../src/capture/pcap-parser.js';
import { repoPath } from '../../repo-root.js';
import { PcapngBytes, pcapBytes } from './capture-bytes.js';
import { fullLines } from './frame-lines.js';
import { parseAll } from './parse-all.js';

const FOLDER = mkdtempSync(join(tmpdir(), 'capture-'));
after(() => rmSync(FOLDER, { recursive: true }));

function fileOf(name: string, bytes: Uint8Array): string {
  const path = join(FOLDER, name);
  writeFileSync(path, bytes);
  return path;
}

async function readLines(source: CaptureSource): Promise<string[]> {
  const lines: string[] = [];
  for await (const block of source) lines.push(...fullLines(block));
  return lines;
}

const MICRO = readFileSync(repoPath('captures/formats/micro.pcap'));
const MICRO_LINES = parseAll(new PcapParser(), MICRO);

/** Frames of MICRO that lie wholly in its first `bytes` bytes. */
function framesWithin(bytes: number): string[] {
  return parseAll(new PcapParser(), MICRO.subarray(0, bytes));
}

test('reads the same frames from a file, gzip, several gzip members and a pipe', async () => {
  const gzipped = gzipSync(MICRO);
  const members = repoPath('captures/formats/members.pcap.gz');
  for (const path of [repoPath('captures/formats/micro.pcap'), fileOf('micro.gz', gzipped), members]) {
    const source = await openCapture(path);
    assert.deepEqual(await readLines(source), MICRO_LINES, path);
    assert.equal(source.error, null);
  }
  for (const piece of [1, 7, 100_000]) {
    for (const bytes of [MICRO, gzipped]) {
      const pieces = Array.from({ length: Math.ceil(bytes.length / piece) }, (_, index) =>
        bytes.subarray(index * piece, (index + 1) * piece),
      );
      const source = await openCaptureStream(Readable.from(pieces, { objectMode: true }), 'a pipe');
      assert.deepEqual(await readLines(source), MICRO_LINES);
      assert.deepEqual([source.bytesRead, source.sizeBytes, source.seekable], [bytes.length, null, false]);
    }
  }
});

test('reads a pipe that another process writes', async () => {
  const child = spawn('cat', [repoPath('captures/formats/sections.pcapng')]);
  const source = await openCaptureStream(child.stdout, 'standard input');
  assert.equal((await readLines(source)).length, 36);
  assert.deepEqual(source.linkTypes, ['EN10MB', 'IPV6']);
  assert.deepEqual([source.format, source.commentCount, source.error], ['pcapng', 2, null]);
});

test('gives frames as they come through a pipe, not when it ends', async () => {
  const stream = new Readable({ read() {} });
  stream.push(MICRO.subarray(0, 24 + 16 + MICRO.readUInt32LE(32)));
  const source = await openCaptureStream(stream, 'a pipe');
  const iterator = source[Symbol.asyncIterator]();
  const first = await iterator.next();
  assert.equal(first.value.count, 1);
  stream.push(null);
  assert.equal((await iterator.next()).done, true);
});

test('gives every frame in front of the end of a gzip file that was cut off, wherever', async () => {
  const gzipped = gzipSync(MICRO, { level: 9 });
  let mostFrames = 0;
  for (let cut = 30; cut < gzipped.length; cut += 61) {
    let source: CaptureSource;
    try {
      source = await openCaptureStream(Readable.from([gzipped.subarray(0, cut)]), 'x.gz');
    } catch (error) {
      // The first block's code tables take some bytes: nothing can be recognised before they are there.
      assert.ok(error instanceof CaptureOpenError && cut < 200, `cut at ${cut}: ${error}`);
      continue;
    }
    const lines = await readLines(source);
    assert.match(source.error?.message ?? '', /gzip data end early/);
    assert.deepEqual(lines, MICRO_LINES.slice(0, lines.length));
    assert.deepEqual(framesWithin(source.error!.offset), lines);
    assert.ok(lines.length >= mostFrames);
    mostFrames = lines.length;
  }
  assert.ok(mostFrames >= MICRO_LINES.length - 1);
});

test('reports damaged gzip data behind the frames that were whole', async () => {
  const noise = Array.from({ length: 400 }, (_, index) => ({
    seconds: index,
    fraction: 0,
    data: Buffer.from(Array.from({ length: 1000 }, (_, i) => (index * 7919 + i * i * 31) & 0xff)),
  }));
  const gzipped = gzipSync(pcapBytes({}, noise), { level: 1 });
  gzipped.fill(0xff, gzipped.length - 600, gzipped.length - 100);
  const source = await openCapture(fileOf('damaged.gz', gzipped));
  const lines = await readLines(source);
  assert.match(source.error?.message ?? '', /gzip data are damaged/);
  assert.ok(lines.length > 0);
});

test('a file of no packets is a capture', async () => {
  for (const bytes of [pcapBytes({}, []), new PcapngBytes().section().interface(1).bytes()]) {
    const source = await openCapture(fileOf('none', bytes));
    assert.deepEqual([await readLines(source), source.error, source.linkTypes], [[], null, ['EN10MB']]);
  }
});

test('reads a record that is longer than the buffer', async () => {
  const data = Buffer.alloc(3_000_000, 5);
  const bytes = pcapBytes({}, [
    { seconds: 1, fraction: 0, data: Buffer.alloc(10) },
    { seconds: 2, fraction: 0, data },
    { seconds: 3, fraction: 0, data: Buffer.alloc(10) },
  ]);
  const path = fileOf('long.pcap', bytes);
  const expected = parseAll(new PcapParser(), bytes);
  assert.deepEqual(await readLines(await openCapture(path)), expected);
  assert.deepEqual(await readLines(await openCapture(fileOf('long.gz', gzipSync(bytes)))), expected);
});

test('says of a file that is no capture what it is and what to do', async () => {
  mkdirSync(join(FOLDER, 'folder'));
  const cases: [path: string, code: string, message: RegExp][] = [
    [join(FOLDER, 'nowhere.pcap'), 'missing', /nowhere\.pcap: no such file/],
    [join(FOLDER, 'folder'), 'directory', /folder: is a directory/],
    [fileOf('empty', Buffer.alloc(0)), 'empty', /empty: is empty, 0 bytes/],
    [fileOf('empty.gz', gzipSync('')), 'empty', /is empty/],
    [
      fileOf('x.zip', Buffer.from('504b030414000000', 'hex')),
      'notACapture',
      /starts with 50 4b 03 04 \(a ZIP archive/,
    ],
    [fileOf('x.zst', Buffer.from('28b52ffd00', 'hex')), 'notACapture', /zstd -d.*expected pcap or pcapng/],
    [fileOf('text', Buffer.from('hi')), 'notACapture', /starts with 68 69; expected/],
    [fileOf('twice.gz', gzipSync(gzipSync(MICRO))), 'notACapture', /gzip data: decompress it first/],
    [fileOf('half.pcapng', Buffer.from('0a0d0d0a1c0000000000000000', 'hex')), 'notACapture', /0a 0d 0d 0a/],
    [fileOf('stub.gz', Buffer.from('1f8b08', 'hex')), 'unreadable', /gzip data end early/],
  ];
  for (const [path, code, message] of cases) {
    await assert.rejects(openCapture(path), (error: unknown) => {
      assert.ok(error instanceof CaptureOpenError);
      assert.deepEqual([error.code, error.path], [code, path]);
      assert.match(error.message, message);
      return true;
    });
  }
});

test('says that a permission is missing', () => {
  const denied = Object.assign(new Error('EACCES'), { code: 'EACCES' });
  assert.match(openErrorFrom('x.pcap', denied).message, /^x\.pcap: no permission to read it/);
});

test('a stream that fails leaves the frames before it and its error', async () => {
  async function* failing() {
    yield MICRO.subarray(0, 1000);
    throw new Error('connection lost');
  }
  const source = await openCaptureStream(Readable.from(failing()), 'a pipe');
  assert.deepEqual(await readLines(source), framesWithin(1000));
  assert.match(source.error?.message ?? '', /^connection lost; every packet before offset/);
});

test('lets go of a stream that is not read', async () => {
  const stream = Readable.from([MICRO.subarray(0, 500), MICRO.subarray(500)]);
  const source = await openCaptureStream(stream, 'a pipe');
  source.close();
  assert.equal(stream.destroyed, true);
});
