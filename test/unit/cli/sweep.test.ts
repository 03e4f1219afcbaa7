import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { after, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import type { SweepHeader, SweepLine } from '../../../src/model/sweep/sweep-file.js';
import { repoPath } from '../../repo-root.js';
import { runTare, TARE } from './run-tare.js';

const folder = mkdtempSync(join(tmpdir(), 'tare-sweep-'));
after(() => rmSync(folder, { recursive: true, force: true }));

let count = 0;

function newFile(): string {
  return join(folder, `${count++}.jsonl`);
}

const LAB = ['sweep', 'lab-16mib', '--grid', 'calibration=lab-namespaces'];
const SMALL = [...LAB, '--grid', 'esp=none,aes128gcm16', '--grid', 'mtu=1500,9000'];
/** More than fits any pipe. */
const LONG = [...LAB, '--grid', 'esp=none,aes128-sha256', '--grid', 'rate=0..799', '--workers', '2'];
const LONG_POINTS = 1600;
/** Fewer bytes than a pipe holds, which is much less than all. */
const FIRST_LINES = 10;

function sweep(args: readonly string[]): string {
  const { exitCode, stdout, stderr } = runTare(args);
  assert.equal(exitCode, 0, stderr);
  return stdout;
}

function refused(args: readonly string[], message: RegExp, exitCode = 2): void {
  const result = runTare(args);
  assert.equal(result.exitCode, exitCode, `${args.join(' ')}: ${result.stderr}`);
  assert.match(result.stderr.replace(/\s+/g, ' '), message);
  assert.equal(result.stdout, '');
}

function linesOf(text: string): { header: SweepHeader; points: SweepLine[] } {
  const [header, ...points] = text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as unknown);
  return { header: header as SweepHeader, points: points as SweepLine[] };
}

/** Runs `tare` until the file holds so many lines, and sends it a signal then: before the end, as nobody reads what it prints. */
async function interrupt(args: readonly string[], file: string, lines: number, signal: NodeJS.Signals) {
  const child = spawn(process.execPath, [TARE, ...args, '--json'], { stdio: ['ignore', 'pipe', 'pipe'] });
  const said = text(child.stderr);
  const ended = once(child, 'exit') as Promise<[number | null, NodeJS.Signals | null]>;
  while (child.exitCode === null && countLines(file) < lines) await delay(5);
  child.kill(signal);
  const [, killedBy] = await ended;
  child.stdout.destroy();
  return { killedBy, stderr: await said };
}

function countLines(file: string): number {
  return existsSync(file) ? readFileSync(file, 'latin1').split('\n').length - 1 : 0;
}

test('every point is a run, in the order of the grid', () => {
  const { header, points } = linesOf(sweep([...SMALL, '--json']));
  assert.equal(header.schema, 'tare.sweep/1');
  assert.equal(header.points, 4);
  assert.deepEqual(
    points.map(({ index, settings }) => `${index} ${settings['esp']} ${settings['mtu']}`),
    ['0 none 1500', '1 none 9000', '2 aes128gcm16 1500', '3 aes128gcm16 9000'],
  );
  for (const { run, settings } of points) {
    assert.equal(run?.schema, 'tare.run/1');
    assert.equal(`${run.scenario.network.mtu}`, settings['mtu']);
    assert.ok(run.converged && run.totalTimeMs > 0);
  }
  assert.ok(points[2]!.run!.totalTimeMs > points[0]!.run!.totalTimeMs, 'IPsec costs time');
});

test('the report says what converges, and has a row for each point', () => {
  const text = sweep(SMALL);
  assert.match(text, /^4 points: 4 converge\.\nSoonest: no ESP, mtu 9000, /);
  assert.equal(text.match(/^ {2}(none|aes128gcm16) +(1500|9000) /gm)?.length, 4);
});

