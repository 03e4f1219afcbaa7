import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { repoPath } from '../repo-root.js';
import { runTool } from '../tool.js';
import { runTare } from '../unit/cli/run-tare.js';
import { describeRecords, NIC, readRecords, requireLink, SENDER } from './live-link.js';

const SENT = [
  'captures/ipsec/t4-gcm16.pcap',
  'captures/ipsec/t6-ah-esp.pcap',
  'captures/ipsec/tun4-natt-cbc-sha256.pcap',
  'captures/migration/ms-gcm-1500.pcap',
];
const GCM = repoPath('captures/ipsec/t4-gcm16.pcap');
const MIGRATION = repoPath('captures/migration/ms-gcm-1500.pcap');

for (const capture of SENT) {
  test(`what is written of ${capture} sent over a link is that capture, packet for packet`, async (t) => {
    const link = requireLink(t);
    if (link === null) return;
    const file = join(link.folder, 'out.pcapng');
    const running = await link.capture(['-w', file]);
    link.replay(repoPath(capture));
    const { exitCode, stderr } = await running.interrupt();
    assert.equal(exitCode, 0, stderr);
    const sent = readRecords(repoPath(capture), link.folder);
    const found = readRecords(file, link.folder);
    assert.ok(sent.length > 0);
    assert.deepEqual(describeRecords(found), describeRecords(sent));
    assert.match(
      stderr,
      new RegExp(`^tare: ${grouped(sent.length)} packets captured, .* 0 dropped by the kernel`, 'm'),
    );
  });
}

test('Ctrl-C ends with what tare analyze says of the file that was written', async (t) => {
  const link = requireLink(t);
  if (link === null) return;
  const file = join(link.folder, 'out.pcapng');
  const keys = repoPath('captures/ipsec/t4-gcm16.xfrm');
  const running = await link.capture(['-w', file, '--keys', keys]);
  link.replay(GCM);
  const { exitCode, stdout } = await running.interrupt();
  assert.equal(exitCode, 0);
  const analyzed = runTare(['analyze', file, '--keys', keys]);
  // The interface tells its MTU; from packets it is inferred.
  assert.equal(stdout.replace(/MTU \d+/, ''), analyzed.stdout.replace(/MTU ~?\d+/, ''));
  assert.match(stdout, /ESP/);
});

test('a filter, a greatest length and a number of packets hold as tcpdump applies them to the file', async (t) => {
  const link = requireLink(t);
  if (link === null) return;
  const file = join(link.folder, 'out.pcapng');
  const filter = 'esp and src host 10.9.0.1';
  const running = await link.capture(['-w', file, '-f', filter, '-s', '100', '-c', '50']);
  link.replay(GCM);
  const { exitCode, stderr } = await running.end();
  assert.equal(exitCode, 0, stderr);
  const wanted = join(link.folder, 'wanted.pcap');
  runTool('tcpdump', ['-r', GCM, '-w', wanted, '-s', '100', '-c', '50', '-n', ...filter.split(' ')]);
  const expected = readRecords(wanted, link.folder).map(({ wireLength, bytes }) => ({
    wireLength,
    bytes: bytes.subarray(0, 100),
  }));
  assert.equal(expected.length, 50);
  assert.deepEqual(describeRecords(readRecords(file, link.folder)), describeRecords(expected));
});

test('frames with a VLAN tag keep it, and "any" says which interface a frame came from', async (t) => {
  const link = requireLink(t);
  if (link === null) return;
  const tagged = join(link.folder, 'tagged.pcap');
  runTool('tcprewrite', [
    ...['--enet-vlan=add', '--enet-vlan-tag=5', '--enet-vlan-cfi=0', '--enet-vlan-pri=1'],
    ...['-i', GCM, '-o', tagged],
  ]);
  const onLink = join(link.folder, 'link.pcapng');
  const onAny = join(link.folder, 'any.pcapng');
  const first = await link.capture(['-w', onLink]);
  const second = await link.capture(['-w', onAny, '-f', 'inbound'], { nic: 'any' });
  link.replay(tagged);
  assert.equal((await first.interrupt()).exitCode, 0);
  assert.equal((await second.interrupt()).exitCode, 0);
  const sent = readRecords(tagged, link.folder);
  assert.deepEqual(describeRecords(readRecords(onLink, link.folder)), describeRecords(sent));
  const index = link.run('cat', `/sys/class/net/${NIC}/ifindex`).trim();
  const fields = ['-T', 'fields', '-e', 'sll.ifindex', '-e', 'frame.encap_type'];
  const cooked = runTool('tshark', ['-n', '-r', onAny, ...fields])
    .stdout.trim()
    .split('\n');
  assert.equal(cooked.length, sent.length);
  assert.deepEqual(new Set(cooked.map((line) => line.split('\t')[0])), new Set([index]));
});

