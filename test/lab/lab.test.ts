/** Boots a real lab: two kernels, one link. Some ten seconds on an idle machine; shared by the tests of this file. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { Host } from '../../src/orchestrator/hosts/host.js';
import type { Lab } from '../../src/orchestrator/lab/lab.js';
import { runFolder } from '../../src/orchestrator/lab/lab-paths.js';
import { listLabs } from '../../src/orchestrator/lab/lab-runs.js';
import { SIDES } from '../../src/orchestrator/lab/machine-arguments.js';
import { attachLab, openLab } from '../../src/orchestrator/lab/open-lab.js';
import { repoPath } from '../repo-root.js';
import { requireTool, runTool } from '../tool.js';
import { HOST_BEHAVIOURS } from '../unit/orchestrator/hosts/host-behaviour.js';
import { forgetPathMtus, PATH_MTU_CASES } from './path-mtu-cases.js';
import { findLabObstacle, requireLab } from './require-lab.js';

const obstacle = await findLabObstacle();
const folder = mkdtempSync(join(tmpdir(), 'tare-lab-test-'));
let opened: Lab | null = null;

before(async () => {
  if (obstacle === null) opened = await openLab({ name: `test-${process.pid}` });
});

after(async () => {
  await opened?.close();
  rmSync(folder, { recursive: true });
});

/** As long as a machine may take to answer when its clock is read. Unread clocks are off by the seconds that machines take to start. */
const CLOCK_ERROR_MS = 2000;

function labTest(title: string, body: (lab: Lab) => Promise<void>): void {
  test(title, async (t) => {
    if (requireLab(t, obstacle)) await body(opened!);
  });
}

for (const [title, body] of HOST_BEHAVIOURS.slice(0, 4)) {
  test(`in a machine of the lab: ${title}`, async (t) => {
    if (requireLab(t, obstacle)) await body(opened!.source, '/tmp', t);
  });
}

labTest(
  'both machines run a kernel of their own, with ESP and AH, and know each other by name',
  async (lab) => {
    for (const side of SIDES) {
      const { stdout } = await lab[side].run('sh', [
        '-c',
        'hostname; uname -r; lsmod | grep -c -e ^esp4 -e ^ah4',
      ]);
      assert.deepEqual(stdout.trim().split('\n'), [side, lab.record.kernelRelease, '2']);
    }
    assert.ok(await ping(lab.source, 'destination'));
    assert.ok(await ping(lab.destination, lab.addresses.ipv6.source));
  },
);

labTest('the clocks of the machines are set to ours', async (lab) => {
  for (const side of SIDES) {
    const before = Date.now();
    const { stdout } = await lab[side].run('date', ['+%s%3N']);
    // How exactly depends on how busy this machine is; that they were set shows by the minute.
    assert.ok(
      Number(stdout) > before - 60_000 && Number(stdout) < Date.now() + 60_000,
      `${side}: ${stdout} at ${before}`,
    );
  }
});

labTest(
  'a capture of the link shows what the kernels sent, in the clear and in ESP, on our clock',
  async (lab) => {
    /** Neighbours are looked for when a kernel likes to: when only one of the captures runs, it may be. */
    const protocols = async (act: () => Promise<void>): Promise<string[]> => {
      const startMs = Date.now();
      const captures = await Promise.all(
        SIDES.map((side) => lab.captureLink(side, join(folder, `${side}.pcap`), 96)),
      );
      await act();
      await Promise.all(captures.map((capture) => capture.stop()));
      const endMs = Date.now();
      const frames = captures.map(({ path, clockOffsetMs }) => readPcap(path, clockOffsetMs));
      const [source, destination] = frames.map((each) => each.filter(({ etherType }) => etherType === 0x800));
      assert.deepEqual(source!.map(describe), destination!.map(describe), 'both ends see the same');
      for (const [i, { timeMs }] of source!.entries()) {
        assert.ok(
          timeMs > startMs - CLOCK_ERROR_MS && timeMs < endMs + CLOCK_ERROR_MS,
          `frame ${i} at ${timeMs - startMs} of ${endMs - startMs} ms`,
        );
      }
      return source!.map(describe);
    };
    const clear = await protocols(async () => assert.ok(await ping(lab.source, '10.9.0.2')));
    assert.deepEqual(clear, ['1 98', '1 98']);
    await protect(lab);
    const sent = await countPackets(lab.source);
    const protectedOnes = await protocols(async () => assert.ok(await ping(lab.source, '10.9.0.2')));
    // 84 bytes of IP, of which 64 go into ESP: 8 + 8 + 64 + 2 + 2 + 16 after 20 + 14.
    assert.deepEqual(protectedOnes, ['50 134', '50 134']);
    assert.equal((await countPackets(lab.source)) - sent, 1);
    for (const side of SIDES)
      await lab[side].run('ip', ['-batch', '-'], { input: 'xfrm state flush\nxfrm policy flush\n' });
  },
);

