/**
 * Programs that die with whoever started them.
 *
 * Neither a child process nor a program started over ssh dies when its starter is killed: both merely lose their pipes, which a
 * program that waits for something else never notices. So each program is run by a small shell script on its own host, whose
 * standard input is a lifeline: first it carries the program's input, whose length is known, then nothing but
 * requests for signals. When it ends, the starter is dead or done, and the script kills its process group. The script
 * needs a process group of its own; where the ssh server gives it none, setsid does.
 *
 * How the program ended comes back on standard error, marked by a random word: ssh's own exit code 255 cannot be told
 * from a program's, and a broken connection looks like any failure.
 */
import type { ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import type { Readable, Writable } from 'node:stream';
import { StringDecoder } from 'node:string_decoder';
import type { SignalName } from './host.js';

/**
 * $0: the script itself, $1: the mark, $2: bytes of input, then the program with its arguments. The shells ignore the signals
 * that are meant for the program alone; handlers, unlike ignored signals, are not handed down.
 */
const SUPERVISOR = `
read -r _ _ _ _ group _ </proc/self/stat
[ "$group" = $$ ] || exec setsid sh -c 'eval "$0"' "$0" "$@"
trap : HUP INT TERM USR1 USR2
mark=$1 bytes=$2
shift 2
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin LC_ALL=C
export PATH LC_ALL
if ! command -v -- "$1" >/dev/null 2>&1; then
  printf '\\n%s missing\\n' "$mark" >&2
  exit 127
fi
{
  trap : HUP INT TERM USR1 USR2
  [ "$bytes" = 0 ] || head -c "$bytes"
  exec >&-
  while read -r word name; do
    [ "$word" != "$mark" ] || kill -s "$name" 0
  done
  kill -s KILL 0
} | {
  trap : HUP INT TERM USR1 USR2
  (
    printf '\\n%s started\\n' "$mark" >&2
    exec "$@"
  )
  printf '\\n%s ended %d\\n' "$mark" $? >&2
}
`;

/**
 * After the program's end, or after it was killed, a pipe may still be held open by somebody; then it is not waited for. What a
 * program has printed may come after the word of its end, though, over a slow connection by far: only silence counts.
 */
const CLOSE_GRACE_MS = 2000;

/** A child process, every stream of it a pipe, that runs `supervisorCommand` here or elsewhere. */
export type PipedChild = ChildProcess & {
  stdin: Writable;
  /** Of pipes Node counts what it has read. */
  stdout: Readable & { readonly bytesRead?: number };
  stderr: Readable;
};

export interface ProgramCall {
  readonly mark: string;
  readonly input: Buffer;
  /** To be run without another shell in between, or quoted word by word. */
  readonly command: readonly string[];
}

/** What to run in order to have `program` run under supervision. */
export function superviseProgram(
  program: string,
  args: readonly string[],
  input: string | Uint8Array = '',
): ProgramCall {
  const mark = `tare-${randomBytes(8).toString('hex')}`;
  const bytes = typeof input === 'string' ? Buffer.from(input) : Buffer.from(input);
  const command = ['sh', '-c', 'eval "$0"', SUPERVISOR, mark, String(bytes.length), program, ...args];
  return { mark, input: bytes, command };
}

/** How it ended. */
export type ProgramEnd =
  | { readonly kind: 'exited'; readonly code: number }
  | { readonly kind: 'missing' }
  /** The supervisor is gone without having said anything: connection broken, or never there. `code` is the child's. */
  | { readonly kind: 'lost'; readonly code: number | null; readonly error: Error | null };

export class SupervisedProgram {
  readonly stdout: Readable;
  /** Resolves when the program runs, or has ended without ever having run. */
  readonly started: Promise<void>;
  /** Resolves when the child process is gone; never rejects. */
  readonly ended: Promise<ProgramEnd>;
  readonly #child: PipedChild;
  readonly #mark: string;
  readonly #marks: RegExp;
  readonly #decoder = new StringDecoder('utf8');
  #stderr = '';
  #end: ProgramEnd | null = null;
  #error: Error | null = null;
  #hasRun = false;
  #wasKilled = false;
  #isGivenUp = false;
  #isClosed = false;
  #graceTimer: NodeJS.Timeout | null = null;
  #onStarted: () => void = () => {};

  /** @param child has just been spawned with `call.command` */
  constructor(child: PipedChild, call: ProgramCall) {
    this.#child = child;
    this.#mark = call.mark;
    this.#marks = new RegExp(`\\n${call.mark} (started|missing|ended (\\d+))\\n`);
    this.stdout = child.stdout;
    this.started = new Promise((resolve) => {
      this.#onStarted = resolve;
    });
    this.ended = new Promise((resolve) => {
      child.once('close', (code) => resolve(this.#close(code)));
    });
    child.once('error', (error) => {
      this.#error = error;
    });
    // Who is gone reads no input; that shows as its end.
    child.stdin.on('error', () => {});
    child.stderr.on('data', (chunk: Buffer) => this.#readStderr(chunk));
    if (call.input.length > 0) child.stdin.write(call.input);
  }

  /** What the program has written on standard error. */
  get stderr(): string {
    return this.#stderr;
  }

  /** It is missing, or its host was never reached. */
  get neverRan(): boolean {
    return !this.#hasRun;
  }

  /** Somebody called `kill` before it had ended. */
  get wasKilled(): boolean {
    return this.#wasKilled;
  }

  signal(name: SignalName): void {
    // The newline ends what the program may have left unread of its input.
    if (this.#end === null && !this.#child.stdin.destroyed)
      this.#child.stdin.write(`\n${this.#mark} ${name}\n`);
  }

  /** Cuts the lifeline. */
  kill(): void {
    this.#wasKilled ||= this.#end === null;
    this.#isGivenUp = true;
    this.#child.stdin.destroy();
    this.#endSoon();
  }

  #readStderr(chunk: Buffer): void {
    this.#stderr += this.#decoder.write(chunk);
    for (;;) {
      const found = this.#marks.exec(this.#stderr);
      if (found === null) return;
      this.#stderr = this.#stderr.replace(found[0], '');
      this.#noteMark(found[1] ?? '', Number(found[2]));
    }
  }

  #noteMark(word: string, code: number): void {
    if (word === 'started') {
      this.#hasRun = true;
      this.#onStarted();
      return;
    }
    this.#end = word === 'missing' ? { kind: 'missing' } : { kind: 'exited', code };
    this.#onStarted();
    // What it has not read nobody will.
    this.#child.stdin.destroy();
    this.#endSoon();
  }

  #endSoon(): void {
    const { bytesRead: before = 0 } = this.#child.stdout;
    // In a process that was busy all the time, what has come meanwhile is read before it is looked at.
    this.#graceTimer ??= setTimeout(() => setImmediate(() => this.#endUnlessHeard(before)), CLOSE_GRACE_MS);
  }

  /** @param before bytes read when the silence may have begun */
  #endUnlessHeard(before: number): void {
    this.#graceTimer = null;
    if (this.#isClosed) return;
    const { stdout, stderr } = this.#child;
    if (!this.#isGivenUp && (stdout.bytesRead ?? 0) > before) {
      this.#endSoon();
      return;
    }
    this.#child.kill('SIGKILL');
    for (const stream of [stdout, stderr]) stream.destroy();
  }

  #close(code: number | null): ProgramEnd {
    if (this.#graceTimer !== null) clearTimeout(this.#graceTimer);
    this.#isClosed = true;
    this.#onStarted();
    this.#end ??= { kind: 'lost', code, error: this.#error };
    return this.#end;
  }
}
