/** A real QEMU without a machine: it does nothing but speak QMP. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { findTool } from '../../../tool.js';

export const QEMU = 'qemu-system-x86_64';

export class QemuProcess {
  readonly folder = mkdtempSync(join(tmpdir(), 'tare-qmp-'));
  readonly socket = join(this.folder, 'qmp');
  readonly #process: ChildProcess;

  private constructor(machine: readonly string[]) {
    const qmp = ['-qmp', `unix:${this.socket},server=on,wait=off`];
    this.#process = spawn(
      findTool(QEMU)!,
      [...machine, '-display', 'none', '-nodefaults', '-no-user-config', ...qmp],
      {
        stdio: ['ignore', 'ignore', 'inherit'],
      },
    );
  }

  /** Returns when somebody listens on the socket. */
  static async start(machine: readonly string[] = ['-machine', 'none']): Promise<QemuProcess> {
    const qemu = new QemuProcess(machine);
    while (qemu.#process.exitCode === null && !(await isOpen(qemu.socket))) await setImmediate();
    return qemu;
  }

  async stop(): Promise<void> {
    if (this.#process.exitCode === null && this.#process.signalCode === null) {
      const gone = once(this.#process, 'exit');
      this.#process.kill('SIGKILL');
      await gone;
    }
    rmSync(this.folder, { recursive: true });
  }
}

async function isOpen(path: string): Promise<boolean> {
  const socket = connect(path);
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}
