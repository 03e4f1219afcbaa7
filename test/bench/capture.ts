import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { LiveLink, NIC, SENDER } from '../live/live-link.js';
import { repoPath } from '../repo-root.js';
import { findTool, runTool } from '../tool.js';
import { TARE } from '../unit/cli/run-tare.js';

export interface CaptureBenchOptions {
  readonly rounds: number;
  readonly scale: number;
}

/** A program that captures, and what it says when it has begun. */
interface Rival {
  readonly name: string;
  readonly command: (file: string) => string[];
  readonly begun: RegExp;
  readonly env?: Readonly<Record<string, string>>;
  /** It prints how many packets it got, instead of writing them to its file. */
  readonly counts?: true;
}

interface Load {
  /** Of a frame. */
  readonly bytes: number;
  /** Packets a second; the sender goes as far as it can. */
  readonly rate: number;
  readonly seconds: number;
}

interface Attempt {
  readonly sent: number;
  readonly got: number;
  /** Of those that were got: written, but not analysed. */
  readonly skipped: number;
  /** Processor time of all threads, start and end included; null if it failed. */
  readonly cpuSeconds: number | null;
}

/**
 * Sender and programs have processors of their own: where they share them, what a program takes slows the sender down, and
 * nobody loses anything.
 */
const SENDER_CPU = '0';
const CAPTURE_CPUS = `1-${Math.max(1, cpus().length - 1)}`;
/** Packets a second; the sender goes as far as it can. */
const RATES = [
  100_000, 200_000, 300_000, 400_000, 500_000, 600_000, 800_000, 1_000_000, 1_250_000, 1_500_000, 0,
];
const SECONDS = 2;
const PEER_ADDRESS = '10.77.0.2';
const FRAME_BYTES = [128, 1514];
/** Of Ethernet, IPv4 and UDP. */
const HEADER_BYTES = 42;
/** Of the kernel, the same for all. */
const BUFFER_MIB = 32;

/**
 * The greatest rate at which nothing is lost, for each program in turn at each rate, on a veth pair.
 * @returns goals missed
 */
export async function benchCapture({ rounds, scale }: CaptureBenchOptions): Promise<number> {
  const rivals = [TARE_CAPTURE, TCPDUMP, DUMPCAP, ...(installCap() ? [CAP] : [])];
  let missed = 0;
  const seconds = Math.max(1, Math.round(SECONDS * scale));
  for (const bytes of FRAME_BYTES) {
    console.log(
      `\nlive capture, ${bytes}-byte frames over a veth pair, ${seconds} s at each rate, ${rounds} rounds`,
    );
    const best = new Map(rivals.map((rival) => [rival, 0]));
    let racing: readonly Rival[] = rivals;
    let before = 0;
    for (const rate of RATES) {
      const offered = await tryRate({ bytes, rate, seconds }, racing, rounds, best);
      // Losing at two rates in turn is no accident: faster need not be tried. Nor need what the sender cannot send.
      racing = racing.filter((rival) => best.get(rival)! >= before);
      if (racing.length === 0 || offered < rate) break;
      before = offered;
    }
    missed += judge(best, bytes);
  }
  return missed;
}

/** Notes in `best` what those lost nothing of that had lost nothing before: in their best round, as the machine has other work. @returns packets a second that were sent */
async function tryRate(
  load: Load,
  rivals: readonly Rival[],
  rounds: number,
  best: Map<Rival, number>,
): Promise<number> {
  const { rate, seconds } = load;
  const attempts = new Map<Rival, Attempt[]>(rivals.map((rival) => [rival, []]));
  for (let round = 0; round < rounds; round++) {
    for (const rival of rivals) attempts.get(rival)!.push(await attempt(rival, load));
  }
  // What was sent differs by chance: whoever got all of it kept up with the same rate.
  const sent = median([...attempts.values()].flat().map(({ sent }) => sent)) / seconds;
  const offered = sent > 0.99 * rate ? rate : Math.round(sent);
  console.log(`  ${rate} packets/s${offered < rate ? `: the sender managed ${offered}` : ''}`);
  for (const [rival, tried] of attempts) {
    const cleanest = tried.reduce((a, b) => (b.got / b.sent > a.got / a.sent ? b : a));
    console.log(`    ${rival.name.padEnd(16)} ${describe(cleanest)}`);
    if (cleanest.got === cleanest.sent) best.set(rival, Math.max(best.get(rival)!, offered));
  }
  return offered;
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)]!;
}

function describe({ sent, got, skipped, cpuSeconds }: Attempt): string {
  if (cpuSeconds === null) return 'it failed';
  const later = skipped === 0 ? '' : `, ${skipped} of them only written`;
  return `${got} of ${sent} packets${later}, ${cpuSeconds.toFixed(2)} s CPU`;
}

