import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { LabError } from './lab-error.js';
import { ADDRESSES, addressBatch, type LabLink, mtuBatch, qdiscBatch } from './lab-link.js';
import type { LabParts } from './lab-parts.js';
import {
  errorLog,
  LINK_SOCKET,
  machineArguments,
  monitorSocket,
  SIDES,
  type Side,
  serialLog,
} from './machine-arguments.js';
import { withMonitor } from './machine-monitor.js';
import { KERNEL_MODULES, SSHD_CONFIG } from './machine-scripts.js';
import { runHere } from './run-here.js';
import { KEEP_ORDER, type SupervisorOrder, type SupervisorReport } from './supervisor-protocol.js';

/** Within the lab's folder. */
export const CLIENT_KEY = 'client_key';
export const KNOWN_HOSTS = 'known_hosts';
const SHARE = 'share';

/** Ten seconds are usual under emulation; a busy machine may take much longer. */
const BOOT_TIMEOUT_MS = 180_000;
const POLL_MS = 20;
const SUPERVISOR = fileURLToPath(new URL('./lab-supervisor.js', import.meta.url));

export interface StartOptions {
  readonly link: LabLink;
  readonly memoryMib: number;
  readonly instructionNs: number | null;
  readonly signal?: AbortSignal;
}

/** A lab on its way up: its folder filled, its supervisor started, its machines booting. */
export class StartingLab {
  readonly #folder: string;
  readonly #parts: LabParts;
  readonly #options: StartOptions;
  #supervisor: ChildProcess | null = null;
  #ended: (SupervisorReport & { kind: 'ended' }) | null = null;

  constructor(folder: string, parts: LabParts, options: StartOptions) {
    this.#folder = folder;
    this.#parts = parts;
    this.#options = options;
  }

