import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { repoPath } from '../repo-root.js';
import { findTool, requireTool, runTool } from '../tool.js';
import { type RunResult, TARE } from '../unit/cli/run-tare.js';

/** Ends of the link. */
export const SENDER = 'tare-tx';
export const NIC = 'tare-rx';
/** For the longest frames of the bundled captures. */
const MTU = 9216;
const BEGUN = /^tare: capturing on /m;

let links = 0;

/** A veth pair in a network namespace of its own, quiet but for what is sent into it. */
export class LiveLink {
  readonly namespace: string;
  /** For what a test writes. Everybody may write there, as captures go on as nobody. */
  readonly folder: string;

  constructor() {
    this.namespace = `tare-test-${process.pid}-${++links}`;
    this.folder = mkdtempSync(join(tmpdir(), 'tare-live-'));
    runTool('chmod', ['1777', this.folder]);
    runTool('ip', ['netns', 'add', this.namespace]);
    this.ip(
      'link',
      'add',
      SENDER,
      'mtu',
      String(MTU),
      'type',
      'veth',
      'peer',
      'name',
      NIC,
      'mtu',
      String(MTU),
    );
    for (const end of [SENDER, NIC]) {
      // Or the kernel sends packets of its own.
      const setting = `/proc/sys/net/ipv6/conf/${end}/disable_ipv6`;
      this.run('sh', '-c', `echo 1 > ${setting}`);
      this.ip('link', 'set', end, 'up');
    }
    this.awaitCarrier();
  }

  /**
   * Returns once the kernel has noticed that both ends are up, which it does a little later: until then it drops what is sent,
   * and bridges leave out such a port.
   */
  awaitCarrier(): void {
    const isUp = (end: string) => / state UP /.test(this.ip('link', 'show', 'dev', end));
    while (!isUp(SENDER) || !isUp(NIC));
  }

  /** @returns what it wrote to standard output */
  run(command: string, ...args: string[]): string {
    return runTool('ip', ['netns', 'exec', this.namespace, findTool(command) ?? command, ...args]).stdout;
  }

  ip(...args: string[]): string {
    return this.run('ip', ...args);
  }

  /** Sends a capture's frames as fast as they go. @returns frames sent, as the kernel counts those that arrived */
  replay(path: string, ...options: string[]): number {
    const before = this.arrived();
    this.run('tcpreplay', '-q', '-i', SENDER, ...(options.length === 0 ? ['-t'] : options), path);
    return this.arrived() - before;
  }

  arrived(): number {
    return Number(this.run('cat', `/sys/class/net/${NIC}/statistics/rx_packets`));
  }

  /** Runs `tare capture` on the link; it is capturing when this returns. */
  async capture(args: readonly string[], options: CaptureRunOptions = {}): Promise<RunningCapture> {
    const nic = options.nic ?? NIC;
    const running = this.start([process.execPath, TARE, 'capture', '-i', nic, ...args], options);
    await running.said(BEGUN);
    return running;
  }

  start(command: readonly string[], { env = {}, prefix = [] }: CaptureRunOptions = {}): RunningCapture {
    return new RunningCapture(['ip', 'netns', 'exec', this.namespace, ...prefix, ...command], env);
  }

  remove(): void {
    spawnSync(findTool('ip') ?? 'ip', ['netns', 'del', this.namespace]);
    rmSync(this.folder, { recursive: true, force: true });
  }
}

export interface CaptureRunOptions {
  readonly nic?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** In front of the command: a program that starts it with other rights. */
  readonly prefix?: readonly string[];
}

export class RunningCapture {
  readonly #child;
  #stdout = '';
  #stderr = '';
  readonly #ended: Promise<unknown>;

