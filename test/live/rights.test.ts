import assert from 'node:assert/strict';
import { chownSync, cpSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { repoPath } from '../repo-root.js';
import { requireTool } from '../tool.js';
import { TARE } from '../unit/cli/run-tare.js';
import { NIC, requireLink } from './live-link.js';

const GCM = repoPath('captures/ipsec/t4-gcm16.pcap');
/** A user that need not be there. */
const CALLER = { SUDO_UID: '54321', SUDO_GID: '54322', SUDO_USER: 'caller' };
const AS_NOBODY = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'];
const WITH_CAPABILITIES = ['--inh-caps=+net_raw,+net_admin', '--ambient-caps=+net_raw,+net_admin'];

/** What the kernel says of each thread of a process. */
function threadsOf(
  pid: number,
): { uids: string; groups: string; capabilities: bigint; blocksAll: boolean }[] {
  return readdirSync(`/proc/${pid}/task`).map((thread) => {
    const status = readFileSync(`/proc/${pid}/task/${thread}/status`, 'utf8');
    const field = (name: string) => new RegExp(`^${name}:\\s*(.*)$`, 'm').exec(status)?.[1]?.trim() ?? '';
    return {
      uids: field('Uid'),
      groups: field('Groups'),
      capabilities: BigInt(`0x${field('CapPrm')}`) | BigInt(`0x${field('CapEff')}`),
      // Node's thread that waits for SIGUSR1 by other means.
      blocksAll: field('SigBlk').startsWith('ffff'),
    };
  });
}

test("root's rights are given up in every thread while capturing goes on", async (t) => {
  const link = requireLink(t);
  if (link === null) return;
  const running = await link.capture([]);
  for (const thread of threadsOf(running.pid)) {
    assert.equal(thread.uids, '65534\t65534\t65534\t65534');
    assert.equal(thread.groups, '65534');
    assert.equal(thread.capabilities, 0n);
  }
  link.replay(GCM);
  const { stderr } = await running.interrupt();
  assert.match(stderr, /root's rights given up: going on as nobody/);
  assert.match(stderr, /629 packets captured/);
});

test('under sudo a capture goes on as the one who called, whose file it is and no one else may read', async (t) => {
  const link = requireLink(t);
  if (link === null) return;
  const file = join(link.folder, 'out.pcapng');
  const running = await link.capture(['-w', file], { env: CALLER });
  for (const { uids } of threadsOf(running.pid)) assert.equal(uids, '54321\t54321\t54321\t54321');
  const { stderr } = await running.interrupt();
  assert.match(stderr, /going on as caller/);
  const { uid, gid, mode } = statSync(file);
  assert.deepEqual([uid, gid, mode & 0o777], [54_321, 54_322, 0o600]);
});

test('a device that packets are written to keeps its owner', async (t) => {
  const link = requireLink(t);
  if (link === null) return;
  const before = statSync('/dev/null');
  try {
    const running = await link.capture(['-w', '/dev/null'], { env: CALLER });
    assert.equal((await running.interrupt()).exitCode, 0);
    const after = statSync('/dev/null');
    assert.deepEqual([after.uid, after.gid], [before.uid, before.gid]);
  } finally {
    chownSync('/dev/null', before.uid, before.gid);
  }
});

test('capabilities without root are enough, and are given up by every thread that hears signals', async (t) => {
  const link = requireLink(t);
  if (link === null || !requireTool(t, 'setpriv')) return;
  const running = await link.capture([], { prefix: [...AS_NOBODY, ...WITH_CAPABILITIES] });
  const threads = threadsOf(running.pid);
  const withSome = threads.filter(({ capabilities }) => capabilities !== 0n);
  assert.ok(withSome.length <= 1, `${withSome.length} of ${threads.length} threads`);
  assert.ok(withSome.every(({ blocksAll }) => blocksAll));
  link.replay(GCM);
  const { stderr, exitCode } = await running.interrupt();
  assert.equal(exitCode, 0, stderr);
  assert.match(stderr, /capabilities given up/);
  assert.match(stderr, /629 packets captured/);
});

test('without the right to capture it says what to do, and ends with 4', async (t) => {
  const link = requireLink(t);
  if (link === null || !requireTool(t, 'setpriv')) return;
  const refused = link.start([process.execPath, TARE, 'capture', '-i', NIC], { prefix: AS_NOBODY });
  const { exitCode, stderr } = await refused.end();
  assert.equal(exitCode, 4);
  assert.match(stderr, /no right to capture/);
  assert.match(stderr, /sudo tare capture/);
  assert.ok(stderr.includes(`setcap cap_net_raw,cap_net_admin=eip ${process.execPath}`), stderr);
  assert.match(stderr, /dumpcap -i tare-rx -w - \| tare analyze -/);
});

test('an unknown user is refused', async (t) => {
  const link = requireLink(t);
  if (link === null) return;
  const refused = link.start([process.execPath, TARE, 'capture', '-i', NIC, '--user', 'no-such-user-here']);
  const { exitCode, stderr } = await refused.end();
  assert.equal(exitCode, 2);
  assert.match(stderr, /--user: there is no user no-such-user-here/);
});

test('where the addon was not built, live capture says how to build it and all else works', async (t) => {
  const link = requireLink(t);
  if (link === null) return;
  mkdirSync(join(link.folder, 'dist'));
  cpSync(repoPath('dist/src'), join(link.folder, 'dist/src'), { recursive: true });
  cpSync(repoPath('package.json'), join(link.folder, 'package.json'));
  symlinkSync(repoPath('node_modules'), join(link.folder, 'node_modules'));
  const tare = join(link.folder, 'dist/src/cli/main.js');
  const refused = await link.start([process.execPath, tare, 'capture', '-i', NIC]).end();
  assert.equal(refused.exitCode, 4);
  assert.match(
    refused.stderr,
    /an addon that was not built\s+Build it: sudo apt-get install g\+\+, then npm run build/,
  );
  const analyzed = await link.start([process.execPath, tare, 'analyze', GCM]).end();
  assert.equal(analyzed.exitCode, 0, analyzed.stderr);
});

test('without libpcap, live capture says how to get it', async (t) => {
  const link = requireLink(t);
  if (link === null) return;
  const env = { TARE_LIBPCAP: join(link.folder, 'libpcap.so.1') };
  const refused = await link.start([process.execPath, TARE, 'capture', '-i', NIC], { env }).end();
  assert.equal(refused.exitCode, 4);
  assert.match(
    refused.stderr,
    /needs libpcap, which cannot be loaded: .*No such file.*\n.*apt-get install libpcap0\.8/,
  );
});

test('unknown interfaces and filters that make no sense are refused with what there is, and with 2', async (t) => {
  const link = requireLink(t);
  if (link === null) return;
  const tare = [process.execPath, TARE, 'capture', '-i'];
  const unknown = await link.start([...tare, 'eth99']).end();
  assert.equal(unknown.exitCode, 2);
  assert.match(unknown.stderr, /eth99: there is no such interface; there are: .*tare-rx/);
  const filtered = await link.start([...tare, NIC, '-f', 'esp or or ah']).end();
  assert.equal(filtered.exitCode, 2);
  assert.match(filtered.stderr, /'esp or or ah' is not understood: .*syntax error/);
});

test('--list has the interfaces that ip link has, and "any"', async (t) => {
  const link = requireLink(t);
  if (link === null) return;
  const listed = await link.start([process.execPath, TARE, 'capture', '--list', '--json']).end();
  const { interfaces } = JSON.parse(listed.stdout) as { interfaces: { name: string; isUp: boolean }[] };
  const names = new Map(interfaces.map(({ name, isUp }) => [name, isUp]));
  const links = JSON.parse(link.ip('-json', 'link')) as { ifname: string; flags: string[] }[];
  for (const { ifname, flags } of links) assert.equal(names.get(ifname), flags.includes('UP'), ifname);
  assert.ok(names.has('any'));
});

test('tare doctor tells whether this user may capture', async (t) => {
  const link = requireLink(t);
  if (link === null || !requireTool(t, 'setpriv')) return;
  const doctor = [process.execPath, TARE, 'doctor', '--json'];
  const withAll = await link.start(doctor).end();
  const withNone = await link.start(doctor, { prefix: AS_NOBODY }).end();
  assert.ok(JSON.parse(withAll.stdout).usableFor.includes('capture'), withAll.stdout);
  assert.ok(!JSON.parse(withNone.stdout).usableFor.includes('capture'), withNone.stdout);
});
