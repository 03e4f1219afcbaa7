import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, copyFileSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import type { AnalysisSummary } from '../../../src/analysis/analysis-summary.js';
import { repoPath } from '../../repo-root.js';
import { requireTool, runTool } from '../../tool.js';
import { runTare, TARE, withFolder } from './run-tare.js';

const CAPTURE = repoPath('captures/ipsec/t4-ah-esp-cbc-sha1.pcap');
const KEYS = repoPath('captures/ipsec/t4-ah-esp-cbc-sha1.xfrm');
const CLEAR = repoPath('captures/migration/ms-clear-1500.pcap.gz');

function analyze(args: readonly string[]): AnalysisSummary {
  const { exitCode, stdout } = runTare(['analyze', '--json', ...args]);
  assert.equal(exitCode, 0);
  return JSON.parse(stdout) as AnalysisSummary;
}

test('a capture is reported on in words', () => {
  const { exitCode, stdout, stderr } = runTare(['analyze', CAPTURE]);
  assert.equal(exitCode, 0);
  assert.equal(stderr, '');
  assert.match(stdout, /in ESP/);
  assert.match(stdout, /where the bytes went/);
  assert.ok(!stdout.includes('\u001b'));
});

test('colour is written when it is asked for', () => {
  const { stdout } = runTare(['analyze', CAPTURE], { env: { FORCE_COLOR: '1' } });
  assert.ok(stdout.includes('\u001b['));
});

test('JSON has the fields that docs/FORMATS.md lists, in that order', () => {
  const documented = readFileSync(repoPath('docs/FORMATS.md'), 'utf8')
    .split('## `tare analyze --json`')[1]!
    .split('### inputs')[0]!
    .matchAll(/^\| `(\w+)` \|/gm);
  const fields = [...documented].map((match) => match[1]);
  const summary = analyze([CAPTURE]);
  assert.equal(summary.schema, 'tare.analysis/1');
  assert.deepEqual(Object.keys(summary), fields);
});

test('JSON of a migration has the fields that docs/FORMATS.md lists', () => {
  const section = readFileSync(repoPath('docs/FORMATS.md'), 'utf8')
    .split('### migrations')[1]!
    .split('### errors')[0]!;
  const [migration] = analyze([CLEAR]).migrations;
  const rows = [...section.matchAll(/^\| ((?:`\w+`(?:, )?)+) \|/gm)].flatMap(([, names]) =>
    [...names!.matchAll(/\w+/g)].map(([name]) => name),
  );
  assert.deepEqual(rows.toSorted(), Object.keys(migration!).toSorted());
  for (const list of ['connections', 'iterations'] as const) {
    const [, names] = new RegExp(`\`${list}\`: \`\\{([^}]*)\\}`).exec(section)!;
    assert.deepEqual(names!.split(/,\s+/).toSorted(), Object.keys(migration![list][0]!).toSorted(), list);
  }
});

test('what is no port is refused', () => {
  for (const port of ['0', '65536', 'x', '-1', '1.5']) {
    const { exitCode, stderr } = runTare(['analyze', CLEAR, `--migration-port=${port}`]);
    assert.equal(exitCode, 2, port);
    assert.match(stderr, /1 to 65535/);
  }
});

test('the JSON of one capture is the same byte for byte, however it is read', () => {
  const once = runTare(['analyze', '--json', CLEAR, '--workers', '1']).stdout;
  assert.equal(runTare(['analyze', '--json', CLEAR, '--workers', '2']).stdout, once);
  const piped = runTare(['analyze', '--json', '-'], { input: readFileSync(CLEAR) }).stdout;
  assert.equal(piped, once.replaceAll(JSON.stringify(CLEAR), '"-"'));
});

test('frames are as many as capinfos counts', (t) => {
  if (!requireTool(t, 'capinfos')) return;
  const { stdout } = runTool('capinfos', ['-T', '-r', '-M', '-c', CAPTURE]);
  const frames = Number(stdout.trim().split('\t')[1]);
  assert.equal(analyze([CAPTURE]).frames.total, frames);
});

test('the layers add up to the bytes on the wire, with and without keys', () => {
  for (const args of [
    [CAPTURE],
    [CAPTURE, '--keys', KEYS],
    [CAPTURE, '--esp', 'aes128-sha1', '--ah', 'sha1'],
  ]) {
    const summary = analyze(args);
    const sum = Object.values(summary.bytes).reduce((total, { bytes }) => total + bytes, 0);
    assert.equal(sum, summary.wire.bytes);
  }
});

