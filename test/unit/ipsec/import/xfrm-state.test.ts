import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import {
  type ImportedAssociations,
  importSecurityAssociations,
} from '../../../../src/ipsec/import/import-security-associations.js';
import { formatIpAddress } from '../../../../src/ipsec/ip-address.js';
import type { SecurityAssociation } from '../../../../src/ipsec/security-association.js';
import { repoPath } from '../../../repo-root.js';
import { requireTool, runTool } from '../../../tool.js';

/*
 * states.nl holds netlink messages of states with every algorithm; the .txt files are what iproute2 6.1 prints of them:
 * `ip [-s] xfrm monitor file states.nl`, which goes through the same functions as `ip xfrm state`.
 */
const FOLDER = 'test/golden/expected/xfrm';

function importFile(path: string): ImportedAssociations {
  return importSecurityAssociations(readFileSync(repoPath(path), 'utf8'), path);
}

function describe(sa: SecurityAssociation): string {
  const ends = [sa.source, sa.destination].map((end) => (end === null ? '*' : formatIpAddress(end)));
  const parts = [sa.protocol, sa.spi.toString(16), ends.join('>'), sa.mode, sa.suite.name];
  if (sa.esn) parts.push(`esn ${sa.sequenceHigh}:${sa.sequenceLow}`);
  if (sa.align4) parts.push('align4');
  if (sa.udpEncap !== null) parts.push(`udp ${sa.udpEncap.sourcePort}>${sa.udpEncap.destinationPort}`);
  if (!sa.hasKeys) parts.push('no keys');
  return parts.join(' ');
}

const EVERY_STATE = [
  'esp 1001 10.0.0.1>10.0.0.2 tunnel aes128ccm8 align4',
  'esp 1002 10.0.0.1>10.0.0.2 transport aes256gcm12 esn 4:77',
  'ah 1003 fd00::1>fd00::2 transport aesxcbc',
  'esp 1004 10.0.0.1>10.0.0.2 tunnel 3des-sha256_96 udp 4500>4501',
  'esp 1005 10.0.0.1>10.0.0.2 transport aes128ctr-aescmac',
  'esp 1006 10.0.0.1>10.0.0.2 beet aes128gmac',
  'esp 1007 10.0.0.1>10.0.0.2 transport camellia128-sha1',
  'esp 1008 10.0.0.1>10.0.0.2 transport aes128',
  'esp 1009 10.0.0.1>10.0.0.2 transport null-sha512',
];

for (const [options, file] of [
  [[], 'states.txt'],
  [['-s'], 'states-with-statistics.txt'],
] as const) {
  test(`reads every state that iproute2 prints into ${file}`, () => {
    const imported = importFile(`${FOLDER}/${file}`);
    assert.equal(imported.format, 'xfrm-state');
    assert.deepEqual(imported.associations.map(describe), EVERY_STATE);
    assert.equal(imported.warnings.length, 2);
    assert.match(imported.warnings[0]!, /\.txt:\d+: no known encryption algorithm "cbc\(blowfish\)"/);
    assert.match(imported.warnings[1]!, /comp left out/);
  });

  test(`${file} is what the installed iproute2 prints`, (t) => {
    if (!requireTool(t, 'ip')) return;
    const args = [...options, 'xfrm', 'monitor', 'file', repoPath(`${FOLDER}/states.nl`)];
    assert.equal(runTool('ip', args).stdout, readFileSync(repoPath(`${FOLDER}/${file}`), 'utf8'));
  });
}

test('keys arrive byte for byte, salt included', () => {
  const { associations } = importFile(`${FOLDER}/states.txt`);
  const ascending = (bytes: number) => Uint8Array.from({ length: bytes }, (_, i) => i);
  const bySpi = new Map(associations.map((sa) => [sa.spi, sa]));
  assert.deepEqual(bySpi.get(0x1001)!.encryptionKey!.bytes(), ascending(19));
  assert.deepEqual(bySpi.get(0x1002)!.encryptionKey!.bytes(), ascending(36));
  assert.deepEqual(bySpi.get(0x1004)!.encryptionKey!.bytes(), ascending(24));
  assert.deepEqual(bySpi.get(0x1004)!.integrityKey!.bytes(), ascending(32));
  assert.equal(bySpi.get(0x1009)!.encryptionKey, null);
  assert.deepEqual(bySpi.get(0x1009)!.integrityKey!.bytes(), ascending(64));
});