test('a ring keeps the newest files, each within its size and valid by itself, and drops none between them', async (t) => {
  const link = requireLink(t);
  if (link === null) return;
  const running = await link.capture(['-w', join(link.folder, 'r.pcapng'), '--ring', 'size=1MB,files=3']);
  link.replay(MIGRATION);
  const { exitCode, stderr } = await running.interrupt();
  assert.equal(exitCode, 0, stderr);
  const files = readdirSync(link.folder).sort();
  assert.equal(files.length, 3, stderr);
  const numbers = files.map((name) => Number(/^r-(\d{5})\.pcapng$/.exec(name)?.[1]));
  assert.deepEqual(numbers, [numbers[0]!, numbers[0]! + 1, numbers[0]! + 2]);
  assert.ok(numbers[0]! > 1, 'older files are gone');
  const paths = files.map((name) => join(link.folder, name));
  for (const path of paths) assert.ok(statSync(path).size <= 1_000_000);
  const kept = paths.flatMap((path) => readRecords(path, link.folder));
  const sent = readRecords(MIGRATION, link.folder).slice(-kept.length);
  assert.deepEqual(describeRecords(kept), describeRecords(sent));
  for (const path of paths) assert.match(runTool('capinfos', [path]).stdout, /Number of stat entries = 1/);
});

test('a ring that could not go on once rights are given up is refused before it begins', async (t) => {
  const link = requireLink(t);
  if (link === null) return;
  runTool('chmod', ['755', link.folder]);
  const ring = ['-w', join(link.folder, 'r.pcapng'), '--ring', 'size=1MB'];
  await assert.rejects(link.capture(ring), /nobody may not create files in .*--user NAME/s);
  const running = await link.capture([...ring, '--user', 'root']);
  assert.equal((await running.interrupt()).exitCode, 0);
});

test('a capture ends after its time', async (t) => {
  const link = requireLink(t);
  if (link === null) return;
  const running = await link.capture(['--duration', '50ms']);
  assert.equal((await running.end()).exitCode, 0);
});

test('an interface that goes away ends the capture with a message, and all packets are kept', async (t) => {
  const link = requireLink(t);
  if (link === null) return;
  const file = join(link.folder, 'out.pcapng');
  const running = await link.capture(['-w', file, '--json']);
  link.replay(GCM);
  // Packets are written before they are analysed.
  await running.line(/"total":629\b/);
  link.ip('link', 'del', NIC);
  const { exitCode, stderr, stdout } = await running.end();
  assert.equal(exitCode, 4, stderr);
  assert.match(stderr, new RegExp(`${NIC}: the interface is gone`));
  const report = JSON.parse(stdout.trim().split('\n').at(-1)!);
  assert.deepEqual([report.schema, report.inputs[0].frames], ['tare.analysis/1', 629]);
  const sent = readRecords(GCM, link.folder);
  assert.deepEqual(describeRecords(readRecords(file, link.folder)), describeRecords(sent));
});

test('an interface that goes down and up again is captured on all the time', async (t) => {
  const link = requireLink(t);
  if (link === null) return;
  const running = await link.capture([]);
  const first = link.replay(GCM);
  link.ip('link', 'set', NIC, 'down');
  link.ip('link', 'set', NIC, 'up');
  link.ip('link', 'set', SENDER, 'up');
  link.awaitCarrier();
  const second = link.replay(GCM);
  const { exitCode, stderr } = await running.interrupt();
  assert.equal(exitCode, 0, stderr);
  assert.match(stderr, new RegExp(`${grouped(first + second)} packets captured`));
});

test('a full disk ends the capture with a message; the file is whole and holds the packets before', async (t) => {
  const link = requireLink(t);
  if (link === null) return;
  const disk = join(link.folder, 'disk');
  mkdirSync(disk);
  runTool('mount', ['-t', 'tmpfs', '-o', 'size=1m,mode=1777', 'tmpfs', disk]);
  try {
    const file = join(disk, 'out.pcapng');
    const running = await link.capture(['-w', file]);
    link.replay(MIGRATION);
    const { exitCode, stderr, stdout } = await running.end();
    assert.equal(exitCode, 4, stderr);
    const said = /cannot write .*: the disk is full; the (\d+) packets before are complete/.exec(stderr);
    assert.ok(said, stderr);
    assert.match(stdout, /On the wire/);
    const info = runTool('capinfos', [file]).stdout;
    assert.match(info, new RegExp(`Number of packets = ${said[1]}`));
    assert.match(info, /Number of stat entries = 1/);
    const kept = readRecords(file, link.folder);
    const sent = readRecords(MIGRATION, link.folder).slice(0, kept.length);
    assert.ok(statSync(file).size > 900_000, 'room is used');
    assert.deepEqual(describeRecords(kept), describeRecords(sent));
  } finally {
    runTool('umount', ['-l', disk]);
  }
});

/** Digits in groups of three, as reports have them. */
function grouped(count: number): string {
  return count.toLocaleString('en-US');
}