test('the wire is what tare packets lists, without copies and super-frames', () => {
  const capture = repoPath('captures/ipsec/tun4-natt-cbc-sha256.pcap');
  for (const keys of [[], ['--keys', repoPath('captures/ipsec/tun4-natt-cbc-sha256.xfrm')]]) {
    const { wire, frames } = analyze([capture, ...keys]);
    const lines = runTare(['packets', '--ndjson', capture, ...keys])
      .stdout.trimEnd()
      .split('\n');
    const packets = lines.map((line) => JSON.parse(line) as { length: number; flags: string[] });
    const sent = packets.filter(({ flags }) => !flags.includes('copy') && !flags.includes('super'));
    assert.equal(sent.length, wire.packets);
    assert.equal(
      sent.reduce((sum, { length }) => sum + length, 0),
      wire.bytes,
    );
    assert.equal(packets.filter(({ flags }) => flags.includes('copy')).length, frames.decapsulatedCopies);
  }
});

test('malformed packets are called the same by tare packets', () => {
  const capture = repoPath('captures/hostile/ah-length.pcap');
  const examples = analyze([capture]).errors.flatMap((error) => error.examples);
  assert.ok(examples.length > 2);
  for (const { packet, message } of examples) {
    const { stdout } = runTare(['packets', '--ndjson', capture, '--range', `${packet}`]);
    const { error, flags } = JSON.parse(stdout) as { error: string; flags: string[] };
    assert.equal(error, message);
    assert.ok(flags.includes('malformed'));
  }
});

test('of several files the good ones are analysed, the missing one is named, then 3', () => {
  const { exitCode, stdout, stderr } = runTare(['analyze', '--json', CAPTURE, '/nonexistent.pcap', CLEAR]);
  assert.equal(exitCode, 3);
  const summary = JSON.parse(stdout) as AnalysisSummary;
  assert.deepEqual(
    summary.inputs.map(({ error }) => error === null),
    [true, false, true],
  );
  assert.equal(
    summary.frames.total,
    summary.inputs.reduce((sum, { frames }) => sum + frames, 0),
  );
  assert.equal(stderr, 'tare: /nonexistent.pcap: no such file: check the path\n');
});

test('empty and foreign files end with 3 and a report that has nothing of them', () => {
  withFolder((folder) => {
    const empty = join(folder, 'empty.pcap');
    writeFileSync(empty, '');
    for (const path of [empty, folder, repoPath('package.json')]) {
      const { exitCode, stdout, stderr } = runTare(['analyze', path]);
      assert.equal(exitCode, 3, path);
      assert.match(stdout, /^Nothing could be read/);
      assert.ok(stderr.startsWith(`tare: ${path}: `), stderr);
    }
  });
});

test('a line feed in a file name cannot make up a message', () => {
  const { stdout, stderr } = runTare(['analyze', '/missing\ntare: all is well']);
  assert.doesNotMatch(stderr, /^tare: all is well/m);
  assert.doesNotMatch(stdout, /^tare: all is well/m);
});

test('keys of which none can be used are unusable input', () => {
  withFolder((folder) => {
    const keys = join(folder, 'bad.xfrm');
    writeFileSync(keys, 'src 10.9.0.1 dst 10.9.0.2\n\tproto esp spi 0x00000100 reqid 1 mode transport\n');
    const { exitCode, stderr } = runTare(['analyze', CLEAR, '--keys', keys]);
    assert.equal(exitCode, 3);
    assert.match(stderr, /bad\.xfrm/);
  });
});

test('of a file cut short the good part is reported, then 3', () => {
  withFolder((folder) => {
    const path = join(folder, 'cut.pcap');
    const bytes = gunzipSync(readFileSync(CLEAR));
    writeFileSync(path, bytes.subarray(0, 1_000_000));
    const { exitCode, stdout, stderr } = runTare(['analyze', '--json', path]);
    assert.equal(exitCode, 3);
    const { frames, inputs } = JSON.parse(stdout) as AnalysisSummary;
    assert.ok(frames.total > 500);
    assert.ok(inputs[0]!.error!.offset > 990_000);
    assert.match(stderr, /^tare: .*cut\.pcap.*\n$/);
  });
});

test('a file name cannot steer the terminal', () => {
  withFolder((folder) => {
    const path = join(folder, 'a\u001b[2J\u202e.pcap');
    writeFileSync(path, '');
    for (const args of [
      ['analyze', path],
      ['analyze', '--json', path],
      ['packets', path],
    ]) {
      const { stdout, stderr } = runTare(args);
      assert.doesNotMatch((stdout + stderr).replaceAll('\n', ''), /\p{C}/u);
    }
  });
});

