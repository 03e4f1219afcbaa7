import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import type { Finding } from '../../src/analysis/findings/finding.js';
import { importSecurityAssociations } from '../../src/ipsec/import/import-security-associations.js';
import type { SecurityAssociation } from '../../src/ipsec/security-association.js';
import { parseEspSuite } from '../../src/ipsec/suite.js';
import { analyzeFiles } from '../../src/pipeline/analyze-files.js';
import type { AnalyzeRequest } from '../../src/pipeline/analyze-request.js';
import { repoPath } from '../repo-root.js';
import { requireTool } from '../tool.js';

/** How often each finding shows, by `severity id`. */
type Expected = Readonly<Record<string, number>>;

const CLEAR_MIGRATION: Expected = { 'high clear-migration': 1 };
const AH_MIGRATION: Expected = { 'high ah-migration': 1, 'medium ah-only': 1 };

/** Of ordinary captures, those that show something: what is in them is what README.md there says. */
const SHOWING: Readonly<Record<string, Expected>> = {
  'ipsec/t4-ah-sha256.pcap': { 'medium ah-only': 2 },
  'ipsec/t4-null-sha256.pcap': { 'high esp-null': 2 },
  'migration/m-clear-idle.pcap.gz': CLEAR_MIGRATION,
  'migration/m-clear-multifd.pcap.gz': CLEAR_MIGRATION,
  'migration/ms-clear-1500.pcap.gz': CLEAR_MIGRATION,
  'migration/ms-clear-40mbit.pcap.gz': CLEAR_MIGRATION,
  'migration-variants/compress.pcap.gz': CLEAR_MIGRATION,
  'migration-variants/multifd-zlib.pcap.gz': CLEAR_MIGRATION,
  'migration-variants/postcopy-preempt.pcap.gz': CLEAR_MIGRATION,
  'migration-variants/snaplen-120.pcap.gz': CLEAR_MIGRATION,
  'migration-variants/xbzrle.pcap.gz': CLEAR_MIGRATION,
  'memory/ah-sha256.pcap.gz': AH_MIGRATION,
  'memory/compress.pcap.gz': CLEAR_MIGRATION,
  'memory/multifd.pcap.gz': CLEAR_MIGRATION,
  'memory/null-sha256.pcap.gz': { 'high esp-null': 2 },
  'memory/single.pcap.gz': CLEAR_MIGRATION,
  'memory/xbzrle.pcap.gz': CLEAR_MIGRATION,
  // Each section holds the same packets.
  'formats/sections.pcapng': { 'info packets-seen-twice': 6 },
};

/** What keys add: names of algorithms that lengths do not tell. */
const SHOWING_WITH_KEYS: Readonly<Record<string, Expected>> = {
  ...SHOWING,
  'ipsec/t4-ah-esp-cbc-sha1.pcap': { 'low weak-algorithm': 4 },
  'ipsec/t4-cbc-sha1.pcap': { 'low weak-algorithm': 2 },
};

const SUSPICIOUS: Readonly<Record<string, Expected>> = {
  'control-ikev2.pcap': {},
  'clear-beside.pcap': { 'low clear-beside-sa': 2 },
  'ike-no-proposal.pcap': { 'medium ike-failed': 1 },
  'ikev1-aggressive.pcap': {
    'high ike-aggressive-mode': 2,
    'low ike-version-1': 2,
    'low ike-weak-offer': 1,
    'medium ike-weak-choice': 1,
  },
  'ikev1-main.pcap': { 'low ike-version-1': 2 },
  'migration-under-ah.pcap.gz': AH_MIGRATION,
  'much-3des.pcap.gz': { 'medium sa-not-rekeyed': 1, 'medium weak-algorithm': 1 },
  'near-wrap.pcap': { 'low sequence-near-wrap': 1 },
  'nine-hours.pcap': { 'low sa-not-rekeyed': 2 },
  'nonce-reuse.pcap': { 'high nonce-reuse': 1 },
  'null-encryption.pcap': { 'high esp-null': 2 },
  'partly-clear.pcap': { 'high flow-partly-clear': 2, 'low clear-beside-sa': 2, 'medium ah-only': 2 },
  'replay.pcap': { 'high replayed-packets': 1 },
  'reserved-spi.pcap': { 'medium reserved-spi': 1 },
  'seen-twice.pcap': { 'info packets-seen-twice': 2 },
  'sequence-jump.pcap': { 'medium sequence-jump': 1 },
  'ssh-bulk.pcap.gz': { 'info ssh-migration': 1 },
  'tls-bulk.pcap.gz': { 'info tls-migration': 1 },
  'two-senders.pcap': { 'high sequence-reused': 1 },
  'weak-algorithms.pcap': {
    'low ike-weak-offer': 1,
    'medium ike-weak-choice': 1,
    'medium weak-algorithm': 2,
  },
  // Without keys nobody can tell.
  'unauthenticated.pcap': {},
  'wrapped.pcap': {},
  'wrong-icv.pcap': {},
};

