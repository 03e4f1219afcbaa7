import assert from 'node:assert/strict';
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { aesScheduleAt } from '../../../src/exposure/aes-schedule.js';
import { type FoundMaterial, findKeyMaterial } from '../../../src/exposure/key-material.js';
import { pageKind } from '../../../src/exposure/page-kind.js';
import { forEachRun } from '../../../src/exposure/printable-runs.js';
import { StringSample } from '../../../src/exposure/string-sample.js';
import { findTool, requireTool, runTool } from '../../tool.js';

/** FIPS 197, appendix A.1: expansion of a 128-bit key, words 0 to 43. */
const SCHEDULE_128 =
  '2b7e151628aed2a6abf7158809cf4f3ca0fafe1788542cb123a339392a6c7605f2c295f27a96b9435935807a7359f67f3d80477d4716fe3e1e237e446d7a883b' +
  'ef44a541a8525b7fb671253bdb0bad00d4d1c6f87c839d87caf2b8bc11f915bc6d88a37a110b3efddbf98641ca0093fd4e54f70e5f5fc9f384a64fb24ea6dc4f' +
  'ead27321b58dbad2312bf5607f8d292fac7766f319fadc2128d12941575c006ed014f9a8c9ee2589e13f0cc8b6630ca6';
/** Appendix A.3: of a 256-bit key, words 0 to 59. */
const SCHEDULE_256 =
  '603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff49ba354118e6925afa51a8b5f2067fcdea8b09c1a93d194cdbe49846eb75d5b9a' +
  'd59aecb85bf3c917fee94248de8ebe96b5a9328a2678a647983122292f6c79b3812c81addadf48ba24360af2fab8b46498c5bfc9bebd198e268c3ba709e04214' +
  '68007bacb2df331696e939e46c518d80c814e20476a9fb8a5025c02d59c58239de1369676ccc5a71fa2563959674ee155886ca5d2e2f31d77e0af1fa27cf73c3' +
  '749c47ab18501ddae2757e4f7401905acafaaae3e4d59b349adf6acebd10190dfe4890d1e6188d0b046df344706c631e';

function found(data: Buffer): Pick<FoundMaterial, 'id' | 'text'>[] {
  const all: Pick<FoundMaterial, 'id' | 'text'>[] = [];
  findKeyMaterial(data, 0, data.length, data.length, 0, ({ id, text }) => all.push({ id, text }));
  return all;
}

test('the key schedules of FIPS 197 are found where they lie, and one changed bit hides them', () => {
  for (const [hex, bits] of [
    [SCHEDULE_128, 128],
    [SCHEDULE_256, 256],
  ] as const) {
    const data = Buffer.concat([randomBytes(64), Buffer.from(hex, 'hex'), randomBytes(128)]);
    assert.equal(aesScheduleAt(data, 64), bits);
    assert.deepEqual(found(data), [{ id: 'aesKeySchedule', text: hex.slice(0, bits / 4) }]);
    for (const at of [64, 64 + bits / 8, 63 + hex.length / 2]) {
      data[at]! ^= 1;
      assert.deepEqual(found(data), []);
      data[at]! ^= 1;
    }
  }
});

test('a file begins with its page, whatever letters the page before ends with', () => {
  const line = `root:$6$salt$${'a1./'.repeat(20)}:19000:0:99999:7:::`;
  const page = Buffer.alloc(4096, 'x');
  const data = Buffer.concat([page, Buffer.from(line), page, Buffer.from(line)]);
  const at: number[] = [];
  findKeyMaterial(data, 0, data.length, data.length, 8192, (material) => at.push(material.at));
  assert.deepEqual(at, [4096]);
  findKeyMaterial(data, 0, data.length, data.length, 100, (material) => at.push(material.at));
  assert.deepEqual(at, [4096]);
});

test('no key schedule is seen in random, constant or textual memory', () => {
  const text = Buffer.from('0123456789abcdef'.repeat(10_000));
  for (const data of [randomBytes(1 << 20), Buffer.alloc(1 << 18), Buffer.alloc(1 << 18, 0x63), text]) {
    assert.deepEqual(found(data), []);
  }
});

test('private keys and certificates as real programs write them are found', (t) => {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  const sec1 = privateKey.export({ type: 'sec1', format: 'pem' }).toString();
  const public_ = generateKeyPairSync('ed25519').publicKey.export({ type: 'spki', format: 'pem' }).toString();
  const data = Buffer.from(`....${pem}\0\0${sec1}\0-----BEGIN OPENSSH PRIVATE KEY-----\n${public_}`);
  assert.deepEqual(
    found(data).map(({ text }) => text),
    ['-----BEGIN PRIVATE KEY-----', '-----BEGIN EC PRIVATE KEY-----', '-----BEGIN OPENSSH PRIVATE KEY-----'],
  );
  if (!requireTool(t, 'openssl')) return;
  const hash = runTool('openssl', ['passwd', '-6', '-salt', 'abcdefgh', 'hunter2']).stdout.trim();
  const shadow = `root:${hash}:19000:0:99999:7:::`;
  assert.deepEqual(found(Buffer.from(`daemon:*:19000:0:99999:7:::\n${shadow}\n`)), [
    { id: 'passwordHash', text: `root:${hash}:19000:` },
  ]);
});