test('no key is printed, whatever is asked for', () => {
  const outputs = [
    runTare(['analyze', CAPTURE, '--keys', KEYS]),
    runTare(['analyze', CAPTURE, '--keys', KEYS, '--json']),
    runTare(['analyze', CAPTURE, '--keys', KEYS, KEYS]),
    runTare(['analyze', KEYS]),
  ];
  for (const { stdout, stderr } of outputs) assert.doesNotMatch(stdout + stderr, /0001020304|00 ?01 ?02 ?03/);
});

test('keys may come through stdin', () => {
  const { exitCode, stdout, stderr } = runTare(['analyze', '--json', CAPTURE, '--keys', '-'], {
    input: readFileSync(KEYS),
  });
  assert.equal(exitCode, 0);
  assert.equal(stderr, '');
  const { securityAssociations } = JSON.parse(stdout) as AnalysisSummary;
  assert.ok(securityAssociations.every(({ integrity }) => integrity.verified > 0));
});

test('--write-esp-sa writes what Wireshark decrypts with, for the owner alone', (t) => {
  if (!requireTool(t, 'tshark')) return;
  withFolder((folder) => {
    const path = join(folder, 'esp_sa');
    const { exitCode } = runTare(['analyze', CAPTURE, '--keys', KEYS, '--write-esp-sa', path]);
    assert.equal(exitCode, 0);
    assert.equal(statSync(path).mode & 0o777, 0o600);
    const entries = readFileSync(path, 'utf8')
      .split('\n')
      .filter((line) => line.startsWith('"'));
    const options = entries.flatMap((entry) => ['-o', `uat:esp_sa:${entry}`]);
    const { stdout } = runTool('tshark', [
      ...['-r', CAPTURE, '-o', 'esp.enable_encryption_decode:TRUE', ...options],
      ...['-Y', 'esp && tcp', '-T', 'fields', '-e', 'tcp.srcport'],
    ]);
    assert.ok(stdout.trimEnd().split('\n').length > 300);
  });
});

test('--write-decrypted writes clear packets, for the owner alone', (t) => {
  if (!requireTool(t, 'tshark')) return;
  withFolder((folder) => {
    const path = join(folder, 'clear.pcapng');
    const { exitCode } = runTare(['analyze', CAPTURE, '--keys', KEYS, '--write-decrypted', path]);
    assert.equal(exitCode, 0);
    assert.equal(statSync(path).mode & 0o777, 0o600);
    assert.deepEqual(readdirSync(folder), ['clear.pcapng']);
    const { stdout } = runTool('tshark', [
      '-r',
      path,
      '-Y',
      'tcp && !esp',
      '-T',
      'fields',
      '-e',
      'frame.len',
    ]);
    assert.ok(stdout.trimEnd().split('\n').length > 300);
  });
});

test('an output that is an input, or cannot be written, is refused', () => {
  withFolder((folder) => {
    const keys = join(folder, 'sa');
    copyFileSync(KEYS, keys);
    chmodSync(keys, 0o600);
    const before = readFileSync(keys);
    const same = runTare(['analyze', CAPTURE, '--keys', keys, '--write-esp-sa', keys]);
    assert.equal(same.exitCode, 2);
    assert.deepEqual(readFileSync(keys), before);
    const missing = join(folder, 'no', 'such', 'folder');
    for (const option of ['--write-esp-sa', '--write-decrypted']) {
      const { exitCode, stderr } = runTare(['analyze', CAPTURE, '--keys', keys, option, missing]);
      assert.equal(exitCode, 4);
      assert.match(stderr, /cannot write .*no\/such\/folder/);
    }
  });
});

test('Ctrl-C ends it, which a shell shows as 130', async () => {
  const script = '"$@"; echo "ended $?" >&2';
  const child = spawn(
    'bash',
    ['-c', `trap : INT; ${script}`, 'bash', process.execPath, TARE, 'packets', '-'],
    {
      stdio: ['pipe', 'pipe', 'pipe'],
      detached: true,
    },
  );
  const exited = once(child, 'exit');
  // What is still on its way into the pipe when the reader ends fails with EPIPE.
  child.stdin.on('error', () => {});
  // stdin stays open: more packets may come.
  child.stdin.write(readFileSync(CAPTURE));
  await once(child.stdout, 'data');
  child.stdout.resume();
  // To the whole process group, as a terminal does.
  process.kill(-child.pid!, 'SIGINT');
  assert.match(await text(child.stderr), /ended 130/);
  await exited;
});
