import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { Finding } from '../../src/analysis/findings/finding.js';
import { analyzeFiles } from '../../src/pipeline/analyze-files.js';
import { repoPath } from '../repo-root.js';
import { requireTool, runTool } from '../tool.js';

const ATTACKER = '02:00:00:00:00:66';
/** What the detectors of link and network may find. */
const IDS =
  /^(arp-|nd-|rogue-|icmp-redirect|packet-too-big-forged|(overlapping|tiny)-fragments|tcp-injection|second-sender)/;

/** Severities of the findings about link and network, in order of id. */
const EXPECTED: Readonly<Record<string, readonly string[]>> = {
  arpspoof: ['high arp-spoofing'],
  ettercap: ['high arp-spoofing'],
  'two-owners': ['high arp-two-owners'],
  'gratuitous-storm': ['medium arp-storm'],
  'na-spoof': ['high nd-spoofing'],
  'two-owners6': ['high nd-two-owners'],
  'advertisement-storm': ['medium nd-storm'],
  parasite6: ['high nd-spoofing', 'high nd-spoofing'],
  'rogue-dhcp': ['high rogue-dhcp'],
  'rogue-dhcp6': ['high rogue-dhcp'],
  'rogue-router': ['high rogue-router', 'medium rogue-router'],
  'rogue-router-any': ['high rogue-router', 'medium rogue-router'],
  'redirect-forged': ['high icmp-redirect-forged'],
  'redirect6-forged': ['high icmp-redirect-forged'],
  'redirect-genuine': ['low icmp-redirect'],
  'packet-too-big-forged': [
    'high packet-too-big-forged',
    'low packet-too-big-forged',
    ...new Array<string>(4).fill('medium packet-too-big-forged'),
  ],
  'packet-too-big6-forged': ['high packet-too-big-forged', 'medium packet-too-big-forged'],
  'crafted-fragments': [
    'high overlapping-fragments',
    'high overlapping-fragments',
    'medium tiny-fragments',
    'medium tiny-fragments',
  ],
  'nmap-fragments': ['medium tiny-fragments'],
  'hping-fragments': ['medium tiny-fragments'],
  'tcp-injection': ['high second-sender', 'high tcp-injection'],
  tcpkill: ['high second-sender', 'high second-sender'],
};

for (const [name, expected] of Object.entries(EXPECTED)) {
  test(`${name} gives what its attack is called`, async () => {
    const findings = await findingsIn(suspicious(name));
    assert.deepEqual(findings.map(({ severity, id }) => `${severity} ${id}`).toSorted(), expected);
  });
}

test('whatever is ordinary gives no finding about link and network', async () => {
  const folders = ['benign', 'formats', 'ipsec', 'memory', 'migration', 'migration-variants'];
  const others = listCaptures('suspicious').filter((path) => !(nameOf(path) in EXPECTED));
  for (const path of [...folders.flatMap(listCaptures), ...others]) {
    const findings = await findingsIn(path);
    assert.deepEqual(
      findings.map(({ id, evidence }) => `${id}: ${evidence.facts}`),
      [],
      path,
    );
  }
});

test('whatever is ordinary is so where a mirror port shows each packet twice', async (t) => {
  if (!requireTool(t, 'editcap') || !requireTool(t, 'mergecap')) return;
  for (const path of listCaptures('benign')) {
    const findings = await inDoubled(path, findingsIn);
    assert.deepEqual(
      findings.map(({ id, evidence }) => `${id}: ${evidence.facts}`),
      [],
      path,
    );
  }
});

test('attacks are found where a mirror port shows each packet twice', async (t) => {
  if (!requireTool(t, 'editcap') || !requireTool(t, 'mergecap')) return;
  for (const [name, expected] of Object.entries(EXPECTED)) {
    const findings = await inDoubled(suspicious(name), findingsIn);
    assert.deepEqual(findings.map(({ severity, id }) => `${severity} ${id}`).toSorted(), expected, name);
  }
});

