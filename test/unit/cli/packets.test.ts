import assert from 'node:assert/strict';
import { chmodSync, copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { repoPath } from '../../repo-root.js';
import { requireTool, runTool } from '../../tool.js';
import { runTare, withFolder } from './run-tare.js';

const GCM = repoPath('captures/ipsec/t4-gcm16.pcap');
const GCM_KEYS = repoPath('captures/ipsec/t4-gcm16.xfrm');
const LAYERS = 'link ip udp ah esp iv pad trl icv inner l4 payload other closed frag'.split(' ');

type Row = Readonly<Record<string, string>>;

function parseCsv(text: string): Row[] {
  const [header = '', ...lines] = text.trimEnd().split('\n');
  const names = header.split(',');
  return lines.map((line) => Object.fromEntries(line.split(',').map((cell, i) => [names[i]!, cell])));
}

function csvRows(args: readonly string[]): Row[] {
  const { exitCode, stdout } = runTare(['packets', '--csv', ...args]);
  assert.equal(exitCode, 0);
  return parseCsv(stdout);
}

const CAPTURES = ['t4-ah-esp-cbc-sha1', 't4-chacha', 't6-ah-esp', 'tun4-natt-cbc-sha256'];

for (const name of CAPTURES) {
  test(`lists ${name} as tshark does`, (t) => {
    if (!requireTool(t, 'tshark')) return;
    const path = repoPath(`captures/ipsec/${name}.pcap`);
    const fields = ['frame.number', 'frame.time_epoch', 'frame.len', 'frame.cap_len', 'ip.src', 'ipv6.src'];
    const { stdout } = runTool('tshark', [
      ...['-r', path, '-T', 'fields', '-E', 'separator=,', '-E', 'occurrence=f'],
      ...fields.flatMap((field) => ['-e', field]),
    ]);
    const rows = csvRows([path]);
    const listed = rows.map((row) => [
      row['number'],
      row['epoch'],
      row['length'],
      row['captured'],
      row['source'],
    ]);
    const expected = stdout
      .trimEnd()
      .split('\n')
      .map((line) => line.split(','))
      .map(([number, epoch, length, captured, ip, ipv6]) => [
        number,
        epoch,
        length,
        captured,
        ip || ipv6 || '',
      ]);
    assert.deepEqual(listed, expected);
  });
}

test('SPI and sequence numbers are those tshark reads', (t) => {
  if (!requireTool(t, 'tshark')) return;
  const args = ['-r', GCM, '-Y', 'esp', '-T', 'fields', '-E', 'separator=,'];
  const { stdout } = runTool('tshark', [
    ...args,
    '-e',
    'frame.number',
    '-e',
    'esp.spi',
    '-e',
    'esp.sequence',
  ]);
  const fragments = csvRows([GCM]).filter((row) => row['spi'] !== '');
  const listed = new Map(fragments.map((row) => [row['number'], `${row['spi']},${row['sequence']}`]));
  const expected = stdout.trimEnd().split('\n');
  // tshark puts fragments together and shows ESP at the last one; those frames hold no ESP header of their own.
  const comparable = expected.filter((line) => listed.has(line.split(',')[0]));
  assert.ok(comparable.length > 300, `${comparable.length} packets`);
  for (const line of comparable) {
    const [number, spi, sequence] = line.split(',');
    assert.equal(listed.get(number), `${spi},${sequence}`);
  }
});

test('the bytes of the layers add up to the length on the wire', () => {
  for (const args of [[GCM], [GCM, '--keys', GCM_KEYS], [GCM, '--esp', 'aes128gcm16']]) {
    for (const row of csvRows(args)) {
      const sum = LAYERS.reduce((total, layer) => total + Number(row[layer]), 0);
      assert.equal(sum, Number(row['length']), `packet ${row['number']}`);
    }
  }
});

test('with keys ESP is opened and its ICV checked', () => {
  const rows = csvRows([GCM, '--keys', GCM_KEYS]).filter((row) => row['spi'] !== '');
  assert.ok(rows.length > 300);
  for (const row of rows) {
    assert.equal(row['flags'], 'icv-ok');
    assert.deepEqual([row['iv'], row['trl'], row['icv'], row['closed']], ['8', '2', '16', '0']);
  }
});

test('an assumed suite takes IV, trailer and ICV out of what is closed', () => {
  const row = csvRows([GCM, '--esp', 'aes128gcm16', '--range', '5'])[0]!;
  assert.deepEqual([row['iv'], row['trl'], row['icv'], row['closed']], ['8', '2', '16', '66']);
});

test('NDJSON says the same as CSV', () => {
  const { exitCode, stdout } = runTare(['packets', '--ndjson', GCM, '--keys', GCM_KEYS]);
  assert.equal(exitCode, 0);
  const rows = csvRows([GCM, '--keys', GCM_KEYS]);
  const objects = stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  assert.equal(objects.length, rows.length);
  for (const [i, row] of rows.entries()) {
    const object = objects[i];
    assert.equal(String(object.number), row['number']);
    assert.equal(object.source ?? '', row['source']);
    assert.equal(object.what, row['what']);
    assert.deepEqual(
      LAYERS.map((layer) => String(object.bytes[layer])),
      LAYERS.map((layer) => row[layer]),
    );
    assert.equal(object.security.map(({ spi }: { spi: string }) => spi).join(' '), row['spi']);
    assert.equal(object.flags.join(' '), row['flags']);
  }
});

test('a range lists these packets, with times from the beginning of the capture', () => {
  const all = csvRows([GCM]);
  assert.deepEqual(csvRows([GCM, '--range', '10-12']), all.slice(9, 12));
  assert.deepEqual(csvRows([GCM, '--range', '7']), all.slice(6, 7));
  assert.deepEqual(csvRows([GCM, '--range', `${all.length - 1}-`]), all.slice(-2));
  assert.deepEqual(csvRows([GCM, '--range', '-2']), all.slice(0, 2));
  assert.deepEqual(csvRows([GCM, '--range', '999999-']), []);
});

test('stdin and gzip give the same as the file', () => {
  const fromFile = runTare(['packets', GCM]).stdout;
  const bytes = readFileSync(GCM);
  assert.equal(runTare(['packets', '-'], { input: bytes }).stdout, fromFile);
  assert.equal(runTare(['packets', '-'], { input: gzipSync(bytes) }).stdout, fromFile);
});

test('fragments show their place in the datagram', () => {
  const fragments = csvRows([GCM]).filter((row) => row['what']!.includes('fragment'));
  assert.ok(fragments.length > 0);
  for (const row of fragments) assert.match(row['what']!, /^IPv4 fragment \d+@\d+ id 0x[0-9a-f]{4}$/);
});

test('a missing, an empty and a foreign file end with 3 and say why', () => {
  withFolder((folder) => {
    const empty = join(folder, 'empty.pcap');
    const foreign = join(folder, 'foreign.pcap');
    writeFileSync(empty, '');
    writeFileSync(foreign, 'this is not a capture at all, whatever its name says');
    for (const path of [join(folder, 'missing.pcap'), empty, foreign, folder]) {
      const { exitCode, stdout, stderr } = runTare(['packets', path]);
      assert.equal(exitCode, 3, path);
      assert.equal(stdout, '');
      assert.ok(stderr.startsWith(`tare: ${path}: `), stderr);
    }
  });
});

test('of a file cut short all good packets are listed, then 3', () => {
  withFolder((folder) => {
    const path = join(folder, 'cut.pcap');
    const bytes = readFileSync(GCM);
    writeFileSync(path, bytes.subarray(0, bytes.length - 10));
    const { exitCode, stdout, stderr } = runTare(['packets', '--csv', path]);
    assert.equal(exitCode, 3);
    assert.equal(parseCsv(stdout).length, csvRows([GCM]).length - 1);
    assert.match(stderr, /offset \d+/);
  });
});

test('keys that everybody can read are worth a caution, and never shown', () => {
  withFolder((folder) => {
    const keys = join(folder, 'sa.xfrm');
    copyFileSync(GCM_KEYS, keys);
    chmodSync(keys, 0o644);
    const open = runTare(['packets', GCM, '--keys', keys]);
    assert.equal(open.exitCode, 0);
    assert.match(open.stderr, /caution: .*everybody on this machine can read these keys/);
    chmodSync(keys, 0o600);
    const closed = runTare(['packets', GCM, '--keys', keys]);
    assert.equal(closed.stderr, '');
    for (const { stdout, stderr } of [open, closed]) assert.doesNotMatch(stdout + stderr, /0001020304/);
  });
});

test('unusable key files end with 3', () => {
  for (const path of [repoPath('package.json'), '/nonexistent/keys', repoPath('captures')]) {
    const { exitCode, stdout, stderr } = runTare(['packets', GCM, '--keys', path]);
    assert.equal(exitCode, 3, path);
    assert.equal(stdout, '');
    assert.ok(stderr.includes(path), stderr);
  }
});

test('the help names the default range in words', () => {
  const { stdout } = runTare(['packets', '--help']);
  assert.match(stdout, /--range <packets>[^-]*100-200, 100- or 7 \(default:\s+all\)/);
});