labTest('the link can be changed while the machines run', async (lab) => {
  const { link } = lab.record;
  await lab.setLink({ ...link, rttUs: 50_000, mtu: 9000 });
  const args = ['ping', '-c', '1', '-W', '60', '-s', '8972', '10.9.0.2'];
  const { stdout } = await lab.source.run('busybox', args);
  const timeMs = Number(/time=([\d.]+) ms/.exec(stdout)?.[1]);
  assert.ok(timeMs >= 50, `${timeMs} ms`);
  assert.equal(await mtuOf(lab.destination, lab.linkDevice), 9000);
  await lab.setLink({ ...link, loss: 1 });
  assert.equal(await ping(lab.source, '10.9.0.2', 1), false);
  await lab.setLink(link);
  assert.ok(await ping(lab.source, '10.9.0.2'));
});

labTest('a pulled cable carries nothing, and everything once it is back', async (lab) => {
  await lab.connectLink(false);
  assert.equal(await ping(lab.source, '10.9.0.2', 1), false);
  await lab.connectLink(true);
  // The kernel takes note of the carrier once a second.
  while (!(await ping(lab.source, '10.9.0.2', 1))) {}
});

for (const { title, check } of PATH_MTU_CASES) labTest(title, check);

labTest('what was tried on the link is taken back', forgetPathMtus);

labTest('a kept lab runs beside another until it is ended', async (lab) => {
  const name = `kept-${process.pid}`;
  const said = await tare(['lab', 'up', '--name', name, '--link', '100Mbit', '--memory', '512MiB']);
  assert.match(
    said,
    new RegExp(`^The lab ${name} is up: Linux ${lab.record.kernelRelease}, QEMU ${lab.record.qemuVersion}`),
  );
  const { labs } = JSON.parse(await tare(['lab', 'status', '--json'])) as {
    labs: { name: string; state: string }[];
  };
  for (const each of [name, lab.record.name]) {
    assert.equal(labs.find((entry) => entry.name === each)?.state, 'up', each);
  }
  await assert.rejects(openLab({ name }), /there is a lab named .* already/);
  const shell = await tare(['lab', 'shell', 'destination', '--name', name], 'hostname; exit 0\n');
  assert.equal(shell, 'destination\n');
  const attached = await attachLab(name);
  assert.deepEqual([attached.record.link.linkBps, attached.record.keep], [1e8, true]);
  const far = await attached.source.run('cat', ['/proc/sys/kernel/random/boot_id']);
  const near = await lab.source.run('cat', ['/proc/sys/kernel/random/boot_id']);
  assert.notEqual(far.stdout, near.stdout);
  await attached.close();
  assert.equal(await tare(['lab', 'down', '--name', name]), `The lab ${name} has ended.\n`);
  assert.deepEqual(processesOf(name), []);
  assert.equal(existsSync(join(runFolder(), name)), false);
  assert.ok(await ping(lab.source, '10.9.0.2'));
});

for (const victim of ['the process that opened it', 'its supervisor', 'both at once'] as const) {
  test(`a lab ends with whoever runs it, and leaves nothing behind: ${victim} killed`, async (t) => {
    if (!requireLab(t, obstacle)) return;
    const name = `killed-${process.pid}`;
    const opener = startLabElsewhere(name);
    const supervisor = await waitFor(async () => {
      const status = (await listLabs()).find((each) => each.name === name);
      return status !== undefined && processesOf(name).length === 3 ? status.supervisor.pid : null;
    });
    if (victim !== 'its supervisor') opener.kill('SIGKILL');
    if (victim !== 'the process that opened it') process.kill(supervisor, 'SIGKILL');
    if (opener.exitCode === null && opener.signalCode === null) await once(opener, 'exit');
    await waitFor(async () => (processesOf(name).length === 0 ? true : null));
    // With its supervisor killed, the next look at the labs removes the folder.
    await waitFor(async () => {
      await listLabs();
      return readdirSync(runFolder()).includes(name) ? null : true;
    });
  });
}

