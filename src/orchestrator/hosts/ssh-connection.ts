import { execFile, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { HostKey } from './host.js';
import { HostError } from './host-error.js';
import type { LocalCommand } from './shell-host.js';
import { explainSshFailure } from './ssh-failure.js';
import type { PipedChild } from './supervised-program.js';

export interface SshConnectionSettings {
  /** Of the host, for messages. */
  readonly name: string;
  /** For sockets; readable by its owner alone, and gone when the connection ends. */
  readonly folder: string;
  /** ssh. */
  readonly program: string;
  /** ssh options that all its processes share. */
  readonly options: readonly string[];
  readonly destination: string;
}

/** ssh's own log, apart from what proxies and servers may write on standard error. Within the folder. */
const LOG = 'log';
/** Whatever comes behind the first key exchange may be the server's words. */
const SERVER_KEY = /^debug1: Server host (?:key|certificate): (\S+) (SHA256:[\w+/]+)/m;

/**
 * $1: the folder, then ssh with its arguments. What ssh complains of is in its log, between what it says of its own doings.
 */
const MASTER = `
trap "" HUP INT TERM
folder=$1
shift
"$@"
code=$?
sed '/^debug/d' "$folder/${LOG}" >&2
rm -rf -- "$folder"
exit $code
`;

/** Time for the connection to end in order before it is ended. */
const CLOSE_GRACE_MS = 2000;

/**
 * The connection that all programs share: ssh's ControlMaster, run as a child whose remote command waits for the end of its
 * input. So the connection ends with this process, whatever ends it; ControlPersist would leave it behind. The shell
 * around it removes the folder then.
 */
export class SshConnection {
  readonly #settings: SshConnectionSettings;
  #master: PipedChild | null = null;
  #masterClosed: Promise<void> = Promise.resolve();
  #hostKey: HostKey | null = null;

  constructor(settings: SshConnectionSettings) {
    this.#settings = settings;
  }

  get folder(): string {
    return this.#settings.folder;
  }

  /** Of the server, once the connection is open; null if it proved itself by other means (Kerberos). */
  get hostKey(): HostKey | null {
    return this.#hostKey;
  }

  /** @throws HostError if it cannot be made; the folder is gone then */
  async open(signal?: AbortSignal): Promise<void> {
    const { name, folder, program, options, destination } = this.#settings;
    const greeting = `tare-${randomBytes(8).toString('hex')}`;
    const line = `echo ${greeting} && exec cat`;
    const ssh = [
      program,
      ...options,
      ...['-E', join(folder, LOG), '-o', 'LogLevel=DEBUG1', '-o', 'FingerprintHash=sha256'],
      ...this.#shared('yes'),
      '-o',
      'ClearAllForwardings=yes',
      '--',
      destination,
      line,
    ];
    const master: PipedChild = spawn('sh', ['-c', MASTER, 'sh', folder, ...ssh], {
      stdio: ['pipe', 'pipe', 'pipe'],
      detached: true,
    });
    master.stdin.on('error', () => {});
    this.#master = master;
    this.#masterClosed = new Promise((resolve) => master.once('close', () => resolve()));
    const stop = (): void => killGroup(master);
    signal?.addEventListener('abort', stop, { once: true });
    const said = await waitForGreeting(master, greeting);
    signal?.removeEventListener('abort', stop);
    if (said === null) {
      const log = await readFile(join(folder, LOG), 'utf8');
      const [, algorithm, fingerprint] = SERVER_KEY.exec(log) ?? [];
      if (algorithm !== undefined && fingerprint !== undefined) this.#hostKey = { algorithm, fingerprint };
      return;
    }
    await this.close();
    if (signal?.aborted)
      throw new HostError(name, 'aborted', 'connecting was broken off', { cause: signal.reason });
    const { reason, message } = explainSshFailure(said);
    throw new HostError(name, reason, message);
  }

  /** A command line of the login shell there, as a process here. */
  sessionCommand(line: string): LocalCommand {
    const { program, options, destination } = this.#settings;
    const args = [
      ...options,
      ...this.#shared('no'),
      '-o',
      'ClearAllForwardings=yes',
      '--',
      destination,
      line,
    ];
    return { program, args };
  }

  /** @throws HostError if ssh refuses */
  async forward(localPath: string, remotePath: string): Promise<void> {
    await this.#control('forward', localPath, remotePath);
  }

  async stopForward(localPath: string, remotePath: string): Promise<void> {
    await this.#control('cancel', localPath, remotePath);
    await rm(localPath, { force: true });
  }

  /** Closing it again does nothing. */
  async close(): Promise<void> {
    const master = this.#master;
    if (master === null) return;
    master.stdin.end();
    // A connection that hangs would be noticed by keep-alives only.
    const timer = setTimeout(() => killGroup(master), CLOSE_GRACE_MS);
    await this.#masterClosed;
    clearTimeout(timer);
    await rm(this.#settings.folder, { recursive: true, force: true });
  }

  #shared(isMaster: 'yes' | 'no'): string[] {
    const path = join(this.#settings.folder, 'c');
    const options = [
      `ControlMaster=${isMaster}`,
      `ControlPath=${path}`,
      'ControlPersist=no',
      'LogLevel=ERROR',
    ];
    return options.flatMap((option) => ['-o', option]);
  }

  /** Asks the master for a forwarding, or for its end. */
  async #control(request: 'forward' | 'cancel', localPath: string, remotePath: string): Promise<void> {
    const { name, program, options, destination } = this.#settings;
    if (/[:\s]/.test(remotePath)) {
      throw new HostError(
        name,
        'unsupported',
        `ssh cannot forward a socket whose path has a colon or space: ${remotePath}`,
      );
    }
    const forwarding = ['-O', request, '-L', `${localPath}:${remotePath}`];
    const said = await runSsh(program, [...options, ...this.#shared('no'), ...forwarding, '--', destination]);
    if (said === null) return;
    const { reason, message } = explainSshFailure(said);
    throw new HostError(name, reason, `cannot ${request} ${remotePath}: ${message}`);
  }
}

/** @returns what ssh complained of, or null if all went well */
function runSsh(program: string, args: readonly string[]): Promise<string | null> {
  return new Promise((resolve) => {
    execFile(program, args, (error, _stdout, stderr) =>
      resolve(error === null ? null : stderr || error.message),
    );
  });
}

/** @returns null when the other side has answered; what ssh said if it ended before */
function waitForGreeting(master: PipedChild, greeting: string): Promise<string | null> {
  return new Promise((resolve) => {
    let stdout = '';
    let stderr = '';
    // Start-up files of the login shell may print something before.
    const onStdout = (chunk: Buffer): void => {
      stdout += chunk.toString('latin1');
      if (!stdout.includes(greeting)) return;
      master.stdout.off('data', onStdout).resume();
      resolve(null);
    };
    master.stdout.on('data', onStdout);
    master.stderr.on('data', (chunk: Buffer) => {
      stderr += chunk.toString('utf8');
    });
    master.once('error', (error) => resolve(error.message));
    master.once('close', () => resolve(stderr));
  });
}

function killGroup(child: PipedChild): void {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  process.kill(-child.pid, 'SIGKILL');
}