for (const level of ['analytic', 'packet']) {
  test(`one worker and three write the same file (${level})`, () => {
    const files = [1, 3].map((workers) => {
      const file = newFile();
      const rates = level === 'analytic' ? 'rate=0..400:4' : 'rate=0,100';
      const loss = level === 'analytic' ? 'loss=0' : 'loss=0,0.1%';
      sweep([
        ...SMALL,
        '--grid',
        rates,
        '--grid',
        loss,
        '--level',
        level,
        '--workers',
        `${workers}`,
        '--out',
        file,
      ]);
      return readFileSync(file, 'utf8');
    });
    assert.ok(countOf(files[0]!) >= 16);
    assert.equal(files[0], files[1]);
  });
}

function countOf(text: string): number {
  return text.split('\n').length - 2;
}

test('a seed changes what is random, and nothing else', () => {
  const args = [...LAB, '--grid', 'loss=1%', '--level', 'packet', '--json'];
  const [first, again, other] = [
    ['--seed', '1'],
    ['--seed', '1'],
    ['--seed', '2'],
  ].map((seed) => linesOf(sweep([...args, ...seed])).points[0]!.run!);
  assert.deepEqual(first, again);
  assert.notEqual(first!.scenario.seed, other!.scenario.seed);
  assert.notEqual(first!.totalTimeMs, other!.totalTimeMs);
});

test('samples give intervals around the first of them', () => {
  const args = [...LAB, '--grid', 'loss=1%', '--level', 'packet', '--samples', '20', '--json'];
  const { totalTimeMs, intervals } = linesOf(sweep(args)).points[0]!.run!;
  assert.equal(intervals?.samples, 20);
  const { low, median, high } = intervals.totalTimeMs;
  assert.ok(low < median && median < high, `${low} ${median} ${high}`);
  assert.ok(totalTimeMs > low / 2 && totalTimeMs < high * 2);
});

test('a sweep that was killed is gone on with to the file of one that was not', async () => {
  const [whole, killed] = [newFile(), newFile()];
  sweep([...LONG, '--out', whole]);
  const { killedBy } = await interrupt([...LONG, '--out', killed], killed, FIRST_LINES, 'SIGKILL');
  assert.equal(killedBy, 'SIGKILL');
  const kept = countLines(killed) - 1;
  assert.ok(kept > 0 && kept < LONG_POINTS, `${kept} points kept`);
  // What a torn line leaves behind.
  truncateSync(killed, statSync(killed).size - 7);
  sweep([...LONG, '--out', killed, '--resume']);
  assert.equal(readFileSync(killed, 'utf8'), readFileSync(whole, 'utf8'));
  const before = readFileSync(killed, 'utf8');
  assert.match(sweep([...LONG, '--out', killed, '--resume']), /^1,600 points: /);
  assert.equal(readFileSync(killed, 'utf8'), before, 'what is whole stays as it is');
});

test('Ctrl-C keeps what is done, says how to go on, and ends as the signal does', async () => {
  const file = newFile();
  const { killedBy, stderr } = await interrupt([...LONG, '--out', file], file, FIRST_LINES, 'SIGINT');
  assert.equal(killedBy, 'SIGINT');
  const [, done] = /stopped after (\d+) of 1600 points; .* keeps them: .*--resume/.exec(stderr) ?? [];
  assert.equal(countLines(file) - 1, Number(done), stderr);
  assert.ok(readFileSync(file, 'utf8').endsWith('\n'));
});