test('tcpdump reads what the lab captures', async (t) => {
  if (!requireLab(t, obstacle) || !requireTool(t, 'tcpdump')) return;
  const path = join(folder, 'tcpdump.pcap');
  const capture = await opened!.captureLink('source', path, 65535);
  await ping(opened!.source, '10.9.0.2');
  await capture.stop();
  const { stdout } = runTool('tcpdump', ['-n', '-r', path, 'icmp']);
  assert.match(stdout, /10\.9\.0\.1 > 10\.9\.0\.2: ICMP echo request/);
});

/** One echo request. @param seconds that an answer may take: many where it must come, few where none will */
async function ping(host: Host, address: string, seconds = 60): Promise<boolean> {
  const args = ['ping', '-c', '1', '-W', String(seconds), address];
  return (await host.run('busybox', args, { check: false })).code === 0;
}

async function mtuOf(host: Host, device: string): Promise<number> {
  return Number(String(await host.readFile(`/sys/class/net/${device}/mtu`)));
}

/** AES-GCM in both directions, keys on standard input. */
async function protect(lab: Lab): Promise<void> {
  const key = `0x${Buffer.alloc(20, 7).toString('hex')}`;
  const { source, destination } = lab.addresses.ipv4;
  for (const side of SIDES) {
    const lines = [
      [source, destination, '0x100', side === 'source' ? 'out' : 'in'],
      [destination, source, '0x200', side === 'source' ? 'in' : 'out'],
    ].flatMap(([from, to, spi, direction]) => [
      `xfrm state add src ${from} dst ${to} proto esp spi ${spi} reqid 1 mode transport aead rfc4106(gcm(aes)) ${key} 128`,
      `xfrm policy add src ${from} dst ${to} dir ${direction} tmpl proto esp reqid 1 mode transport`,
    ]);
    await lab[side].run('ip', ['-batch', '-'], { input: `${lines.join('\n')}\n` });
  }
}

/** Packets that the outgoing state has protected, as the kernel counts them. */
async function countPackets(host: Host): Promise<number> {
  const { stdout } = await host.run('ip', [
    '-s',
    'xfrm',
    'state',
    'get',
    'dst',
    '10.9.0.2',
    'proto',
    'esp',
    'spi',
    '0x100',
  ]);
  return Number(/(\d+)\(packets\)/.exec(stdout)?.[1]);
}

interface Frame {
  readonly timeMs: number;
  readonly wireBytes: number;
  readonly etherType: number;
  readonly protocol: number;
}

function describe({ wireBytes, protocol }: Frame): string {
  return `${protocol} ${wireBytes}`;
}

function readPcap(path: string, clockOffsetMs: number): Frame[] {
  const file = readFileSync(path);
  const frames: Frame[] = [];
  for (let at = 24; at < file.length; at += 16 + file.readUInt32LE(at + 8)) {
    frames.push({
      timeMs: file.readUInt32LE(at) * 1000 + file.readUInt32LE(at + 4) / 1000 + clockOffsetMs,
      wireBytes: file.readUInt32LE(at + 12),
      etherType: file.readUInt16BE(at + 16 + 12),
      protocol: file.readUInt8(at + 16 + 23),
    });
  }
  return frames;
}

async function tare(args: readonly string[], input = ''): Promise<string> {
  const child = spawn(process.execPath, [repoPath('dist/src/cli/main.js'), ...args], {
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  child.stdin.end(input);
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk) => {
    stdout += chunk;
  });
  child.stderr.on('data', (chunk) => {
    stderr += chunk;
  });
  const [code] = await once(child, 'close');
  assert.equal(code, 0, `tare ${args.join(' ')}: ${stderr}`);
  return stdout;
}

/** A process that opens a lab and waits for it, forever if need be. */
function startLabElsewhere(name: string): ChildProcess {
  const script = `
    const { openLab } = await import(${JSON.stringify(repoPath('dist/src/orchestrator/lab/open-lab.js'))});
    await openLab({ name: ${JSON.stringify(name)} });
    setInterval(() => {}, 1000);`;
  return spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: 'ignore' });
}

/** Supervisor and machines: their working folder is the lab's. */
function processesOf(name: string): string[] {
  const wanted = join(runFolder(), name);
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .filter((pid) => {
      try {
        return readlinkSync(`/proc/${pid}/cwd`).startsWith(wanted);
      } catch {
        return false;
      }
    });
}

async function waitFor<Value>(look: () => Promise<Value | null>): Promise<Value> {
  for (;;) {
    const found = await look();
    if (found !== null) return found;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
