import type { Host, RunningProgram } from '../hosts/host.js';
import { HostError } from '../hosts/host-error.js';
import { type CpuSample, parseCpuSample } from './cpu-times.js';

/**
 * `$1`: a process. Prints a sample, and again at each USR1. Only what the shell has built in: on a processor that is
 * emulated, starting a program costs more than what is to be measured. The sleep is there to be waited for.
 */
const SAMPLER = `
sample() {
  read -r line </proc/stat && echo "$line"
  read -r line <"/proc/$1/stat" && echo "$line"
  for file in "/proc/$1/task/"*/stat; do
    read -r line <"$file" && echo "$line"
  done
  echo end
} 2>/dev/null
trap 'sample "$1"' USR1
(trap '' USR1; exec sleep 2147483647) &
sample "$1"
while :; do wait; done
`;

const ANSWER_TIMEOUT_MS = 60_000;

/** Reads processor times on a host at moments that we choose, with next to no work there and then. */
export class CpuSampler {
  private readonly host: Host;
  private readonly program: RunningProgram;
  private text = '';
  private waiting: ((text: string) => void) | null = null;

  private constructor(host: Host, program: RunningProgram) {
    this.host = host;
    this.program = program;
    program.stdout.setEncoding('utf8').on('data', (text: string) => this.take(text));
  }

  /** @param processId null: of the host alone. @throws HostError */
  static async start(host: Host, processId: number | null): Promise<CpuSampler> {
    // No process has number 0.
    const args = ['-c', SAMPLER, 'sh', String(processId ?? 0)];
    const sampler = new CpuSampler(host, await host.start('sh', args));
    await sampler.next();
    return sampler;
  }

  /** @returns null if /proc cannot be read. @throws HostError if the host does not answer */
  async sample(): Promise<CpuSample | null> {
    const answer = this.next();
    this.program.signal('USR1');
    return parseCpuSample(await answer);
  }

  async stop(): Promise<void> {
    await this.program.kill();
  }

  private next(): Promise<string> {
    return new Promise((resolve, reject) => {
      const fail = (): void =>
        reject(new HostError(this.host.name, 'timed-out', 'processor times were not told'));
      const timer = setTimeout(fail, ANSWER_TIMEOUT_MS);
      this.waiting = (text) => {
        clearTimeout(timer);
        resolve(text);
      };
      this.take('');
    });
  }

  private take(text: string): void {
    this.text += text;
    const end = this.text.indexOf('end\n');
    if (end < 0 || this.waiting === null) return;
    const sample = this.text.slice(0, end);
    this.text = this.text.slice(end + 4);
    const answer = this.waiting;
    this.waiting = null;
    answer(sample);
  }
}