test('a router is not accused where the capture lost the segments that it speaks of', async (t) => {
  if (!requireTool(t, 'editcap')) return;
  const folder = mkdtempSync(join(tmpdir(), 'tare-lossy-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const lossy = join(folder, 'lossy.pcap');
  // The messages in packets 7 and 8 are about packets 4 and 5.
  runTool('editcap', [repoPath('captures/benign/path-mtu.pcap'), lossy, '5', '6']);
  assert.deepEqual(await findingsIn(lossy), []);
});

test('pieces of a capture read by two threads give the findings of one', async () => {
  for (const name of Object.keys(EXPECTED)) {
    for (const chunkBytes of [300, 1100, 5000]) {
      const whole = await findingsIn(suspicious(name));
      assert.deepEqual(await findingsIn(suspicious(name), 2, chunkBytes), whole, `${name}, ${chunkBytes}`);
    }
  }
});

test('answers that nobody asked for are those that tshark shows from the attacker, but the first', async (t) => {
  for (const name of ['arpspoof', 'ettercap']) {
    const packets = ask(t, name, `arp.opcode == 2 && eth.src == ${ATTACKER}`);
    if (packets === null) return;
    const [finding] = await findingsIn(suspicious(name));
    assert.equal(finding!.evidence.source, ATTACKER);
    assert.equal(finding!.evidence.count, packets.length - 1);
    assert.deepEqual(numbersOf(finding!), packets.slice(1, 9));
  }
});

test('an address with two owners is seen where tshark sees a duplicate', async (t) => {
  const duplicates = ask(t, 'two-owners', 'arp.duplicate-address-detected');
  if (duplicates === null) return;
  const [finding] = await findingsIn(suspicious('two-owners'));
  const senders = ask(t, 'two-owners', 'arp.src.proto_ipv4 == 192.0.2.2')!;
  assert.ok(duplicates.some((packet) => numbersOf(finding!).includes(packet)));
  assert.ok(numbersOf(finding!).every((packet) => senders.includes(packet)));
});

const PACKETS: readonly [name: string, id: string, filter: string][] = [
  ['gratuitous-storm', 'arp-storm', 'arp.isgratuitous'],
  ['redirect-forged', 'icmp-redirect-forged', 'icmp.type == 5'],
  ['redirect-genuine', 'icmp-redirect', 'icmp.type == 5'],
  ['redirect6-forged', 'icmp-redirect-forged', 'icmpv6.type == 137'],
  ['packet-too-big-forged', 'packet-too-big-forged', 'icmp.type == 3 && icmp.code == 4'],
  ['packet-too-big6-forged', 'packet-too-big-forged', 'icmpv6.type == 2'],
  ['rogue-dhcp', 'rogue-dhcp', `dhcp.option.dhcp == 2 && eth.src == ${ATTACKER}`],
  ['na-spoof', 'nd-spoofing', `icmpv6.type == 136 && eth.src == ${ATTACKER} && frame.number > 7`],
  // The first claim is no change.
  [
    'two-owners6',
    'nd-two-owners',
    'icmpv6.type == 136 && icmpv6.nd.na.target_address == fd00::100 && frame.number > 4',
  ],
  ['advertisement-storm', 'nd-storm', `icmpv6.type == 136 && eth.src == ${ATTACKER}`],
  ['nmap-fragments', 'tiny-fragments', 'ip.flags.mf == 1 || ip.frag_offset in {1, 2}'],
  ['hping-fragments', 'tiny-fragments', 'ip.flags.mf == 1 || ip.frag_offset in {1, 2}'],
  ['rogue-dhcp6', 'rogue-dhcp', `dhcpv6.msgtype in {2, 7} && eth.src == ${ATTACKER}`],
  ['rogue-router', 'rogue-router', `icmpv6.type == 134 && eth.src == ${ATTACKER}`],
  ['tcp-injection', 'second-sender', `eth.src == ${ATTACKER}`],
];

for (const [name, id, filter] of PACKETS) {
  test(`${id} in ${name} names the packets that tshark finds by "${filter}"`, async (t) => {
    const packets = ask(t, name, filter);
    if (packets === null) return;
    const findings = (await findingsIn(suspicious(name))).filter((finding) => finding.id === id);
    const named = findings.flatMap(numbersOf).toSorted((a, b) => a - b);
    assert.deepEqual(named, packets.slice(0, named.length));
    const count = findings.reduce((total, { evidence }) => total + evidence.count, 0);
    assert.equal(count, packets.length);
  });
}

test('contradicting segments are those whose bytes differ by what tshark shows of them', async (t) => {
  if (!requireTool(t, 'tshark')) return;
  for (const path of [suspicious('tcp-injection'), ...listCaptures('benign')]) {
    const [injection] = (await findingsIn(path)).filter(({ id }) => id === 'tcp-injection');
    assert.deepEqual(injection === undefined ? [] : numbersOf(injection), contradictions(path), path);
  }
});

test('overlapping fragments are those that are not what came before', async (t) => {
  if (!requireTool(t, 'tshark')) return;
  const findings = await findingsIn(suspicious('crafted-fragments'));
  const overlaps = findings.filter(({ id }) => id === 'overlapping-fragments').flatMap(numbersOf);
  assert.deepEqual(overlaps, overlapsByTshark('crafted-fragments'));
});

async function findingsIn(path: string, workers = 1, chunkBytes?: number): Promise<Finding[]> {
  const { findings } = await analyzeFiles({
    paths: [path],
    associations: [],
    assumedEsp: null,
    assumedAh: null,
    workers,
    ...(chunkBytes === undefined ? {} : { chunkBytes }),
  });
  return findings.filter(({ id }) => IDS.test(id));
}

/** What there is to say of the capture with each packet once more, 20 us later. */
async function inDoubled<Result>(path: string, ask: (path: string) => Promise<Result>): Promise<Result> {
  const folder = mkdtempSync(join(tmpdir(), 'tare-doubled-'));
  try {
    const [copies, both] = [join(folder, 'copies.pcap'), join(folder, basename(path))];
    runTool('editcap', ['-t', '0.00002', path, copies]);
    runTool('mergecap', ['-w', both, path, copies]);
    return await ask(both);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function numbersOf({ evidence }: Finding): number[] {
  return evidence.packets.map(({ packet }) => packet);
}

function suspicious(name: string): string {
  return repoPath(`captures/suspicious/${name}.pcap`);
}

function listCaptures(folder: string): string[] {
  const names = readdirSync(repoPath(`captures/${folder}`)).toSorted();
  return names
    .filter((name) => /\.(pcap|pcapng)(\.gz)?$/.test(name))
    .map((name) => repoPath(`captures/${folder}/${name}`));
}

function nameOf(path: string): string {
  return path.replace(/^.*\//, '').replace(/\.pcap.*$/, '');
}

/** Numbers of the packets that match; null if there is no tshark to ask. */
function ask(t: TestContext, name: string, filter: string): number[] | null {
  if (!requireTool(t, 'tshark')) return null;
  const options = ['-o', 'ip.defragment:FALSE', '-o', 'ipv6.defragment:FALSE'];
  const args = ['-r', suspicious(name), ...options, '-Y', filter, '-T', 'fields', '-e', 'frame.number'];
  return runTool('tshark', args).stdout.split('\n').filter(Boolean).map(Number);
}

/** Segments that begin where an earlier one of the same connection began, with other bytes as far as both reach. */
function contradictions(path: string): number[] {
  const fields = ['frame.number', 'tcp.stream', 'tcp.srcport', 'tcp.seq_raw', 'tcp.payload'];
  const args = ['-r', path, '-Y', 'tcp.len > 7', '-T', 'fields', ...fields.flatMap((field) => ['-e', field])];
  const last = new Map<string, string>();
  const found: number[] = [];
  for (const line of runTool('tshark', args).stdout.split('\n').filter(Boolean)) {
    const [packet, stream, port, sequence, payload = ''] = line.split('\t');
    const key = `${stream} ${port} ${sequence}`;
    const before = last.get(key);
    const reach = Math.min(before?.length ?? 0, payload.length);
    if (before !== undefined && before.slice(0, reach) !== payload.slice(0, reach))
      found.push(Number(packet));
    last.set(key, payload);
  }
  return found;
}

/** Fragments that carry places which an earlier one of their datagram carried, and are no copies of it. */
function overlapsByTshark(name: string): number[] {
  const fields = ['frame.number', 'ip.id', 'ip.frag_offset', 'ip.len', 'data.data'];
  const fields6 = ['ipv6.fraghdr.ident', 'ipv6.fraghdr.offset', 'ipv6.plen'];
  const options = ['-o', 'ip.defragment:FALSE', '-o', 'ipv6.defragment:FALSE'];
  const columns = [...fields, ...fields6].flatMap((field) => ['-e', field]);
  const lines = runTool('tshark', ['-r', suspicious(name), ...options, '-T', 'fields', ...columns]).stdout;
  const seen: { key: string; start: number; end: number; data: string }[] = [];
  const found: number[] = [];
  for (const line of lines.split('\n').filter(Boolean)) {
    const [packet, id, offset, length, data = '', id6, offset6, length6] = line.split('\t');
    // In units of 8 bytes.
    const start = 8 * Number(id6 ? offset6 : offset);
    const end = start + (id6 ? Number(length6) - 8 : Number(length) - 20);
    const fragment = { key: id6 || id!, start, end, data };
    const overlaps = seen.some(
      (other) =>
        other.key === fragment.key &&
        other.start < end &&
        start < other.end &&
        !(other.start === start && other.end === end && other.data === data),
    );
    if (overlaps) found.push(Number(packet));
    seen.push(fragment);
  }
  return found;
}