const ORDINARY = ['ipsec', 'migration', 'migration-variants', 'memory', 'formats', 'benign'];

async function findingsOf(path: string, changes: Partial<AnalyzeRequest> = {}): Promise<Finding[]> {
  const request = { associations: [], assumedEsp: null, assumedAh: null, workers: 1, ...changes };
  return (await analyzeFiles({ paths: [path], ...request })).findings;
}

function tally(findings: readonly Finding[]): Expected {
  const counts: Record<string, number> = {};
  for (const { severity, id } of findings) {
    const key = `${severity} ${id}`;
    counts[key] = (counts[key] ?? 0) + 1;
  }
  return counts;
}

function keysFor(path: string): readonly SecurityAssociation[] | null {
  const keys = path.replace(/\.pcap(ng)?(\.gz)?$/, '.xfrm');
  return existsSync(keys) ? importSecurityAssociations(readFileSync(keys, 'utf8'), keys).associations : null;
}

function capturesIn(folder: string): string[] {
  if (!existsSync(repoPath(`captures/${folder}`))) return [];
  return readdirSync(repoPath(`captures/${folder}`))
    .filter((name) => /\.pcap(ng)?(\.gz)?$/.test(name))
    .map((name) => `${folder}/${name}`);
}

for (const name of ORDINARY.flatMap(capturesIn)) {
  const path = repoPath(`captures/${name}`);
  const expected = SHOWING[name] ?? {};
  const what = Object.keys(expected).join(', ') || 'nothing';
  test(`${name} shows ${what}`, async () => {
    assert.deepEqual(tally(await findingsOf(path)), expected);
    const associations = keysFor(path);
    if (associations === null) return;
    assert.deepEqual(tally(await findingsOf(path, { associations })), SHOWING_WITH_KEYS[name] ?? {});
  });
}

for (const [name, expected] of Object.entries(SUSPICIOUS)) {
  const what = Object.keys(expected).join(', ') || 'nothing';
  test(`suspicious/${name} shows ${what}`, async () => {
    assert.deepEqual(tally(await findingsOf(repoPath(`captures/suspicious/${name}`))), expected);
  });
}

test('ICVs that are wrong show with the keys, each with its packet', async () => {
  const path = repoPath('captures/suspicious/wrong-icv.pcap');
  const findings = await findingsOf(path, { associations: keysFor(path)! });
  assert.deepEqual(
    findings.map(({ id, evidence }) => [id, evidence.packets.map(({ packet }) => packet)]),
    [
      ['icv-failed', [11]],
      ['icv-failed', [21, 31]],
    ],
  );
});

test('keys of another SA are said not to fit, and nobody is accused of forging', async () => {
  const path = repoPath('captures/ipsec/t4-gcm16.pcap');
  const text = readFileSync(path.replace('.pcap', '.xfrm'), 'utf8').replaceAll(/0x000102/g, '0x0f0e0d');
  const { associations } = importSecurityAssociations(text, 'other.xfrm');
  assert.deepEqual(tally(await findingsOf(path, { associations })), { 'low keys-do-not-fit': 2 });
});

test('SPIs that are not among the SAs given for the same hosts are told', async () => {
  const path = repoPath('captures/ipsec/t4-gcm16.pcap');
  const text = readFileSync(path.replace('.pcap', '.xfrm'), 'utf8').replace('0x00000100', '0x00000999');
  const { associations } = importSecurityAssociations(text, 'before.xfrm');
  assert.deepEqual(tally(await findingsOf(path, { associations })), { 'low unknown-spi': 1 });
});

test('ESP that is said to have no authentication is a finding', async () => {
  const path = repoPath('captures/suspicious/unauthenticated.pcap');
  const findings = await findingsOf(path, { assumedEsp: parseEspSuite('aes128') });
  assert.deepEqual(tally(findings), { 'high esp-unauthenticated': 1 });
});

/** Of scripts/make-suspicious-sas.py. */
function scapySa(flags: '' | 'flag esn'): readonly SecurityAssociation[] {
  return importSecurityAssociations(
    `src 10.67.0.1 dst 10.67.0.2\n\tproto esp spi 0xc0ffee01 reqid 1 mode transport\n\treplay-window 32 ${flags}\n` +
      '\taead rfc4106(gcm(aes)) 0x000102030405060708090a0b0c0d0e0f10111213 128\n' +
      (flags === '' ? '' : '\tanti-replay esn context:\n\t seq-hi 0x0, seq 0x0, oseq-hi 0x0, oseq 0x0\n'),
    'test.xfrm',
  ).associations;
}

