import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import {
  headerLine,
  SweepFile,
  SweepFileError,
  type SweepHeader,
} from '../../../../src/model/sweep/sweep-file.js';
import { sampleRun } from '../../report/sample-run.js';

const folder = mkdtempSync(join(tmpdir(), 'tare-sweep-'));
after(() => rmSync(folder, { recursive: true, force: true }));

const HEADER: SweepHeader = {
  schema: 'tare.sweep/1',
  hash: 'abc',
  level: 'analytic',
  samples: 1,
  scenarios: ['sample'],
  axes: [{ name: 'mtu', values: ['1500', '9000', '576'] }],
  points: 3,
};
const LINES = ['1500', '9000', '576'].map((mtu, index) => {
  const isImpossible = mtu === '576';
  const line = {
    index,
    scenario: 'sample – 日本',
    settings: { mtu },
    run: isImpossible ? null : sampleRun(),
    error: isImpossible ? 'no room' : null,
  };
  return `${JSON.stringify(line)}\n`;
});
const WHOLE = headerLine(HEADER) + LINES.join('');

let count = 0;

function fileOf(text: string): string {
  const path = join(folder, `${count++}.jsonl`);
  writeFileSync(path, text);
  return path;
}

function refused(path: string, resume: boolean, message: RegExp): void {
  const before = readFileSync(path, 'utf8');
  assert.throws(
    () => new SweepFile(path, HEADER, { resume }),
    (error) => error instanceof SweepFileError && message.test(error.message),
  );
  assert.equal(readFileSync(path, 'utf8'), before, 'nothing may be lost');
}

test('a file cut anywhere is gone on with to the same whole', () => {
  const bytes = Buffer.from(WHOLE);
  const ends = [headerLine(HEADER), ...LINES].map((_, i) =>
    Buffer.byteLength([headerLine(HEADER), ...LINES].slice(0, i + 1).join('')),
  );
  const cuts = new Set([0, 1, 50, bytes.length, ...ends.flatMap((end) => [end - 1, end, end + 1, end + 20])]);
  for (const cut of [...cuts].filter((at) => at <= bytes.length)) {
    const path = fileOf(WHOLE);
    truncateSync(path, cut);
    const file = new SweepFile(path, HEADER, { resume: true });
    assert.equal(file.rows.length, Math.max(0, ends.filter((end) => end <= cut).length - 1), `cut at ${cut}`);
    file.append(LINES.slice(file.rows.length).join(''));
    file.close();
    assert.equal(readFileSync(path, 'utf8'), WHOLE, `cut at ${cut}`);
  }
});

test('what is read back has the figures that were written', () => {
  const file = new SweepFile(fileOf(WHOLE), HEADER, { resume: true });
  file.close();
  assert.deepEqual(
    file.rows.map(({ index, settings, error, figures }) => [
      index,
      settings['mtu'],
      error,
      figures?.totalTimeMs,
    ]),
    [
      [0, '1500', null, sampleRun().totalTimeMs],
      [1, '9000', null, sampleRun().totalTimeMs],
      [2, '576', 'no room', undefined],
    ],
  );
});

test('lines longer than a chunk of reading are read whole', () => {
  const long = { ...JSON.parse(LINES[2]!), error: 'é'.repeat(2 << 20) };
  const text = headerLine(HEADER) + LINES.slice(0, 2).join('') + [JSON.stringify(long), ''].join('\n');
  const file = new SweepFile(fileOf(text), HEADER, { resume: true });
  file.close();
  assert.equal(file.rows[2]!.error?.length, 2 << 20);
});

test('to resume what is not there yet is to begin', () => {
  const path = join(folder, 'new.jsonl');
  const file = new SweepFile(path, HEADER, { resume: true });
  file.append(LINES[0]!);
  file.close();
  assert.equal(readFileSync(path, 'utf8'), headerLine(HEADER) + LINES[0]);
});

test('results that are there are not overwritten unasked', () => {
  refused(fileOf(WHOLE), false, /is there already: add --resume/);
  const empty = fileOf('');
  new SweepFile(empty, HEADER, { resume: false }).close();
  assert.equal(readFileSync(empty, 'utf8'), headerLine(HEADER));
});

test('another sweep is not gone on with, and what differs is said', () => {
  const other = {
    ...HEADER,
    hash: 'def',
    axes: [{ name: 'mtu', values: ['1500'] }],
    level: 'packet' as const,
  };
  refused(
    fileOf(headerLine(other)),
    true,
    /another sweep \(axes mtu=1 there, mtu=3 here; level packet there, analytic here\)/,
  );
  refused(
    fileOf(headerLine({ ...HEADER, hash: 'def' })),
    true,
    /scenario, seed, calibration or version differ/,
  );
});

test('a file that is no sweep is left alone', () => {
  refused(fileOf('name,mtu\nx,1500\n'), true, /holds no results of a sweep/);
  refused(fileOf('no line feed'), true, /holds no results of a sweep/);
  refused(fileOf('{"schema":"tare.run/1"}\n'), true, /holds no results of a sweep/);
});

test('a line that was changed is found', () => {
  refused(fileOf(headerLine(HEADER) + LINES[1]!), true, /line 2 is not that of point 0/);
  refused(fileOf(`${headerLine(HEADER)}${LINES[0]!}{"index":1}\n`), true, /line 3 is not that of point 1/);
  refused(fileOf(`${headerLine(HEADER)}${LINES[0]!}garbage\n`), true, /line 3/);
  refused(fileOf(WHOLE + LINES[2]!.replace('"index":2', '"index":3')), true, /line 5 is not that of point 3/);
});

test('devices are written to and not resumed', () => {
  const file = new SweepFile('/dev/null', HEADER, { resume: false });
  file.append(LINES[0]!);
  file.close();
  assert.throws(() => new SweepFile('/dev/null', HEADER, { resume: true }), /no regular file/);
  assert.ok(statSync('/dev/null').isCharacterDevice());
});
