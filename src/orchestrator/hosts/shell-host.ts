import { spawn } from 'node:child_process';
import type {
  ForwardedSocket,
  Host,
  RunningProgram,
  RunOptions,
  RunOutcome,
  SignalName,
  StartOptions,
  WriteFileOptions,
} from './host.js';
import { HostError } from './host-error.js';
import {
  type PipedChild,
  type ProgramEnd,
  SupervisedProgram,
  superviseProgram,
} from './supervised-program.js';

/** A child process to start. */
export interface LocalCommand {
  readonly program: string;
  readonly args: readonly string[];
}

/** Programs run by a POSIX shell, here or elsewhere; what is common to all hosts. */
export abstract class ShellHost implements Host {
  readonly name: string;
  readonly #running = new Set<SupervisedProgram>();

  constructor(name: string) {
    this.name = name;
  }

  /** What to start on this machine so that these words run as a command on the host. */
  protected abstract localCommand(words: readonly string[]): LocalCommand;

  /** Why a program was lost that has not been heard of any more. */
  protected abstract explainLoss(
    program: string,
    stderr: string,
    end: ProgramEnd & { kind: 'lost' },
  ): HostError;

  abstract forwardUnixSocket(remotePath: string): Promise<ForwardedSocket>;

  async run(program: string, args: readonly string[], options: RunOptions = {}): Promise<RunOutcome> {
    const { bytes, ...outcome } = await this.#collect(program, args, options);
    return { ...outcome, stdout: bytes.toString('utf8') };
  }

  async start(program: string, args: readonly string[], options: StartOptions = {}): Promise<RunningProgram> {
    const running = this.#launch(program, args, options);
    const stop = stopOn(options.signal, () => running.kill());
    const exited = running.ended.then((end) => {
      stop.forget();
      if (options.signal?.aborted) throw this.#aborted(program, options.signal);
      return { code: this.#exitCode(program, running, end), stdout: '', stderr: running.stderr };
    });
    // Whoever started it may not care how it ends.
    exited.catch(() => {});
    await running.started;
    const started: RunningProgram = {
      stdout: running.stdout,
      get stderr() {
        return running.stderr;
      },
      exited,
      signal: (name: SignalName) => running.signal(name),
      kill: async () => {
        running.kill();
        await running.ended;
      },
    };
    // Missing program, broken connection: by now that is known, and the end near.
    if (running.neverRan) await exited;
    return started;
  }

  async readFile(path: string): Promise<Buffer> {
    const { bytes } = await this.#collect('cat', ['--', path], {});
    return bytes;
  }

  async writeFile(path: string, data: string | Uint8Array, options: WriteFileOptions = {}): Promise<void> {
    const mode = (options.mode ?? 0o600).toString(8);
    const script = 'umask 077; cat >"$1" && chmod "$2" -- "$1"';
    await this.run('sh', ['-c', script, 'sh', path, mode], { input: data });
  }

  async close(): Promise<void> {
    const running = [...this.#running];
    for (const program of running) program.kill();
    await Promise.all(running.map((program) => program.ended));
  }

  #launch(program: string, args: readonly string[], options: StartOptions): SupervisedProgram {
    if (options.signal?.aborted) throw this.#aborted(program, options.signal);
    const call = superviseProgram(program, args, options.input);
    const running = new SupervisedProgram(spawnPiped(this.localCommand(call.command)), call);
    this.#running.add(running);
    void running.ended.then(() => this.#running.delete(running));
    return running;
  }

  async #collect(
    program: string,
    args: readonly string[],
    options: RunOptions,
  ): Promise<{ code: number; bytes: Buffer; stderr: string }> {
    const running = this.#launch(program, args, options);
    const chunks: Buffer[] = [];
    running.stdout.on('data', options.onStdout ?? ((chunk: Buffer) => chunks.push(chunk)));
    const stop = stopOn(options.signal, () => running.kill(), options.timeoutMs);
    const end = await running.ended;
    stop.forget();
    if (options.signal?.aborted) throw this.#aborted(program, options.signal);
    if (stop.timedOut) {
      throw new HostError(
        this.name,
        'timed-out',
        `${program} took longer than ${options.timeoutMs} ms and was ended`,
      );
    }
    const code = this.#exitCode(program, running, end);
    const bytes = Buffer.concat(chunks);
    if (code !== 0 && options.check !== false) throw this.#failed(program, code, bytes, running.stderr);
    return { code, bytes, stderr: running.stderr };
  }

  #exitCode(program: string, running: SupervisedProgram, end: ProgramEnd): number {
    if (end.kind === 'exited') return end.code;
    if (end.kind === 'missing') {
      throw new HostError(
        this.name,
        'program-missing',
        `${program} is not installed (or may not be executed)`,
      );
    }
    if (running.wasKilled) return KILLED;
    throw this.explainLoss(program, running.stderr, end);
  }

  #failed(program: string, code: number, stdout: Buffer, stderr: string): HostError {
    const said = stderr.trim() === '' ? '' : `: ${stderr.trim()}`;
    const outcome = { code, stdout: stdout.toString('utf8'), stderr };
    return new HostError(this.name, 'program-failed', `${program} ended with ${code}${said}`, { outcome });
  }

  #aborted(program: string, signal: AbortSignal): HostError {
    return new HostError(this.name, 'aborted', `${program} was broken off`, { cause: signal.reason });
  }
}

/** 128 and SIGKILL, as shells count. */
const KILLED = 137;

/** Ctrl-C must not reach programs before those who tidy up: each has its own session. */
function spawnPiped({ program, args }: LocalCommand): PipedChild {
  return spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'], detached: true });
}

/** Calls `stop` once when the signal is given or the time is up. */
function stopOn(
  signal: AbortSignal | undefined,
  stop: () => void,
  timeoutMs?: number,
): { forget(): void; readonly timedOut: boolean } {
  let timedOut = false;
  signal?.addEventListener('abort', stop, { once: true });
  const timer =
    timeoutMs === undefined
      ? undefined
      : setTimeout(() => {
          timedOut = true;
          stop();
        }, timeoutMs);
  return {
    forget: () => {
      signal?.removeEventListener('abort', stop);
      clearTimeout(timer);
    },
    get timedOut() {
      return timedOut;
    },
  };
}