test('another grid is not gone on with, nor are results overwritten', () => {
  const file = newFile();
  sweep([...SMALL, '--out', file]);
  const before = readFileSync(file, 'utf8');
  refused([...SMALL, '--out', file], /is there already: add --resume/);
  refused([...LAB, '--grid', 'mtu=1500', '--out', file, '--resume'], /holds another sweep \(axes /, 3);
  refused(
    [...SMALL, '--seed', '5', '--out', file, '--resume'],
    /scenario, seed, calibration or version differ/,
    3,
  );
  refused([...SMALL, '--level', 'packet', '--out', file, '--resume'], /level analytic there, packet here/, 3);
  assert.equal(readFileSync(file, 'utf8'), before);
});

test('what cannot be is a result with its reason', () => {
  const file = newFile();
  const csv = `${file}.csv`;
  const grid = ['--grid', 'esp=aes128gcm16', '--grid', 'ah=none,sha256', '--grid', 'encap=false,true'];
  const text = sweep([...LAB, ...grid, '--out', file, '--csv', csv]);
  assert.match(text, /^4 points: 3 converge, 1 cannot be\./);
  const { points } = linesOf(readFileSync(file, 'utf8'));
  assert.equal(points[3]!.run, null);
  assert.match(points[3]!.error!, /AH|encap/);
  assert.equal(points.filter(({ error }) => error === null).length, 3);
  assert.match(
    readFileSync(csv, 'utf8').split('\n')[4]!,
    /^3,lab-16mib,lab-namespaces,aes128gcm16,sha256,true,,,/,
  );
});

test('a suite that nobody has measured is told as that', () => {
  const { points } = linesOf(sweep([...LAB, '--grid', 'esp=des-md5', '--json']));
  assert.match(points[0]!.error!, /no costs of ESP des-md5/);
});

test('CSV has a row a point, under the names of the JSON', () => {
  const file = newFile();
  const csv = `${file}.csv`;
  sweep([...SMALL, '--csv', csv, '--out', file]);
  const [header, ...rows] = readFileSync(csv, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => line.split(','));
  const { points } = linesOf(readFileSync(file, 'utf8'));
  assert.equal(rows.length, 4);
  rows.forEach((row, i) => {
    const cell = (name: string) => row[header!.indexOf(name)];
    assert.equal(cell('mtu'), points[i]!.settings['mtu']);
    assert.equal(Number(cell('totalTimeMs')), points[i]!.run!.totalTimeMs);
    assert.equal(Number(cell('wireBytes')), points[i]!.run!.wire.bytes);
    assert.equal(cell('limitedBy'), points[i]!.run!.limitedBy);
  });
  const whole = readFileSync(csv, 'utf8');
  truncateSync(file, statSync(file).size - 1);
  sweep([...SMALL, '--csv', csv, '--out', file, '--resume']);
  assert.equal(readFileSync(csv, 'utf8'), whole, 'points done before are in it too');
});

test('several scenarios are swept one after the other, from files too', () => {
  const path = join(folder, 'mine.yaml');
  writeFileSync(path, 'extends: lab-16mib\nname: mine\nhosts: { calibration: lab-namespaces }\n');
  const text = sweep(['sweep', path, 'lab-16mib', '--grid', 'calibration=lab-namespaces']);
  assert.match(text, /^ {2}mine +lab-namespaces /m);
  assert.match(text, /^ {2}lab-16mib +lab-namespaces /m);
  refused(['sweep', path, path], /two scenarios are called mine/);
});

test('HTML is one file, and pictures fill a folder', () => {
  const [html, png] = [join(folder, 'sweep.html'), join(folder, 'deep', 'png')];
  sweep([...SMALL, '--grid', 'rate=0,100,200', '--html', html, '--png', png]);
  assert.match(readFileSync(html, 'utf8'), /^<!doctype html>[\s\S]*12 points: 12 converge/);
  const pictures = readdirSync(png).sort();
  assert.ok(
    pictures.includes('convergence-1.png') && pictures.includes('total-time-over-mtu.png'),
    `${pictures}`,
  );
  for (const name of pictures)
    assert.equal(readFileSync(join(png, name)).subarray(1, 4).toString(), 'PNG', name);
});

test('wrong usage names what is wrong and what is allowed', () => {
  refused(['sweep', 'lab-16mib'], /nothing to vary: give --grid NAME=VALUES/);
  refused(['sweep', 'lab-16mib', '--grid', 'mtuu=1500'], /--grid: there is no "mtuu": did you mean mtu\?/);
  refused(['sweep', 'lab-16mib', '--grid', 'mtu='], /--grid: mtu: there is an empty value/);
  refused(['sweep', 'lab-16mib', '--grid', 'mtu=1500,90000'], /--grid: mtu=90000: .*65535/);
  refused(['sweep', 'lab-16mib', '--grid', 'mtu=1500', '--grid', 'mtu=9000'], /mtu and mtu set the same/);
  refused(
    ['sweep', 'lab-16mb', '--grid', 'mtu=1500'],
    /there is no scenario "lab-16mb": did you mean lab-16mib/,
  );
  refused(['sweep', 'nowhere.yaml', '--grid', 'mtu=1500'], /cannot read the scenario nowhere\.yaml/, 3);
  refused([...SMALL, '--resume'], /--resume goes on with a file of results: name it with --out/);
  refused([...SMALL, '--samples', '0'], /give a number from 1 to 999999/);
  refused([...SMALL, '--seed', 'x'], /--seed: /);
});

test('outputs that cannot be written are told before anything is calculated', () => {
  refused([...LONG, '--out', '/nonexistent/x.jsonl'], /cannot write \/nonexistent\/x\.jsonl/, 4);
  refused([...LONG, '--csv', '/nonexistent/x.csv'], /cannot write \/nonexistent\/x\.csv/, 4);
  const taken = join(folder, 'taken');
  mkdirSync(taken);
  refused([...LONG, '--out', taken], /cannot write .*taken/, 4);
  const same = newFile();
  writeFileSync(same, '');
  refused([...LONG, '--out', same, '--csv', same], /--csv .*: is an input too|name another file/);
});

test('a file that may only be read is not written', {
  skip: process.getuid?.() === 0 && 'root may write anything',
}, () => {
  const file = newFile();
  writeFileSync(file, '');
  chmodSync(file, 0o444);
  refused([...SMALL, '--out', file], /cannot write/, 4);
});

test('a disk that is full is told, with what to do', {
  skip: !existsSync('/dev/full') && 'no /dev/full here',
}, () => {
  refused([...SMALL, '--csv', '/dev/full'], /cannot write \/dev\/full: no space left on device/, 4);
  refused([...SMALL, '--out', '/dev/full'], /cannot write \/dev\/full: no space left on device/, 4);
});

test('a reader that closes the pipe early is no failure', async () => {
  const child = spawn(process.execPath, [TARE, ...LONG, '--json'], { stdio: ['ignore', 'pipe', 'pipe'] });
  const ended = once(child, 'close');
  await once(child.stdout, 'data');
  child.stdout.destroy();
  const [exitCode] = (await ended) as [number | null];
  assert.equal(exitCode, 0);
});

test('help fits 80 columns and shows examples', () => {
  const text = sweep(['sweep', '--help']);
  assert.match(text, /Examples:\n {2}\$ tare sweep /);
  for (const line of text.split('\n')) assert.ok(line.length <= 80, line);
});

test('the file and the CSV have what docs/FORMATS.md lists, in that order', () => {
  const section = /^## Sweeps: `tare\.sweep\/1`$([\s\S]*?)^## /m.exec(
    readFileSync(repoPath('docs/FORMATS.md'), 'utf8'),
  )![1]!;
  const listed = (text: string) => [...text.matchAll(/^\| `(\w+)` \|/gm)].map(([, name]) => name!);
  const [headerPart, linePart] = section.split('Then a line for each point') as [string, string];
  const csv = newFile();
  const { header, points } = linesOf(sweep([...SMALL, '--json', '--csv', csv]));
  assert.deepEqual(Object.keys(header), listed(headerPart));
  assert.deepEqual(Object.keys(points[0]!), listed(linePart));
  const columns = [...section.split('**`--csv`**')[1]!.matchAll(/`(\w+)`/g)].map(([, name]) => name!);
  const written = readFileSync(csv, 'utf8').split('\n')[0]!.split(',');
  assert.deepEqual(
    written.filter((name) => !Object.keys(points[0]!.settings).includes(name)),
    columns,
  );
});