  /** @returns ports on 127.0.0.1 at which the machines answer ssh. @throws LabError if one of them does not come up */
  async start(): Promise<Record<Side, number>> {
    await this.#writeFiles();
    await this.#startSupervisor();
    const deadline = Date.now() + BOOT_TIMEOUT_MS;
    await Promise.all(SIDES.map((side) => this.#waitUntilReady(side, deadline)));
    const [source, destination] = await Promise.all(SIDES.map((side) => this.#readPort(side)));
    await this.#writeKnownHosts([source!, destination!]);
    return { source: source!, destination: destination! };
  }

  /** From now on the lab does not end with this process. */
  async keep(): Promise<void> {
    const supervisor = this.#supervisor;
    if (supervisor === null || isOver(supervisor)) throw new LabError('the lab has ended');
    supervisor.send(KEEP_ORDER);
    // The order, then the end of the channel: it must not be the other way round.
    const [report] = (await Promise.race([once(supervisor, 'message'), once(supervisor, 'exit')])) as [
      unknown,
    ];
    if (typeof report !== 'object') throw new LabError('the lab has ended');
    supervisor.disconnect();
  }

  /** Ends it, or what there is of it. */
  async end(): Promise<void> {
    if (this.#supervisor !== null && !isOver(this.#supervisor)) {
      const exited = once(this.#supervisor, 'exit');
      this.#supervisor.ref();
      this.#supervisor.kill('SIGTERM');
      await exited;
    }
    await rm(this.#folder, { recursive: true, force: true });
  }

  async #writeFiles(): Promise<void> {
    const share = join(this.#folder, SHARE);
    await mkdir(share);
    const keys = [join(this.#folder, CLIENT_KEY), join(share, 'host_key')];
    await Promise.all(
      keys.map((key) =>
        runHere(this.#parts.sshKeygen, ['-q', '-t', 'ed25519', '-N', '', '-C', 'tare-lab', '-f', key]),
      ),
    );
    await copyFile(`${join(this.#folder, CLIENT_KEY)}.pub`, join(share, 'authorized_keys'));
    const hosts = SIDES.flatMap((side) =>
      [ADDRESSES.ipv4[side], ADDRESSES.ipv6[side]].map((each) => `${each} ${side}`),
    );
    for (const side of SIDES) {
      await writeFile(join(share, `${side}.ip`), addressBatch(side) + mtuBatch(this.#options.link));
      await writeFile(join(share, `${side}.tc`), qdiscBatch(this.#options.link, side));
    }
    await writeFile(join(share, 'hosts'), `${hosts.join('\n')}\n`);
    await writeFile(join(share, 'sshd_config'), SSHD_CONFIG);
    await writeFile(join(share, 'kernel_modules'), KERNEL_MODULES.join(' '));
  }

  async #startSupervisor(): Promise<void> {
    const supervisor = fork(SUPERVISOR, [], {
      cwd: this.#folder,
      // Ctrl-C is for us; the supervisor learns of our end by the channel.
      detached: true,
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
      execArgv: [],
    });
    this.#supervisor = supervisor;
    supervisor.on('message', (report: SupervisorReport) => {
      if (report.kind === 'ended') this.#ended ??= report;
    });
    supervisor.send(this.#order());
    // The channel alone does not keep this process alive: whoever holds a lab has something to do.
    supervisor.unref();
    supervisor.channel?.unref();
  }

  #order(): SupervisorOrder {
    const { kernel, qemu, accelerator, tools, setpriv } = this.#parts;
    const shares = { host: '/', lab: join(this.#folder, SHARE), modules: kernel.modules, tools };
    const machines = SIDES.map((side) => {
      const { memoryMib, instructionNs } = this.#options;
      const { kernel: image, initramfs } = kernel;
      const machine = { side, accelerator, memoryMib, instructionNs, kernel: image, initramfs, shares };
      const args = machineArguments(machine);
      const waitFor = side === 'source' ? LINK_SOCKET : null;
      return { name: side, command: [qemu, ...args], log: errorLog(side), waitFor };
    });
    return { setpriv, machines };
  }

  /** The machine says so on its serial line. */
  async #waitUntilReady(side: Side, deadline: number): Promise<void> {
    for (;;) {
      this.#options.signal?.throwIfAborted();
      const said = await readText(join(this.#folder, serialLog(side)));
      if (/^tare-lab ready/m.test(said)) return;
      const failed = /^tare-lab failed: .*/m.exec(said)?.[0];
      const isGone = this.#ended !== null || (this.#supervisor !== null && isOver(this.#supervisor));
      if (failed !== undefined || isGone || Date.now() > deadline) throw await this.#failure(side, failed);
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  }

  async #failure(side: Side, failed: string | undefined): Promise<LabError> {
    const machine =
      this.#ended?.machine === 'source' || this.#ended?.machine === 'destination'
        ? this.#ended.machine
        : side;
    const how =
      failed ??
      (this.#ended === null
        ? `was not ready after ${BOOT_TIMEOUT_MS / 1000} s`
        : `ended with ${this.#ended.how}`);
    const logs = await Promise.all(
      [errorLog(machine), serialLog(machine)].map((log) => readText(join(this.#folder, log))),
    );
    const tail = logs.join('\n').trim().split('\n').slice(-8).join('\n');
    return new LabError(`the lab's ${machine} ${how}${tail === '' ? '' : `\n${tail}`}`);
  }

  /** The kernel chose the port that QEMU listens at. */
  async #readPort(side: Side): Promise<number> {
    const shown = await withMonitor(this.#folder, monitorSocket(side), (monitor) =>
      monitor.execute('human-monitor-command', { 'command-line': 'info usernet' }),
    );
    const port = /TCP\[HOST_FORWARD\]\s+\d+\s+127\.0\.0\.1\s+(\d+)/.exec(String(shown))?.[1];
    if (port === undefined)
      throw new LabError(`QEMU does not say at which port the lab's ${side} answers: ${shown}`);
    return Number(port);
  }

  async #writeKnownHosts(ports: readonly number[]): Promise<void> {
    const key = await readFile(join(this.#folder, SHARE, 'host_key.pub'), 'utf8');
    const lines = ports.map((port) => `[127.0.0.1]:${port} ${key}`);
    await writeFile(join(this.#folder, KNOWN_HOSTS), lines.join(''));
  }
}

async function readText(path: string): Promise<string> {
  return readFile(path, 'latin1').catch(() => '');
}

function isOver(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}
