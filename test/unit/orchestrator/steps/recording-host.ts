/** A host that notes what it is to run. */
import type { Host, RunOptions, RunOutcome } from '../../../../src/orchestrator/hosts/host.js';
import { HostError } from '../../../../src/orchestrator/hosts/host-error.js';
import type { HostPair } from '../../../../src/orchestrator/steps/step.js';

export interface RecordedRun {
  readonly host: string;
  readonly program: string;
  readonly args: readonly string[];
  readonly input: string | undefined;
}

export class RecordingHost implements Host {
  readonly name: string;
  readonly #runs: RecordedRun[];
  readonly #isBroken: (program: string) => boolean;

  constructor(name: string, runs: RecordedRun[], isBroken: (program: string) => boolean) {
    this.name = name;
    this.#runs = runs;
    this.#isBroken = isBroken;
  }

  async run(program: string, args: readonly string[], options: RunOptions = {}): Promise<RunOutcome> {
    this.#runs.push({ host: this.name, program, args, input: options.input?.toString() });
    if (this.#isBroken(program)) throw new HostError(this.name, 'connection-lost', 'the connection broke');
    // As of something that is undone already.
    if (options.check !== false) throw new HostError(this.name, 'program-failed', 'no such thing');
    return { code: 2, stdout: '', stderr: 'no such thing' };
  }

  start(): never {
    throw new Error('not to be used');
  }
  readFile(): never {
    throw new Error('not to be used');
  }
  writeFile(): never {
    throw new Error('not to be used');
  }
  forwardUnixSocket(): never {
    throw new Error('not to be used');
  }
  async close(): Promise<void> {}
}

export function recordingHosts(isBroken: (program: string) => boolean = () => false): {
  hosts: HostPair;
  runs: RecordedRun[];
} {
  const runs: RecordedRun[] = [];
  const hosts = {
    source: new RecordingHost('source', runs, isBroken),
    destination: new RecordingHost('destination', runs, isBroken),
  };
  return { hosts, runs };
}
