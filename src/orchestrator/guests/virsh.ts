import type { Host, RunningProgram, RunOutcome } from '../hosts/host.js';

/** Programs of libvirt's client on a host, for the machines that all of its users share. */
const CONNECTION = ['-q', '-c', 'qemu:///system'];

/** Arguments of `virsh`; names are joined to their options, so that none is taken for an option itself. */
export function virshArguments(
  command: string,
  options: Readonly<Record<string, string>>,
  switches: readonly string[] = [],
): string[] {
  const words = Object.entries(options).map(([name, value]) => `--${name}=${value}`);
  return [...CONNECTION, command, ...words, ...switches.map((name) => `--${name}`)];
}

/** libvirt of one host, asked about one domain through `virsh` there. */
export class Virsh {
  readonly host: Host;
  readonly domain: string;

  constructor(host: Host, domain: string) {
    this.host = host;
    this.domain = domain;
  }

  /**
   * A command about the domain.
   * @throws HostError if virsh is missing or the host is out of reach
   */
  run(
    command: string,
    options: Readonly<Record<string, string>> = {},
    switches: readonly string[] = [],
    timeoutMs?: number,
  ): Promise<RunOutcome> {
    const args = virshArguments(command, { domain: this.domain, ...options }, switches);
    return this.host.run('virsh', args, { check: false, ...(timeoutMs !== undefined && { timeoutMs }) });
  }

  /** `running`, `paused`, `shut off`... as virsh says; null if libvirt has no such domain, or does not answer. */
  async state(): Promise<string | null> {
    try {
      const { code, stdout } = await this.run('domstate', {}, [], ANSWER_TIMEOUT_MS);
      return code === 0 ? stdout.trim() : null;
    } catch {
      return null;
    }
  }

  /** Prints what `domjobinfo` says again and again, each answer followed by a line `@@`. */
  watchJob(): Promise<RunningProgram> {
    const args = virshArguments('domjobinfo', { domain: this.domain }, ['rawstats']);
    return this.host.start('sh', ['-c', ASK_AGAIN, 'sh', ...args]);
  }

  /** Prints a line whenever QEMU looks anew which pages have changed. */
  watchIterations(): Promise<RunningProgram> {
    const options = { domain: this.domain, event: 'migration-iteration' };
    return this.host.start('virsh', virshArguments('event', options, ['loop']));
  }
}

/** Each question starts a program, which costs the host processor time: not more often than a few times a second. */
const ASK_AGAIN = 'while :; do virsh "$@" 2>/dev/null; echo @@; sleep 0.2; done';
const ANSWER_TIMEOUT_MS = 60_000;
