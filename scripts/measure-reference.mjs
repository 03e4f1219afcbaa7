// Measures what processors pay for migration traffic on this machine, and prints it as JSON: the figures of
// src/model/calibration/shipped/reference-measurements.ts.
//
//   node scripts/measure-reference.mjs ciphers   speed of ciphers and hashes (openssl)
//   node scripts/measure-reference.mjs tcp       TCP in the clear between two network namespaces (root; iperf3, perf, ip, ethtool)
//   node scripts/measure-reference.mjs qemu      QEMU's own work (root; qemu-system-x86_64, perf, ip, ethtool)
//
// All figures are time on a processor, not time that passed, so that other work on the machine disturbs little.
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { randomFillSync } from 'node:crypto';
import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { connect } from 'node:net';
import { cpus, release, tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';

const SIZES = [64, 1408, 8960];
const CIPHERS = [
  ...['cbc', 'ctr', 'gcm', 'ccm'].flatMap((mode) => [128, 192, 256].map((bits) => `aes-${bits}-${mode}`)),
  ...[128, 192, 256].map((bits) => `camellia-${bits}-cbc`),
  'des-ede3-cbc',
  'chacha20-poly1305',
];
const HASHES = ['md5', 'sha1', 'sha256', 'sha384', 'sha512', 'ripemd160'];

const SOURCE = 'tare-a';
const DESTINATION = 'tare-b';
const MIB = 2 ** 20;
const PERF_HZ = 4000;

function run(command, ...args) {
  return execFileSync(command, args, {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
    maxBuffer: 1 << 28,
  });
}

// ---- ciphers: nanoseconds of one packet of each size

function openssl(...args) {
  const nanoseconds = SIZES.map((bytes) => {
    const { stdout } = spawnSync(
      'openssl',
      ['speed', '-mr', '-seconds', '1', '-bytes', String(bytes), ...args],
      {
        encoding: 'utf8',
      },
    );
    const bytesPerSecond = Number(/^\+F\d*:.*:([\d.]+)$/m.exec(stdout)?.[1]);
    if (!(bytesPerSecond > 0)) throw new Error(`openssl speed ${args.join(' ')} said nothing:\n${stdout}`);
    return Math.round((bytes * 1e9) / bytesPerSecond);
  });
  process.stderr.write(`${args.join(' ')}: ${nanoseconds.join(' ')} ns\n`);
  return nanoseconds;
}

function measureCiphers() {
  const ciphers = Object.fromEntries(
    CIPHERS.map((name) => [
      name,
      { encrypt: openssl('-evp', name), decrypt: openssl('-evp', name, '-decrypt') },
    ]),
  );
  const macs = Object.fromEntries([
    ...HASHES.map((name) => [name, openssl('-hmac', name)]),
    ['aes-128-cmac', openssl('-cmac', 'aes-128-cbc')],
    ['ghash', openssl('ghash')],
  ]);
  return {
    cpu: cpus()[0].model,
    kernel: release(),
    openssl: run('openssl', 'version').trim(),
    sizes: SIZES,
    ciphers,
    macs,
  };
}

// ---- two network namespaces with a veth pair, segmentation offloads off

function openLink() {
  closeLink();
  for (const name of [SOURCE, DESTINATION]) run('ip', 'netns', 'add', name);
  run('ip', 'link', 'add', 'va', 'netns', SOURCE, 'type', 'veth', 'peer', 'name', 'vb', 'netns', DESTINATION);
  for (const [name, device, address] of [
    [SOURCE, 'va', '10.77.0.1/24'],
    [DESTINATION, 'vb', '10.77.0.2/24'],
  ]) {
    run('ip', '-n', name, 'addr', 'add', address, 'dev', device);
    run('ip', 'netns', 'exec', name, 'ethtool', '-K', device, 'tso', 'off', 'gso', 'off', 'gro', 'off');
    run('ip', '-n', name, 'link', 'set', 'lo', 'up');
  }
}

function closeLink() {
  for (const name of [SOURCE, DESTINATION]) spawnSync('ip', ['netns', 'del', name], { stdio: 'ignore' });
}

function setMtu(mtu) {
  run('ip', '-n', SOURCE, 'link', 'set', 'va', 'mtu', String(mtu), 'up');
  run('ip', '-n', DESTINATION, 'link', 'set', 'vb', 'mtu', String(mtu), 'up');
}

function sentPackets(namespace, device) {
  return JSON.parse(run('ip', '-n', namespace, '-s', '-j', 'link', 'show', device))[0].stats64.tx.packets;
}

// ---- perf: nanoseconds of processor time

/**
 * Adds up samples by what `classify` says of them.
 * @param classify of thread name, process and set of functions on the stack; undefined passes over the sample
 */
async function tally(file, classify) {
  const script = spawn('perf', ['script', '-i', file, '-F', 'comm,pid,tid,ip,sym'], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const nanoseconds = {};
  let head = null;
  const stack = new Set();
  const close = () => {
    const key = head === null ? undefined : classify(head.comm, head.pid, stack);
    if (key !== undefined) nanoseconds[key] = (nanoseconds[key] ?? 0) + 1e9 / PERF_HZ;
    head = null;
    stack.clear();
  };
  for await (const line of createInterface({ input: script.stdout })) {
    const begin = /^(\S.*?)\s+(\d+)\/(\d+)/.exec(line);
    if (begin !== null) {
      close();
      head = { comm: begin[1], pid: Number(begin[2]) };
    } else {
      const symbol = /^\s+[0-9a-f]+ (\S+)/.exec(line)?.[1];
      if (symbol !== undefined) stack.add(symbol);
    }
  }
  close();
  return nanoseconds;
}

const RECEIVING = ['process_backlog', 'net_rx_action', '__netif_receive_skb_one_core'];
const SENDING = ['tcp_write_xmit', '__tcp_push_pending_frames', '__tcp_transmit_skb'];
const COPYING = ['_copy_from_iter', '_copy_to_iter', 'copy_page_from_iter'];

/** Which part of the work a sample is: packets received or sent, copying, the rest of system calls, or the program. */
function workOf(stack) {
  const has = (symbols) => symbols.some((symbol) => stack.has(symbol));
  if (has(RECEIVING)) return 'receive';
  if (has(SENDING)) return 'send';
  if (has(COPYING)) return stack.has('tcp_sendmsg') ? 'copyFromUser' : 'copyToUser';
  if (stack.has('tcp_sendmsg')) return 'sendmsg';
  if (stack.has('tcp_recvmsg')) return 'recvmsg';
  if (stack.has('asm_exc_page_fault')) return 'pageFaults';
  return 'other';
}

// ---- TCP

async function measureTcpAt(mtu, folder) {
  setMtu(mtu);
  const server = spawn('ip', ['netns', 'exec', DESTINATION, 'taskset', '-c', '1', 'iperf3', '-s', '-1'], {
    stdio: 'ignore',
  });
  await sleep(500);
  const [data, acks] = [sentPackets(SOURCE, 'va'), sentPackets(DESTINATION, 'vb')];
  const file = join(folder, `tcp-${mtu}.perf`);
  run(
    'ip',
    'netns',
    'exec',
    SOURCE,
    'taskset',
    '-c',
    '1',
    'perf',
    'record',
    '-o',
    file,
    '-e',
    'cpu-clock',
    '-F',
    String(PERF_HZ),
    '-g',
    '-C',
    '1',
    '--',
    'iperf3',
    '-c',
    '10.77.0.2',
    '-t',
    '6',
    '-l',
    '128K',
    '-C',
    'cubic',
  );
  server.kill();
  const segments = sentPackets(SOURCE, 'va') - data;
  const acknowledgements = sentPackets(DESTINATION, 'vb') - acks;
  const work = await tally(file, (comm, _pid, stack) => (comm === 'iperf3' ? workOf(stack) : undefined));
  return { mtu, segments, acknowledgements, nsPerSegment: perPiece(work, segments) };
}

function perPiece(work, pieces) {
  return Object.fromEntries(Object.entries(work).map(([name, ns]) => [name, Math.round(ns / pieces)]));
}

async function measureTcp() {
  const folder = mkdtempSync(join(tmpdir(), 'tare-reference-'));
  openLink();
  try {
    return [await measureTcpAt(1500, folder), await measureTcpAt(9000, folder)];
  } finally {
    closeLink();
    rmSync(folder, { recursive: true });
  }
}

// ---- QEMU

class Monitor {
  #socket;
  #pending = '';
  #waiting = [];
  events = [];

  static async open(path) {
    const monitor = new Monitor();
    for (let attempt = 0; ; attempt++) {
      try {
        await new Promise((resolve, reject) => {
          monitor.#socket = connect(path, resolve).on('error', reject);
        });
        break;
      } catch (error) {
        if (attempt > 100) throw error;
        await sleep(100);
      }
    }
    monitor.#socket.setEncoding('utf8').on('data', (text) => monitor.#take(text));
    await monitor.call('qmp_capabilities');
    return monitor;
  }

  #take(text) {
    this.#pending += text;
    const lines = this.#pending.split('\n');
    this.#pending = lines.pop();
    for (const line of lines) {
      const message = JSON.parse(line);
      if (message.event !== undefined) {
        const { seconds, microseconds } = message.timestamp;
        this.events.push({ name: message.event, data: message.data, ms: seconds * 1e3 + microseconds / 1e3 });
      } else if (message.QMP === undefined) this.#waiting.shift()?.(message);
    }
  }

  async call(execute, args = {}) {
    const answer = new Promise((resolve) => this.#waiting.push(resolve));
    this.#socket.write(`${JSON.stringify({ execute, arguments: args })}\n`);
    const { error, return: value } = await answer;
    if (error !== undefined) throw new Error(`${execute}: ${error.desc}`);
    return value;
  }

  at(name, status) {
    return this.events.find(
      (event) => event.name === name && (status === undefined || event.data.status === status),
    )?.ms;
  }
}

function writeMemory(path, memoryMib, filledMib) {
  const file = openSync(path, 'w');
  const chunk = Buffer.alloc(MIB);
  for (let at = 0; at < filledMib; at++) {
    randomFillSync(chunk);
    writeSync(file, chunk, 0, MIB, (1 + at) * MIB);
  }
  writeSync(file, Buffer.alloc(1), 0, 1, memoryMib * MIB - 1);
  closeSync(file);
}

function startQemu(namespace, folder, name, memoryMib, extra) {
  return spawn(
    'ip',
    [
      'netns',
      'exec',
      namespace,
      'qemu-system-x86_64',
      '-machine',
      'pc,memory-backend=ram',
      '-accel',
      'tcg',
      '-m',
      String(memoryMib),
      '-nodefaults',
      '-display',
      'none',
      '-name',
      `${name},debug-threads=on`,
      '-qmp',
      `unix:${folder}/${name}.qmp,server=on,wait=off`,
      ...extra,
    ],
    { stdio: 'ignore' },
  );
}

async function migrateOnce(folder, { memoryMib, filledMib, multifd }) {
  const memory = join('/dev/shm', 'tare-reference-memory');
  writeMemory(memory, memoryMib, filledMib);
  const source = startQemu(SOURCE, folder, 'a', memoryMib, [
    '-object',
    `memory-backend-file,id=ram,size=${memoryMib}M,mem-path=${memory},share=off,prealloc=on`,
  ]);
  const destination = startQemu(DESTINATION, folder, 'b', memoryMib, [
    '-object',
    `memory-backend-ram,id=ram,size=${memoryMib}M,prealloc=on`,
    '-incoming',
    'defer',
  ]);
  try {
    const [from, to] = [await Monitor.open(`${folder}/a.qmp`), await Monitor.open(`${folder}/b.qmp`)];
    await sleep(4000);
    for (const each of [from, to]) {
      const capabilities = [
        { capability: 'events', state: true },
        { capability: 'multifd', state: multifd },
      ];
      await each.call('migrate-set-capabilities', { capabilities });
    }
    await from.call('migrate-set-parameters', { 'max-bandwidth': 100e9 });
    await to.call('migrate-incoming', { uri: 'tcp:10.77.0.2:4444' });
    const file = join(folder, `${filledMib}-${multifd}.perf`);
    const perf = spawn('perf', ['record', '-o', file, '-a', '-e', 'cpu-clock', '-F', String(PERF_HZ), '-g'], {
      stdio: 'ignore',
    });
    await sleep(1000);
    const beganMs = Date.now();
    await from.call('migrate', { uri: 'tcp:10.77.0.2:4444' });
    let status;
    do {
      await sleep(50);
      status = await from.call('query-migrate');
    } while (status.status !== 'completed' || status['total-time'] === 0);
    await sleep(300);
    perf.kill('SIGINT');
    await new Promise((resolve) => perf.on('exit', resolve));
    return { status, from, beganMs, file, destinationPid: destination.pid };
  } finally {
    source.kill();
    destination.kill();
    rmSync(memory);
    await sleep(500);
  }
}

async function measureQemu() {
  const folder = mkdtempSync(join(tmpdir(), 'tare-reference-'));
  openLink();
  setMtu(9000);
  const results = [];
  try {
    for (const guest of [
      { memoryMib: 2048, filledMib: 1536, multifd: false },
      { memoryMib: 2048, filledMib: 0, multifd: false },
      { memoryMib: 2048, filledMib: 1536, multifd: true },
    ]) {
      const { status, from, beganMs, file, destinationPid } = await migrateOnce(folder, guest);
      const { ram } = status;
      const { normal, duplicate: zero } = ram;
      const work = await tally(file, (comm, pid, stack) => {
        const thread = pid === destinationPid ? `destination ${comm}` : comm;
        return /live_migration|multifdsend|^destination (CPU|qemu|multifdrecv|b)/.test(thread)
          ? `${thread.replace(/_\d+$/, '')}: ${workOf(stack)}`
          : undefined;
      });
      results.push({
        ...guest,
        normal,
        zero,
        totalMs: status['total-time'],
        setupMs: status['setup-time'],
        downtimeMs: status.downtime,
        synchronisations: ram['dirty-sync-count'],
        activeAfterMs: from.at('MIGRATION', 'active') - beganMs,
        stopToEndMs: from.at('MIGRATION', 'completed') - from.at('STOP'),
        nsPerPage: perPiece(work, guest.filledMib > 0 ? normal : zero),
      });
    }
    return results;
  } finally {
    closeLink();
    rmSync(folder, { recursive: true });
  }
}

const PARTS = { ciphers: measureCiphers, tcp: measureTcp, qemu: measureQemu };
const part = PARTS[process.argv[2]];
if (part === undefined) {
  process.stderr.write('node scripts/measure-reference.mjs ciphers|tcp|qemu\n');
  process.exitCode = 2;
} else {
  process.stdout.write(`${JSON.stringify(await part(), null, 1)}\n`);
}
