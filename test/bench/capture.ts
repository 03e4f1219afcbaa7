import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { LiveLink, NIC } from '../live/live-link.js';
import { repoPath } from '../repo-root.js';
import { findTool, runTool } from '../tool.js';
import { TARE } from '../unit/cli/run-tare.js';
import { writeTraffic } from './bench-inputs.js';

export interface CaptureBenchOptions {
  readonly rounds: number;
  readonly scale: number;
  readonly folder: string;
}

/** A program that captures, and what it says when it has begun. */
interface Rival {
  readonly name: string;
  readonly command: (file: string) => string[];
  readonly begun: RegExp;
  /** It prints how many packets it got, instead of writing them to its file. */
  readonly counts?: true;
}

interface Attempt {
  readonly sent: number;
  readonly got: number;
  /** Processor time of all threads, start and end included; null if it failed. */
  readonly cpuSeconds: number | null;
}

/** Packets a second; 0: as fast as they go. */
const RATES = [10_000, 25_000, 50_000, 100_000, 150_000, 200_000, 300_000, 0];
const SECONDS = 3;
const FRAME_BYTES = [128, 1514];
const FRAMES = 20_000;
/** Of the kernel, the same for all. */
const BUFFER_MIB = 32;

/**
 * The greatest rate at which nothing is lost, for each program in turn at each rate, on a veth pair.
 * @returns goals missed
 */
export async function benchCapture({ rounds, scale, folder }: CaptureBenchOptions): Promise<number> {
  const rivals = [TARE_CAPTURE, TCPDUMP, DUMPCAP, ...(installCap() ? [CAP] : [])];
  let missed = 0;
  const seconds = Math.max(1, Math.round(SECONDS * scale));
  for (const bytes of FRAME_BYTES) {
    const shape = { name: `capture-${bytes}`, packets: FRAMES, wireBytes: bytes, capturedBytes: bytes };
    const input = writeTraffic(folder, shape).path;
    console.log(
      `\nlive capture, ${bytes}-byte frames over a veth pair, ${seconds} s at each rate, ${rounds} rounds`,
    );
    const best = new Map(rivals.map((rival) => [rival, 0]));
    for (const rate of RATES) await tryRate(rate, rivals, input, { rounds, seconds }, best);
    missed += judge(best, bytes);
  }
  return missed;
}

/** Notes in `best` what those lost nothing of that had lost nothing before: in their best round, as the machine has other work. */
async function tryRate(
  rate: number,
  rivals: readonly Rival[],
  input: string,
  { rounds, seconds }: { rounds: number; seconds: number },
  best: Map<Rival, number>,
): Promise<void> {
  const attempts = new Map<Rival, Attempt[]>(rivals.map((rival) => [rival, []]));
  for (let round = 0; round < rounds; round++) {
    for (const rival of rivals) attempts.get(rival)!.push(await attempt(rival, input, rate, seconds));
  }
  console.log(`  ${rate === 0 ? 'as fast as it goes' : `${rate} packets/s`}`);
  for (const [rival, tried] of attempts) {
    const cleanest = tried.reduce((a, b) => (b.got / b.sent > a.got / a.sent ? b : a));
    const { sent, got, cpuSeconds } = cleanest;
    const cpu = cpuSeconds === null ? 'it failed' : `${cpuSeconds.toFixed(2)} s CPU`;
    console.log(`    ${rival.name.padEnd(16)} ${got} of ${sent} packets, ${cpu}`);
    if (got === sent) best.set(rival, Math.max(best.get(rival)!, sent / seconds));
  }
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
    // Rates sent are not the same to the packet.
    const isMet = ours >= best.get(rival)! * factor * 0.98;
    console.log(`  goal: ${factor}x ${rival.name} at ${bytes} bytes: ${isMet ? 'met' : 'MISSED'}`);
    return !isMet;
  }).length;
}

async function attempt(rival: Rival, input: string, rate: number, seconds: number): Promise<Attempt> {
  const link = new LiveLink();
  try {
    const file = join(link.folder, 'out');
    const report = join(link.folder, 'time.txt');
    const timed = [findTool('time') ?? 'time', '-f', '%U %S', '-o', report, ...rival.command(file)];
    const running = link.start(timed);
    await running.said(rival.begun);
    const pace = rate === 0 ? ['-t'] : [`--pps=${rate}`];
    const options = [...pace, '--preload-pcap', '--loop=0', `--duration=${seconds}`];
    const sent = link.replay(input, ...options);
    // What is in the kernel's ring by now comes after tcpdump's timeout of a second, and not once it is told to end.
    await setTimeout(1500);
    // GNU time passes nothing on.
    for (const child of childrenOf(running.pid)) process.kill(child, 'SIGINT');
    const { exitCode, stdout } = await running.end();
    if (exitCode !== 0) return { sent, got: 0, cpuSeconds: null };
    const got = rival.counts ? Number(stdout.trim()) : packetsIn(file);
    const [user = 0, system = 0] = readFileSync(report, 'utf8').trim().split(' ').map(Number);
    return { sent, got, cpuSeconds: user + system };
  } finally {
    link.remove();
  }
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

const CAP: Rival = {
  name: 'cap, counting',
  command: () => [process.execPath, repoPath('dist/test/bench/cap-count.js'), NIC],
  begun: /capturing/,
  counts: true,
};

/** Compiles when it is installed. @returns whether it is there */
function installCap(): boolean {
  const folder = repoPath('test/bench/cap');
  if (existsSync(join(folder, 'node_modules/cap/build/Release/cap.node'))) return true;
  const child = spawnSync('npm', ['ci', '--no-audit', '--no-fund'], { cwd: folder, encoding: 'utf8' });
  if (child.status === 0) return true;
  console.log('cap cannot be installed (Debian: apt-get install libpcap-dev g++ make python3); left out');
  return false;
}
