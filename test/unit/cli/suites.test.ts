import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runTare } from './run-tare.js';

interface SuitesJson {
  schema: string;
  samplePayloadBytes: number;
  esp: { name: string; ivBytes: number; icvBytes: number; alignmentBytes: number; overheadBytes: number }[];
  ah: { name: string; headerBytes: { ipv4: number; ipv4Align4: number; ipv6: number } }[];
}

test('the table names suites as strongSwan does, with RFCs', () => {
  const { exitCode, stdout } = runTare(['suites']);
  assert.equal(exitCode, 0);
  assert.match(stdout, /^ {2}aes\{128,192,256\}gcm16 +8 +16 +4 +36 +4106$/m);
  assert.match(stdout, /^ {2}chacha20poly1305 +8 +16 +4 +36 +7634$/m);
  assert.match(stdout, /^ {2}3des-sha1 +8 +12 +8 +36 +2451, 2404$/m);
});

/** RFC 4106, 7634: 8 + IV 8 + pad 2 + 2 + ICV 16 around 1400. RFC 3602 with 4868: 8 + IV 16 + pad 6 + 2 + ICV 16. */
const OVERHEAD_AT_1400 = { aes128gcm16: 36, chacha20poly1305: 36, 'aes256-sha256': 48, 'null-sha256': 28 };

test('JSON has every suite with its sizes', () => {
  const json = JSON.parse(runTare(['suites', '--json']).stdout) as SuitesJson;
  assert.equal(json.schema, 'tare.suites/1');
  assert.equal(json.samplePayloadBytes, 1400);
  for (const [name, overheadBytes] of Object.entries(OVERHEAD_AT_1400)) {
    assert.equal(json.esp.find((suite) => suite.name === name)?.overheadBytes, overheadBytes, name);
  }
});

test('AH with SHA-256 is 28 bytes by RFC 4302, and 32 where it is padded to 8', () => {
  const json = JSON.parse(runTare(['suites', '--json']).stdout) as SuitesJson;
  const sha256 = json.ah.find((suite) => suite.name === 'sha256');
  assert.deepEqual(sha256?.headerBytes, { ipv4: 32, ipv4Align4: 28, ipv6: 32 });
});