  constructor([command, ...args]: readonly string[], env: Readonly<Record<string, string>>) {
    this.#child = spawn(findTool(command!) ?? command!, args, {
      env: { PATH: process.env['PATH'] ?? '', TZ: 'UTC', ...env },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    this.#child.stdout.setEncoding('utf8').on('data', (text: string) => {
      this.#stdout += text;
    });
    this.#child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr += text;
    });
    this.#ended = once(this.#child, 'close');
  }

  get pid(): number {
    return this.#child.pid!;
  }

  get stderr(): string {
    return this.#stderr;
  }

  /** Resolves once standard error has this, rejects if the program ends first. */
  async said(what: RegExp): Promise<void> {
    while (!what.test(this.#stderr)) {
      const next = once(this.#child.stderr, 'data');
      const isOver = await Promise.race([next.then(() => false), this.#ended.then(() => true)]);
      if (isOver && !what.test(this.#stderr))
        throw new Error(`ended without saying ${what}: ${this.#stderr}`);
    }
  }

  /** Resolves with the next piece of standard output that completes a line. */
  async line(what: RegExp): Promise<string> {
    for (;;) {
      const line = this.#stdout
        .split('\n')
        .slice(0, -1)
        .find((text) => what.test(text));
      if (line !== undefined) return line;
      const isOver = await Promise.race([
        once(this.#child.stdout, 'data').then(() => false),
        this.#ended.then(() => true),
      ]);
      if (isOver) throw new Error(`ended without a line like ${what}: ${this.#stdout}${this.#stderr}`);
    }
  }

  write(text: string): void {
    this.#child.stdin.write(text);
  }

  /** As whoever reads a pipe does who has seen enough. */
  closeOutput(): void {
    this.#child.stdout.destroy();
  }

  /** Ctrl-C, unless another signal is given. */
  async interrupt(signal: NodeJS.Signals = 'SIGINT'): Promise<RunResult> {
    this.#child.kill(signal);
    return this.end();
  }

  async end(): Promise<RunResult> {
    await this.#ended;
    return { exitCode: this.#child.exitCode, stdout: this.#stdout, stderr: this.#stderr };
  }
}

/** A link for a test, removed behind it; null if there can be none here: the test is skipped, with CI set it fails. */
export function requireLink(t: TestContext): LiveLink | null {
  for (const tool of ['ip', 'tcpreplay', 'editcap']) if (!requireTool(t, tool)) return null;
  const obstacle = findObstacle();
  if (obstacle !== null) {
    if (!['', '0', 'false'].includes(process.env['CI'] ?? '')) throw new Error(obstacle);
    t.skip(obstacle);
    return null;
  }
  const link = new LiveLink();
  t.after(() => link.remove());
  return link;
}

function findObstacle(): string | null {
  if (!existsSync(repoPath('dist/native/capture.node')))
    return 'the addon is not built: a C++ compiler is missing';
  if (process.getuid?.() !== 0) return 'live capture is tested as root';
  const probe = spawnSync(findTool('unshare') ?? 'unshare', ['--net', 'true'], { encoding: 'utf8' });
  return probe.status === 0 ? null : `no network namespaces here: ${probe.stderr.trim()}`;
}

/** A packet as it lies in a classic pcap file. */
export interface PlainRecord {
  readonly wireLength: number;
  readonly bytes: Buffer;
}

/** Packets of any capture, after editcap has made the simplest of formats of it. None of our readers is asked. */
export function readRecords(path: string, folder: string): PlainRecord[] {
  const plain = join(folder, 'plain.pcap');
  runTool('editcap', ['-F', 'pcap', path, plain]);
  const file = readFileSync(plain);
  const records: PlainRecord[] = [];
  for (let at = 24; at < file.length; ) {
    const length = file.readUInt32LE(at + 8);
    records.push({ wireLength: file.readUInt32LE(at + 12), bytes: file.subarray(at + 16, at + 16 + length) });
    at += 16 + length;
  }
  rmSync(plain);
  return records;
}

/** @returns text for comparing, so that a difference names the packet and is short */
export function describeRecords(records: readonly PlainRecord[]): string[] {
  return records.map(
    ({ wireLength, bytes }, index) => `${index + 1}: ${wireLength} ${bytes.toString('base64')}`,
  );
}
