import { spawn } from 'node:child_process';
import { access, constants } from 'node:fs/promises';

/** `kvm`: machines run at full speed; `tcg`: QEMU emulates their processors. */
export type Accelerator = 'kvm' | 'tcg';

export interface AcceleratorChoice {
  readonly accelerator: Accelerator;
  /** Why not KVM; empty if it is. */
  readonly obstacle: string;
}

const TRIAL_TIMEOUT_MS = 10_000;

/**
 * KVM if it really works: /dev/kvm may be there without a processor behind it that has virtualization. So a virtual machine
 * with one processor is made, and given up before it runs.
 * @param qemu path of qemu-system-x86_64
 */
export async function chooseAccelerator(qemu: string): Promise<AcceleratorChoice> {
  try {
    await access('/dev/kvm', constants.R_OK | constants.W_OK);
  } catch (error) {
    const isAbsent = error instanceof Error && 'code' in error && error.code === 'ENOENT';
    return {
      accelerator: 'tcg',
      obstacle: isAbsent ? 'there is no /dev/kvm' : 'this user may not open /dev/kvm',
    };
  }
  const obstacle = await tryKvm(qemu);
  return obstacle === null ? { accelerator: 'kvm', obstacle: '' } : { accelerator: 'tcg', obstacle };
}

/** @returns what QEMU said, or null if it could make a machine */
function tryKvm(qemu: string): Promise<string | null> {
  const args = [
    '-accel',
    'kvm',
    '-cpu',
    'host',
    '-machine',
    'q35',
    '-m',
    '16',
    '-nodefaults',
    '-no-user-config',
  ];
  const trial = spawn(qemu, [...args, '-display', 'none', '-S', '-qmp', 'stdio'], {
    stdio: ['pipe', 'ignore', 'pipe'],
    timeout: TRIAL_TIMEOUT_MS,
    killSignal: 'SIGKILL',
  });
  let said = '';
  trial.stderr.on('data', (chunk: Buffer) => {
    said += chunk.toString('utf8');
  });
  trial.stdin.on('error', () => {});
  trial.stdin.end('{"execute":"qmp_capabilities"}\n{"execute":"quit"}\n');
  return new Promise((resolve) => {
    trial.once('error', (error) => resolve(error.message));
    trial.once('close', (code) => resolve(code === 0 ? null : lastLine(said)));
  });
}

/** Without QEMU's own name and the place in its source. */
function lastLine(text: string): string {
  const line = text.trim().split('\n').at(-1) ?? '';
  return line.replace(/^\S+: (\S+:\d+: )?/, '') || 'QEMU cannot use /dev/kvm';
}
