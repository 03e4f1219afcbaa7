import { realpath } from 'node:fs/promises';
import { type Accelerator, chooseAccelerator } from './accelerator.js';
import { LabError } from './lab-error.js';
import { findKernel, type LabKernel } from './lab-kernel.js';
import { findProgram, missingPackages, requireProgram, toolTree } from './lab-programs.js';
import { runHere } from './run-here.js';

/** Everything that a lab is started from. */
export interface LabParts {
  readonly kernel: LabKernel;
  readonly qemu: string;
  readonly qemuVersion: string;
  readonly ssh: string;
  readonly sshKeygen: string;
  /** setpriv, which ties a process to its parent; null where it is missing. */
  readonly setpriv: string | null;
  /** Root of the unpacked packages; null if there are none. */
  readonly tools: string | null;
  readonly accelerator: Accelerator;
}

/** @throws LabError naming what is missing and the command that brings it */
export async function requireParts(): Promise<LabParts> {
  const missing = (await missingPackages()).map(({ name }) => name);
  const kernel = missing.length === 0 ? await findKernel() : null;
  if (kernel === null) {
    const what = [...missing, ...(missing.length === 0 ? ['a kernel'] : [])].join(', ');
    throw new LabError(`the lab lacks ${what}: run tare lab setup, which fetches it`);
  }
  const [qemu, ssh, sshKeygen] = await Promise.all(
    ['qemu-system-x86_64', 'ssh', 'ssh-keygen'].map(requireProgram),
  );
  const [version, { accelerator }] = await Promise.all([readQemuVersion(qemu!), chooseAccelerator(qemu!)]);
  return {
    kernel,
    qemu: qemu!,
    qemuVersion: version,
    ssh: ssh!,
    sshKeygen: sshKeygen!,
    setpriv: await findProgram('setpriv'),
    tools: await realpath(toolTree().root).catch(() => null),
    accelerator,
  };
}

/** @returns such as `7.2.22` */
export async function readQemuVersion(qemu: string): Promise<string> {
  const said = await runHere(qemu, ['--version']);
  return /version (\S+)/.exec(said.toString('utf8'))?.[1] ?? 'unknown';
}
