import type { Readable } from 'node:stream';

/**
 * A machine that programs are run on: this one, one reached over ssh, or one of the lab's.
 *
 * Programs find their tools where root finds them (`/usr/sbin` and the like are searched too), speak English (`LC_ALL=C`), and
 * die with whoever started them: with this process, however it ends, and with the connection to the host. What must outlive
 * them puts itself into a session of its own, as `qemu -daemonize` does. Other processes that a program leaves behind in
 * its process group end with it.
 */
export interface Host {
  /** For messages: `source`, `root@far.example`. */
  readonly name: string;

  /** That an ssh server has proved to have; null if it proved itself by other means. Left out: no ssh is in between. */
  readonly hostKey?: HostKey | null;

  /**
   * Runs a program to its end.
   * @param args reach the program byte for byte; they are visible to everyone on the host: never secrets
   * @throws HostError if it is missing, does not exit 0 (unless `check` is false), takes too long, or the host is out of reach
   */
  run(program: string, args: readonly string[], options?: RunOptions): Promise<RunOutcome>;

  /**
   * Starts a program and returns as soon as it runs.
   * @throws HostError if it is missing or the host is out of reach
   */
  start(program: string, args: readonly string[], options?: StartOptions): Promise<RunningProgram>;

  /** @throws HostError if there is no such file or it may not be read */
  readFile(path: string): Promise<Buffer>;

  /** Creates the file or replaces what is in it. @throws HostError if that cannot be done */
  writeFile(path: string, data: string | Uint8Array, options?: WriteFileOptions): Promise<void>;

  /** Makes a unix socket of the host reachable from here. Nothing need listen on it yet. */
  forwardUnixSocket(remotePath: string): Promise<ForwardedSocket>;

  /** Ends what still runs and the connection. The host is of no use afterwards; closing it again does nothing. */
  close(): Promise<void>;
}

export interface HostKey {
  /** `ssh-ed25519` */
  readonly algorithm: string;
  /** `SHA256:` and base64 without padding, as `ssh-keygen -l` shows it. */
  readonly fingerprint: string;
}

export interface StartOptions {
  /** What the program reads on standard input; without it, it reads nothing. The place for secrets. */
  readonly input?: string | Uint8Array;
  /** Kills the program, and rejects with its reason. */
  readonly signal?: AbortSignal;
}

export interface RunOptions extends StartOptions {
  /** Then the program is killed. Default: never. */
  readonly timeoutMs?: number;
  /** Gets standard output as it comes; `RunOutcome.stdout` is then empty. */
  readonly onStdout?: (chunk: Buffer) => void;
  /** False: an exit code other than 0 is an outcome like any other. Default: it is an error. */
  readonly check?: boolean;
}

export interface RunOutcome {
  /** 128 and the number of the signal if one ended the program. */
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunningProgram {
  /** Standard output. It must be read: a full pipe halts the program. */
  readonly stdout: Readable;
  /** Standard error, as far as it has come. */
  readonly stderr: string;
  /** Settles when the program has ended; `stdout` of the outcome is empty. Rejects with HostError if the connection broke. */
  readonly exited: Promise<RunOutcome>;
  /** Asks it, with every process of its group; `INT` and `TERM` let most programs finish in order. */
  signal(name: SignalName): void;
  /** Ends it at once. */
  kill(): Promise<void>;
}

export type SignalName = 'INT' | 'TERM' | 'HUP' | 'USR1' | 'USR2' | 'STOP' | 'CONT';

export interface WriteFileOptions {
  /** Permissions, default 0o600. */
  readonly mode?: number;
}

export interface ForwardedSocket {
  /** Connect here. Short enough for `sun_path`. */
  readonly localPath: string;
  close(): Promise<void>;
}
