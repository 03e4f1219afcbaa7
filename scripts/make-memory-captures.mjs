// Records live migrations of this machine's QEMU together with the memory of the guest as QEMU itself gives it out at the destination,
// which stays paused: what test/golden/exposure.test.ts holds rebuilt memory against. Needs root, QEMU and tcpdump:
//   node scripts/make-memory-captures.mjs FOLDER
// Everything runs in a network namespace of its own, on its loopback device, MTU 1500, without offloads.

import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { argv, execPath, exit } from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { guestSector } from '../dist/src/orchestrator/qemu/guest-sector.js';
import { QmpClient } from '../dist/src/orchestrator/qemu/qmp-client.js';

const MEMORY_BYTES = 8 << 20;
const PORT = 4444;
/** Of the address space of a PC: its memory, without the window of the video memory at 640 KiB. */
const REGIONS = [
  { from: 0, bytes: 0xa0000 },
  { from: 0xc0000, bytes: MEMORY_BYTES - 0xc0000 },
];
const PLANTED = 'password: tulip-anchor-93-velvet; AKIA2TAREPLANTEDKEY7; END';

const capability = (...names) => ({
  capabilities: names.map((name) => ({ capability: name, state: true })),
});

/**
 * `passes`: synchronisations of the dirty bitmap after which it may end.
 * @type {Record<string, { capabilities: string[], parameters: Record<string, unknown>, passes: number }>}
 */
const VARIANTS = {
  single: { capabilities: [], parameters: {}, passes: 5 },
  multifd: { capabilities: ['multifd'], parameters: { 'multifd-channels': 3 }, passes: 5 },
  xbzrle: { capabilities: ['xbzrle'], parameters: { 'xbzrle-cache-size': 4 << 20 }, passes: 20 },
  compress: { capabilities: ['compress'], parameters: { 'compress-threads': 2 }, passes: 5 },
};

/** The destination runs nothing: `-S`. So its memory is what came, whenever it is looked at. */
function startQemu(folder, role, extra) {
  const qmp = join(folder, `${role}.qmp`);
  const args = [
    ...['-nodefaults', '-no-user-config', '-display', 'none', '-machine', 'pc', '-accel', 'tcg'],
    ...['-smp', '1', '-m', `${MEMORY_BYTES / 1024}k`],
    ...['-drive', `file=${join(folder, 'disk')},format=raw,if=ide,file.locking=off`],
    ...['-serial', `file:${join(folder, `${role}.serial`)}`],
    ...['-qmp', `unix:${qmp},server=on,wait=off`, ...extra],
  ];
  return { qmp, child: spawn('qemu-system-x86_64', args, { stdio: 'inherit' }) };
}

async function connected(path) {
  while (!existsSync(path)) await sleep(50);
  return QmpClient.connect(path);
}

async function record(name, folder, out) {
  const { capabilities, parameters, passes } = VARIANTS[name];
  const sector = guestSector({
    fillPages: 400,
    zeroShare: 0.2,
    workingPages: 256,
    pagesPerSecond: 8000,
    order: 'random',
    text: PLANTED,
  });
  writeFileSync(join(folder, 'disk'), Buffer.concat([sector, Buffer.alloc(1 << 20)]));
  const source = startQemu(folder, 'source', []);
  const destination = startQemu(folder, 'destination', ['-S', '-incoming', 'defer']);
  const pcap = join(folder, 'lo.pcap');
  const tcpdump = spawn(
    'tcpdump',
    ['-i', 'lo', '-n', '-s', '0', '-B', '32768', '--immediate-mode', '-w', pcap, `tcp port ${PORT}`],
    {
      stdio: ['ignore', 'ignore', 'pipe'],
    },
  );
  try {
    await new Promise((resolve) => tcpdump.stderr.once('data', resolve));
    const from = await connected(source.qmp);
    const to = await connected(destination.qmp);
    const serial = join(folder, 'source.serial');
    while (!existsSync(serial) || readFileSync(serial).length === 0) await sleep(50);
    for (const client of [from, to]) {
      await client.execute('migrate-set-capabilities', capability(...capabilities, 'events'));
      await client.execute('migrate-set-parameters', {
        'max-bandwidth': 6_000_000,
        'downtime-limit': 1,
        ...parameters,
      });
    }
    await to.execute('migrate-incoming', { uri: `tcp:127.0.0.1:${PORT}` });
    await from.execute('migrate', { uri: `tcp:127.0.0.1:${PORT}` });
    // A few passes with pages sent again, then as fast as it goes.
    for (let status = await from.execute('query-migrate'); status.status !== 'completed'; ) {
      if (status.status === 'failed') throw new Error(JSON.stringify(status));
      if ((status.ram?.['dirty-sync-count'] ?? 0) >= passes) {
        await from.execute('migrate-set-parameters', {
          'max-bandwidth': 500_000_000,
          'downtime-limit': 2000,
        });
      }
      await sleep(10);
      status = await from.execute('query-migrate');
    }
    for (let state = {}; state.status !== 'paused'; state = await to.execute('query-status')) await sleep(50);
    const { ram } = await from.execute('query-migrate');
    const regions = [];
    for (const { from: at, bytes } of REGIONS) {
      const file = join(folder, `memory-${at}`);
      await to.execute('pmemsave', { val: at, size: bytes, filename: file });
      const content = readFileSync(file);
      regions.push({ from: at, bytes, sha256: createHash('sha256').update(content).digest('hex') });
    }
    await sleep(1500);
    tcpdump.kill('SIGINT');
    await new Promise((resolve) => tcpdump.once('exit', resolve));
    writeFileSync(join(out, `${name}.pcap.gz`), gzipSync(readFileSync(pcap), { level: 9 }));
    const { qemu } = await to.execute('query-version');
    const text = JSON.stringify({ qemu, memoryBytes: MEMORY_BYTES, planted: PLANTED, regions, ram }, null, 1);
    writeFileSync(join(out, `${name}.json`), `${text}\n`);
    from.close();
    to.close();
  } finally {
    for (const child of [source.child, destination.child, tcpdump]) child.kill('SIGKILL');
  }
}

async function main() {
  const out = argv[2];
  if (out === undefined) throw new Error('name a folder');
  if (argv[3] !== 'inside') {
    const self = fileURLToPath(import.meta.url);
    return spawnSync('unshare', ['-n', execPath, self, out, 'inside'], { stdio: 'inherit' }).status ?? 1;
  }
  execFileSync('ip', ['link', 'set', 'lo', 'mtu', '1500', 'up']);
  execFileSync('ethtool', ['-K', 'lo', 'tso', 'off', 'gso', 'off', 'gro', 'off'], { stdio: 'ignore' });
  mkdirSync(out, { recursive: true });
  for (const name of Object.keys(VARIANTS)) {
    const folder = mkdtempSync(join(tmpdir(), 'tare-memory-'));
    await record(name, folder, out).finally(() => rmSync(folder, { recursive: true, force: true }));
  }
  return 0;
}

exit(await main());