test('extended sequence numbers are not near their end where the others are', async () => {
  const path = repoPath('captures/suspicious/near-wrap.pcap');
  assert.deepEqual(tally(await findingsOf(path, { associations: scapySa('') })), {
    'medium sequence-near-wrap': 1,
  });
  // The ICV covers the high half of an extended number, which Scapy did not count.
  assert.deepEqual(tally(await findingsOf(path, { associations: scapySa('flag esn') })), {
    'low keys-do-not-fit': 1,
  });
});

test('numbers that begin anew behind their end are a finding if they are not extended', async () => {
  const wrapped = repoPath('captures/suspicious/wrapped.pcap');
  const findings = await findingsOf(wrapped, { associations: scapySa('') });
  assert.deepEqual(tally(findings), { 'high sequence-near-wrap': 1 });
  // All ICVs were right: the keys are those of the SA, and so is what they say of its numbers.
  assert.equal(findings[0]!.evidence.count, 72);
});

test('an SA with blocks of 128 bits may carry what is too much for one with blocks of 64 bits', async () => {
  const path = repoPath('captures/suspicious/much-3des.pcap.gz');
  const findings = await findingsOf(path, { assumedEsp: parseEspSuite('aes128gcm16') });
  assert.deepEqual(tally(findings), {});
});

/** Packets of one direction that came with a number for the second time, by tshark's account. */
function repetitions(path: string): Map<string, number> {
  const fields = ['ip.src', 'esp.spi', 'esp.sequence'].flatMap((field) => ['-e', field]);
  const child = spawnSync('tshark', ['-r', path, '-Y', 'esp', '-T', 'fields', ...fields], {
    encoding: 'utf8',
  });
  assert.equal(child.status, 0, child.stderr);
  const seen = new Set<string>();
  const counts = new Map<string, number>();
  for (const line of child.stdout.trim().split('\n')) {
    const [source = ''] = line.split('\t');
    if (seen.has(line)) counts.set(source, (counts.get(source) ?? 0) + 1);
    seen.add(line);
  }
  return counts;
}

test('repetitions are counted as tshark sees them', async (t) => {
  if (!requireTool(t, 'tshark')) return;
  for (const name of ['replay', 'seen-twice', 'two-senders', 'control-ikev2']) {
    const path = repoPath(`captures/suspicious/${name}.pcap`);
    const findings = await findingsOf(path);
    const counts = new Map(findings.map(({ evidence }) => [evidence.source, evidence.count]));
    assert.deepEqual(counts, repetitions(path), name);
  }
});

/** Packets whose key exchange tshark says something of. */
function packetsWhere(path: string, filter: string): number[] {
  const child = spawnSync('tshark', ['-r', path, '-Y', filter, '-T', 'fields', '-e', 'frame.number'], {
    encoding: 'utf8',
  });
  assert.equal(child.status, 0, child.stderr);
  return child.stdout.trim().split('\n').filter(Boolean).map(Number);
}

test('findings about IKE name the packets in which tshark sees the same', async (t) => {
  if (!requireTool(t, 'tshark')) return;
  const cases = [
    ['ike-no-proposal', 'ike-failed', 'isakmp.notify.msgtype == 14'],
    ['ikev1-aggressive', 'ike-aggressive-mode', 'isakmp.exchangetype == 4'],
    ['ikev1-main', 'ike-version-1', 'isakmp.version == 0x10'],
    ['weak-algorithms', 'ike-weak-choice', 'isakmp.tf.id.dh == 2 && isakmp.flag_r == 1'],
    ['weak-algorithms', 'ike-weak-offer', 'isakmp.tf.id.dh == 2 && isakmp.flag_r == 0'],
  ] as const;
  for (const [name, id, filter] of cases) {
    const path = repoPath(`captures/suspicious/${name}.pcap`);
    const findings = (await findingsOf(path)).filter((finding) => finding.id === id);
    const packets = findings.flatMap(({ evidence }) => evidence.packets.map(({ packet }) => packet));
    assert.deepEqual(
      packets.toSorted((a, b) => a - b),
      packetsWhere(path, filter).slice(0, packets.length),
      id,
    );
    const count = findings.reduce((sum, { evidence }) => sum + evidence.count, 0);
    assert.equal(count, packetsWhere(path, filter).length, id);
  }
});
