import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { repoPath } from '../repo-root.js';
import { requireTool, runTool } from '../tool.js';
import { TARE } from '../unit/cli/run-tare.js';
import { NIC, requireLink, SENDER } from './live-link.js';

const GCM = repoPath('captures/ipsec/t4-gcm16.pcap');

test('when nobody reads standard output any more the capture ends, and its file is whole', async (t) => {
  const link = requireLink(t);
  if (link === null) return;
  const file = join(link.folder, 'out.pcapng');
  const running = await link.capture(['--json', '-w', file]);
  link.replay(GCM);
  await running.line(/"total":629\b/);
  running.closeOutput();
  const { exitCode, stderr } = await running.end();
  assert.equal(exitCode, 0, stderr);
  const info = runTool('capinfos', [file]).stdout;
  assert.match(info, /Number of packets = 629/);
  assert.match(info, /Number of stat entries = 1/);
});

for (const signal of ['SIGTERM', 'SIGHUP'] as const) {
  test(`${signal} ends a capture as Ctrl-C does`, async (t) => {
    const link = requireLink(t);
    if (link === null) return;
    const file = join(link.folder, 'out.pcapng');
    const running = await link.capture(['-w', file]);
    link.replay(GCM);
    const { exitCode, stdout, stderr } = await running.interrupt(signal);
    assert.equal(exitCode, 0, stderr);
    assert.match(stdout, /On the wire: .* 629 packets/);
    assert.match(runTool('capinfos', [file]).stdout, /Number of stat entries = 1/);
  });
}

test('packets that the kernel has counted and not handed over yet are waited for', async (t) => {
  const link = requireLink(t);
  if (link === null || !requireTool(t, 'cc')) return;
  const library = join(link.folder, 'late-libpcap.so');
  const source = repoPath('test/live/late-libpcap.c');
  // It is the real one but for what it does itself.
  const real = ['-Wl,--no-as-needed', '-l:libpcap.so.0.8', '-ldl'];
  runTool('cc', ['-shared', '-fPIC', '-o', library, source, ...real]);
  const running = await link.capture([], { env: { TARE_LIBPCAP: library } });
  link.replay(GCM);
  const { exitCode, stderr } = await running.interrupt();
  assert.equal(exitCode, 0, stderr);
  assert.match(stderr, /^tare: 629 packets captured/m);
});

test('the number of packets ends a capture that has time left, and its time one that lacks packets', async (t) => {
  const link = requireLink(t);
  if (link === null) return;
  const counted = await link.capture(['--count', '10', '--duration', '1h']);
  link.replay(GCM);
  const byCount = await counted.end();
  assert.equal(byCount.exitCode, 0, byCount.stderr);
  assert.match(byCount.stderr, /^tare: 10 packets captured/m);
  const timed = await link.capture(['--count', '10', '--duration', '50ms']);
  const byTime = await timed.end();
  assert.equal(byTime.exitCode, 0, byTime.stderr);
  assert.match(byTime.stderr, /^tare: 0 packets captured/m);
});

test('an interface that gets another name is captured on all the time', async (t) => {
  const link = requireLink(t);
  if (link === null) return;
  const running = await link.capture(['--json']);
  try {
    link.ip('link', 'set', NIC, 'name', 'tare-renamed');
  } catch (error) {
    t.skip(`this kernel renames no interface that is up: ${String(error)}`);
    await running.interrupt();
    return;
  }
  // Between the two, the interface is quiet for long enough to be looked for.
  for (const total of [629, 1258]) {
    link.run('tcpreplay', '-q', '-t', '-i', SENDER, GCM);
    await running.line(new RegExp(`"total":${total}\\b`));
  }
  const { exitCode, stderr } = await running.interrupt();
  assert.equal(exitCode, 0, stderr);
});

test('a capture on a bridge sees what its port receives', async (t) => {
  const link = requireLink(t);
  if (link === null) return;
  const bridge = 'tare-br';
  link.ip('link', 'add', bridge, 'type', 'bridge');
  link.run('sh', '-c', `echo 1 > /proc/sys/net/ipv6/conf/${bridge}/disable_ipv6`);
  link.ip('link', 'set', NIC, 'master', bridge);
  link.ip('link', 'set', bridge, 'up');
  // A bridge has something to say of its own, such as IGMP.
  const running = await link.capture(['-f', 'esp'], { nic: bridge });
  link.replay(GCM);
  const { exitCode, stderr } = await running.interrupt();
  assert.equal(exitCode, 0, stderr);
  // tcpdump -r t4-gcm16.pcap esp
  assert.match(stderr, /^tare: 625 packets captured/m);
});

test('"any" begins without a caution: there it is not asked for what is not this machine’s', async (t) => {
  const link = requireLink(t);
  if (link === null) return;
  const running = await link.capture([], { nic: 'any' });
  const { exitCode, stderr } = await running.interrupt();
  assert.equal(exitCode, 0, stderr);
  assert.doesNotMatch(stderr, /caution/);
});

test('a capture that cannot begin leaves a file of that name as it was', async (t) => {
  const link = requireLink(t);
  if (link === null) return;
  link.ip('link', 'set', 'lo', 'up');
  const first = await link.capture(['--metrics', '127.0.0.1:0']);
  await first.said(/metrics at \S+$/m);
  const port = /metrics at http:\/\/127\.0\.0\.1:(\d+)/.exec(first.stderr)![1]!;
  const file = join(link.folder, 'old.pcapng');
  writeFileSync(file, 'of yesterday');
  const tare = [process.execPath, TARE, 'capture', '-i', NIC, '-w', file, '--metrics', port];
  const second = await link.start(tare).end();
  assert.equal(second.exitCode, 4);
  assert.match(second.stderr, /--metrics: cannot listen on 127\.0\.0\.1 port \d+: something listens there/);
  assert.equal(readFileSync(file, 'utf8'), 'of yesterday');
  assert.equal((await first.interrupt()).exitCode, 0);
});
