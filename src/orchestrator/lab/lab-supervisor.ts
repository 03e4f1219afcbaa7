/**
 * Runs the machines of one lab, as a process of its own, in the lab's folder.
 *
 * A lab that belongs to a run must not outlive it, even if the run is killed. So whoever opens a lab holds a channel to this
 * process; when the channel closes, the machines are killed and the folder removed. The kernel in turn kills the
 * machines if this process is killed (`setpriv --pdeathsig`). A lab that is to be kept ends with SIGTERM, which
 * `tare lab down` sends. What is left when everything was killed at once is only the folder; see `lab-runs.ts`.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { openSync } from 'node:fs';
import { access, rm, writeFile } from 'node:fs/promises';
import { processMark } from '../steps/process-mark.js';
import {
  KEEP_ORDER,
  SUPERVISOR_FILE,
  type SupervisorIdentity,
  type SupervisorOrder,
  type SupervisorReport,
} from './supervisor-protocol.js';

const SOCKET_POLL_MS = 5;

/** Goes on only if its parent, `$1`, lives: one that died before the signal for that was asked for is never told of. */
const UNLESS_ORPHANED = '[ "$PPID" = "$1" ] || exit 1; shift; exec "$@"';

class Supervisor {
  readonly #folder = process.cwd();
  readonly #machines = new Map<string, ChildProcess>();
  #isStopping = false;
  #isKept = false;

  async run(order: SupervisorOrder): Promise<void> {
    for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => void this.stop());
    process.on('disconnect', () => {
      if (!this.#isKept) void this.stop();
    });
    process.once('message', (message) => {
      if (message === KEEP_ORDER) this.#keep();
    });
    const identity: SupervisorIdentity = { pid: process.pid, mark: processMark(process.pid) };
    await writeFile(SUPERVISOR_FILE, JSON.stringify(identity), { mode: 0o600 });
    for (const { name, command, log, waitFor } of order.machines) {
      if (this.#isStopping) return;
      this.#start(name, tied(order.setpriv, command), log);
      while (waitFor !== null && this.#machines.has(name) && !(await exists(waitFor)))
        await pause(SOCKET_POLL_MS);
    }
    this.#report({ kind: 'started' });
  }

  /** Ends the machines; when the last is gone, so is the folder, and then this process. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    for (const machine of this.#machines.values()) machine.kill('SIGKILL');
    if (this.#machines.size === 0) await this.#leave();
  }

  #keep(): void {
    this.#isKept = true;
    this.#report({ kind: 'kept' });
  }

  #start(name: string, [program = '', ...args]: readonly string[], log: string): void {
    const output = openSync(log, 'w', 0o600);
    const machine = spawn(program, args, { stdio: ['ignore', output, output] });
    this.#machines.set(name, machine);
    const onEnd = (how: string): void => {
      if (!this.#machines.delete(name)) return;
      this.#report({ kind: 'ended', machine: name, how });
      if (this.#machines.size === 0) void this.#leave();
    };
    machine.once('error', (error) => onEnd(error.message));
    machine.once('exit', (code, signal) => onEnd(signal === null ? `exit code ${code}` : `signal ${signal}`));
  }

  async #leave(): Promise<void> {
    await rm(this.#folder, { recursive: true, force: true });
    if (process.connected) process.disconnect();
  }

  #report(report: SupervisorReport): void {
    // Nobody may be listening any more.
    if (process.connected) process.send?.(report, () => {});
  }
}

/** The kernel ends it when this process ends. */
function tied(setpriv: string | null, command: readonly string[]): readonly string[] {
  if (setpriv === null) return command;
  const check = ['sh', '-c', UNLESS_ORPHANED, 'sh', String(process.pid)];
  return [setpriv, '--pdeathsig', 'KILL', '--', ...check, ...command];
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

// A closed channel before the order came means: nobody wants a lab any more.
process.once('message', (order: SupervisorOrder) => void new Supervisor().run(order));