test('access keys, tokens and passwords are found in their form alone', () => {
  const token = `eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTYifQ.${'a'.repeat(43)}`;
  const data = `x AKIA2TAREPLANTEDKEY7 y\0Bearer ${token}\0password: hunter2hunter2\0PASSWORD="topsecret1"\0`;
  assert.deepEqual(
    found(Buffer.from(data)).map(({ id, text }) => [id, text]),
    [
      ['awsAccessKey', 'AKIA2TAREPLANTEDKEY7'],
      ['jsonWebToken', token],
      ['password', 'password: hunter2hunter2'],
      ['password', 'PASSWORD="topsecret1"'],
    ],
  );
  const harmless =
    'AKIA2TAREPLANTEDKEY71 AKIA0000000000000000 password: x, the password is asked for; passwords=3 eyJ.eyJ.x';
  assert.deepEqual(found(Buffer.from(harmless)), []);
});

test('the text of a licence and programs without keys raise no alarm', () => {
  const paths = ['/usr/share/common-licenses/GPL-3', '/bin/ls', '/bin/tar'].filter(existsSync);
  for (const path of paths) assert.deepEqual(found(readFileSync(path)), [], path);
});

test('strings are those that binutils finds', (t) => {
  if (!requireTool(t, 'strings')) return;
  for (const path of ['/bin/ls', '/bin/bash'].filter(existsSync)) {
    const expected = runTool('strings', ['-a', '-n', '8', path]).stdout.trimEnd().split('\n');
    const data = readFileSync(path);
    const runs: string[] = [];
    forEachRun(data, 0, data.length, (from, to) => runs.push(data.toString('latin1', from, to)));
    assert.deepEqual(runs, expected);
  }
});

test('samples of strings are the same each time, different from each other, and language', () => {
  const lines = Array.from({ length: 500 }, (_, i) => `this is the line with number ${i % 100}`);
  const data = Buffer.from(`${lines.join('\0')}\x000123456789012345678901234567\0`);
  const sampleOf = () => {
    const sample = new StringSample();
    forEachRun(data, 0, data.length, (from, to) => sample.add(data, from, to));
    return sample.summary();
  };
  const { count, samples } = sampleOf();
  assert.equal(count, 501);
  assert.equal(samples.length, 12);
  assert.equal(new Set(samples).size, 12);
  assert.ok(samples.every((sample) => sample.startsWith('this is')));
  assert.deepEqual(sampleOf().samples, samples);
});

/** Pages of a section of a program. */
function pagesOf(path: string, section: string): Buffer[] {
  const table = runTool('readelf', ['-SW', path]).stdout;
  const found = new RegExp(
    `\\s${section.replace('.', '\\.')}\\s+\\w+\\s+[0-9a-f]+ ([0-9a-f]+) ([0-9a-f]+)`,
  ).exec(table);
  const [, offset = '0', size = '0'] = found ?? [];
  const data = readFileSync(path).subarray(
    Number.parseInt(offset, 16),
    Number.parseInt(offset, 16) + Number.parseInt(size, 16),
  );
  return Array.from({ length: Math.min(400, data.length >> 12) }, (_, i) =>
    data.subarray(i << 12, (i + 1) << 12),
  );
}

test('machine code of x86-64 programs is told from their data', (t) => {
  if (!requireTool(t, 'readelf') || process.arch !== 'x64') return;
  const programs = ['bash', 'tshark', 'tcpdump', 'as'].flatMap((name) => findTool(name) ?? []);
  assert.ok(programs.length > 0);
  for (const path of programs) {
    const text = pagesOf(path, '.text');
    const code = text.filter((page) => pageKind(page, 0, 4096) === 'code').length;
    assert.ok(code >= 0.9 * text.length, `${path}: ${code} of ${text.length} pages`);
    for (const section of ['.rodata', '.eh_frame', '.data']) {
      for (const page of pagesOf(path, section)) {
        assert.notEqual(pageKind(page, 0, 4096), 'code', `${path} ${section}`);
      }
    }
  }
});

test('pages are told by what they hold', () => {
  const text = Buffer.from('The quick brown fox jumps over the lazy dog.\n'.repeat(100)).subarray(0, 4096);
  assert.equal(pageKind(text, 0, 4096), 'text');
  assert.equal(pageKind(Buffer.concat([text.subarray(0, 2000), Buffer.alloc(2096)]), 0, 4096), 'text');
  assert.equal(pageKind(randomBytes(4096), 0, 4096), 'random');
  assert.equal(pageKind(Buffer.alloc(4096), 0, 4096), 'zero');
  assert.equal(pageKind(Buffer.alloc(4096, 1), 0, 4096), 'data');
  assert.equal(
    pageKind(Buffer.from(Uint32Array.from({ length: 1024 }, (_, i) => i).buffer), 0, 4096),
    'data',
  );
});