test('states printed with nokeys are read without keys', () => {
  const shown = readFileSync(repoPath(`${FOLDER}/states.txt`), 'utf8');
  const hidden = shown.replace(/ 0x[0-9a-f]{16,}/g, ' <<Keys hidden>>');
  const { associations, warnings } = importSecurityAssociations(hidden, 'hidden.txt');
  assert.equal(associations.length, EVERY_STATE.length);
  for (const sa of associations) {
    assert.ok(!sa.hasKeys);
    assert.equal(sa.suite.icvBytes, associations.find(({ spi }) => spi === sa.spi)!.suite.icvBytes);
  }
  assert.deepEqual(
    associations.map(({ suite }) => suite.icvBytes),
    [8, 12, 12, 12, 12, 16, 12, 0, 32],
  );
  assert.ok(warnings.some((warning) => warning.includes('key hidden')));
});

const CAPTURE_SUITES: Readonly<Record<string, string>> = {
  't4-ah-esp-cbc-sha1': 'ah sha1, esp aes128-sha1',
  't4-ah-sha256': 'ah sha256',
  't4-cbc-sha1': 'esp aes128-sha1',
  't4-cbc-sha256': 'esp aes256-sha256',
  't4-chacha': 'esp chacha20poly1305',
  't4-esn-gcm16': 'esp aes128gcm16',
  't4-gcm16': 'esp aes128gcm16',
  't4-null-sha256': 'esp null-sha256',
  't6-ah-esp': 'ah sha256, esp aes128-sha256',
  'tun4-natt-cbc-sha256': 'esp aes256-sha256',
  'ms-ahesp-1500': 'ah sha256, esp aes128-sha256',
  'ms-gcm-1500': 'esp aes128gcm16',
};

test('reads the state beside every bundled capture, with all keys and no warning', () => {
  const files = ['captures/ipsec', 'captures/migration'].flatMap((folder) =>
    readdirSync(repoPath(folder))
      .filter((name) => name.endsWith('.xfrm'))
      .map((name) => `${folder}/${name}`),
  );
  for (const file of files) {
    const { associations, warnings } = importFile(file);
    const suites = new Set(associations.map((sa) => `${sa.protocol} ${sa.suite.name}`));
    assert.equal([...suites].join(', '), CAPTURE_SUITES[file.replace(/.*\/|\.xfrm$/g, '')], file);
    assert.ok(associations.every((sa) => sa.hasKeys));
    assert.deepEqual(warnings, []);
  }
});

test('a broken entry is left out with its line, and the ones around it are kept', () => {
  const good = readFileSync(repoPath('captures/ipsec/t4-gcm16.xfrm'), 'utf8');
  const [first = '', second = ''] = good.split(/(?=^src )/m);
  const broken = {
    'key is not hex': second.replace('0x0001', '0xzz01'),
    'odd digits': second.replace('0x0001', '0x001'),
    'no SPI': second.replace(/spi \S+ /, ''),
    'no algorithm': second.replace(/\taead.*\n/, ''),
    'no proto': second.replace(/\tproto.*\n/, ''),
    'short key': second.replace('0x0001', '0x'),
    'name for an address': second.replace('src 10.9.0.1', 'src host.example'),
    truncated: second.replace(/aead (\S+) .*/, 'aead $1 (ERROR truncated)'),
  };
  for (const [what, entry] of Object.entries(broken)) {
    const imported = importSecurityAssociations(first + entry + first, 'dump.txt');
    assert.equal(imported.associations.length, 2, what);
    assert.equal(imported.warnings.length, 1, what);
    assert.match(imported.warnings[0]!, /^dump\.txt:(7|8|10): \S/, what);
    assert.ok(!imported.warnings[0]!.includes('0203'), what);
  }
});

test('an idle kernel prints nothing, and that is no error', () => {
  assert.deepEqual(importSecurityAssociations('', 'none').associations, []);
  assert.deepEqual(importSecurityAssociations('\n\n', 'none').format, 'empty');
});

test('text of another kind is refused with what to give instead', () => {
  assert.throws(() => importSecurityAssociations('\nhello\n', 'notes.txt'), {
    name: 'SaImportError',
    message: /^notes\.txt:2: no security associations: give the output of "ip xfrm state"/,
  });
});