function judge(best: ReadonlyMap<Rival, number>, bytes: number): number {
  for (const [rival, rate] of best) {
    console.log(`  ${rival.name}: nothing lost up to ${Math.round(rate)} packets/s`);
  }
  const ours = best.get(TARE_CAPTURE)!;
  const goals = [
    { rival: TCPDUMP, factor: 1 },
    { rival: CAP, factor: 3 },
  ].filter(({ rival }) => best.has(rival));
  return goals.filter(({ rival, factor }) => {
    const isMet = ours >= best.get(rival)! * factor;
    console.log(`  goal: ${factor}x ${rival.name} at ${bytes} bytes: ${isMet ? 'met' : 'MISSED'}`);
    return !isMet;
  }).length;
}

async function attempt(rival: Rival, load: Load): Promise<Attempt> {
  const link = new LiveLink();
  try {
    prepare(link);
    const file = join(link.folder, 'out');
    const report = join(link.folder, 'time.txt');
    const timed = [findTool('time') ?? 'time', '-f', '%U %S', '-o', report, ...rival.command(file)];
    const running = link.start(['taskset', '--cpu-list', CAPTURE_CPUS, ...timed], { env: rival.env ?? {} });
    await running.said(rival.begun);
    const sent = send(link, load);
    // What is in the kernel's ring by now comes after tcpdump's timeout of a second, and not once it is told to end.
    await setTimeout(1500);
    // GNU time passes nothing on.
    for (const child of childrenOf(running.pid)) process.kill(child, 'SIGINT');
    const { exitCode, stdout, stderr } = await running.end();
    if (exitCode !== 0) return { sent, got: 0, skipped: 0, cpuSeconds: null };
    const got = rival.counts ? Number(stdout.trim()) : packetsIn(file);
    const [user = 0, system = 0] = readFileSync(report, 'utf8').trim().split(' ').map(Number);
    const skipped = Number(/([\d,]+) packets? written but not/.exec(stderr)?.[1]?.replaceAll(',', '') ?? 0);
    return { sent, got, skipped, cpuSeconds: user + system };
  } finally {
    link.remove();
  }
}

/** @returns frames that arrived */
function send(link: LiveLink, { bytes, rate, seconds }: Load): number {
  const before = link.arrived();
  const args = [PEER_ADDRESS, bytes - HEADER_BYTES, seconds, rate].map(String);
  link.run('taskset', '--cpu-list', SENDER_CPU, 'python3', repoPath('test/bench/send-udp.py'), ...args);
  return link.arrived() - before;
}

/** Addresses for both ends, and a sender that leaves cutting datagrams to the kernel: or frames of 64 KiB arrive. */
function prepare(link: LiveLink): void {
  const mac = link.run('cat', `/sys/class/net/${NIC}/address`).trim();
  link.ip('address', 'add', '10.77.0.1/24', 'dev', SENDER);
  link.ip('neighbour', 'add', PEER_ADDRESS, 'lladdr', mac, 'dev', SENDER, 'nud', 'permanent');
  link.run('ethtool', '-K', SENDER, 'gso', 'off', 'tso', 'off', 'tx-udp-segmentation', 'off');
}

/** None if it has crashed by now. */
function childrenOf(pid: number): number[] {
  const path = `/proc/${pid}/task/${pid}/children`;
  if (!existsSync(path)) return [];
  return readFileSync(path, 'utf8').split(' ').filter(Boolean).map(Number);
}

function packetsIn(file: string): number {
  const count = /Number of packets:\s+(\d+)/.exec(runTool('capinfos', ['-cM', file]).stdout)?.[1];
  rmSync(file);
  return Number(count);
}

const TARE_CAPTURE: Rival = {
  name: 'tare capture -w',
  command: (file) => [process.execPath, TARE, 'capture', '-i', NIC, '-B', `${BUFFER_MIB}MiB`, '-w', file],
  begun: /capturing on/,
};

const TCPDUMP: Rival = {
  name: 'tcpdump -w',
  command: (file) => ['tcpdump', '-i', NIC, '-Z', 'root', '-B', String(BUFFER_MIB * 1024), '-w', file],
  begun: /listening on/,
};

const DUMPCAP: Rival = {
  name: 'dumpcap',
  command: (file) => ['dumpcap', '-q', '-i', NIC, '-B', String(BUFFER_MIB), '-w', file],
  begun: /File:/,
};

const JEMALLOC = '/usr/lib/x86_64-linux-gnu/libjemalloc.so.2';

const CAP: Rival = {
  name: 'cap, counting',
  command: () => [process.execPath, repoPath('dist/test/bench/cap-count.js'), NIC],
  begun: /capturing/,
  // With glibc's allocator it aborts after some thousand packets: what it writes beyond its memory is found there.
  env: existsSync(JEMALLOC) ? { LD_PRELOAD: JEMALLOC } : {},
  counts: true,
};

/** Compiles when it is installed. @returns whether it is there */
function installCap(): boolean {
  const folder = repoPath('test/bench/cap');
  if (existsSync(join(folder, 'node_modules/cap/build/Release/cap.node'))) return true;
  const child = spawnSync('npm', ['ci', '--no-audit', '--no-fund'], { cwd: folder, encoding: 'utf8' });
  if (child.status === 0) return true;
  console.log(
    'cap cannot be installed (Debian: apt-get install libpcap-dev g++ make python3 libjemalloc2); left out',
  );
  return false;
}
