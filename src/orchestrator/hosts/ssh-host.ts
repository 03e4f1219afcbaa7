import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ForwardedSocket, HostKey } from './host.js';
import { HostError } from './host-error.js';
import { type LocalCommand, ShellHost } from './shell-host.js';
import { quoteCommand } from './shell-quote.js';
import { SshConnection } from './ssh-connection.js';
import { explainSshFailure } from './ssh-failure.js';
import type { ProgramEnd } from './supervised-program.js';

export interface SshTarget {
  /** As ssh takes it: a host name, an alias of ~/.ssh/config, `user@host`. */
  readonly destination: string;
  /** For messages. Default: the destination. */
  readonly name?: string;
  readonly port?: number;
  /** Instead of the user's keys: no others are tried. */
  readonly identityFile?: string;
  /** Instead of the user's: the host's key must be in it. */
  readonly knownHostsFile?: string;
  /** Fingerprints, `SHA256:...`: the host's key must be one of them, besides being known to ssh. */
  readonly hostKeys?: readonly string[];
  /** Default: the user's, with what it includes. */
  readonly configFile?: string;
  /** From knocking to being logged in. Default: 10. */
  readonly patienceSeconds?: number;
  /** Run everything through `sudo -n`, for users who may but are not root. */
  readonly sudo?: boolean;
  /** Path of ssh itself. Default: the one in PATH. */
  readonly program?: string;
  /** Folder to put sockets into, in a folder of their own. Its path must be short. Default: the system's for temporary files. */
  readonly socketFolder?: string;
}

/** Leaves room within the 107 bytes of `sun_path` for the folder's own name, a socket's, and what ssh appends while it makes one. */
const MAX_SOCKET_FOLDER_LENGTH = 60;
/** Forwardings are written PATH:PATH, and nothing can be quoted. */
const PLAIN_PATH = /^\/[\w./-]*$/;

/**
 * A machine reached by the system's ssh with the user's own configuration, agent and known hosts. One connection carries all
 * programs; nobody is ever asked for anything. The login shell there must be a POSIX shell, the ssh server OpenSSH's or
 * one alike.
 */
export class SshHost extends ShellHost {
  readonly #target: SshTarget;
  readonly #connection: SshConnection;
  #forwarded = 0;

  private constructor(target: SshTarget, connection: SshConnection) {
    super(target.name ?? target.destination);
    this.#target = target;
    this.#connection = connection;
  }

  /** @throws HostError saying why there is no connection */
  static async connect(target: SshTarget, signal?: AbortSignal): Promise<SshHost> {
    const name = target.name ?? target.destination;
    if (target.destination.startsWith('-') || target.destination === '') {
      throw new HostError(name, 'unsupported', `"${target.destination}" is no destination for ssh`);
    }
    const folder = await makeSocketFolder(target.socketFolder);
    const connection = new SshConnection({
      name,
      folder,
      program: target.program ?? 'ssh',
      options: sshOptions(target),
      destination: target.destination,
    });
    await connection.open(signal);
    const found = connection.hostKey?.fingerprint ?? 'none';
    if (target.hostKeys !== undefined && !target.hostKeys.includes(found)) {
      await connection.close();
      const expected = target.hostKeys.join(' or ');
      throw new HostError(
        name,
        'host-key-changed',
        `its host key is ${found}, not ${expected}: this is another machine, or the inventory is out of date`,
      );
    }
    return new SshHost(target, connection);
  }

  get hostKey(): HostKey | null {
    return this.#connection.hostKey;
  }

  async forwardUnixSocket(remotePath: string): Promise<ForwardedSocket> {
    const localPath = join(this.#connection.folder, `s${this.#forwarded++}`);
    await this.#connection.forward(localPath, remotePath);
    return { localPath, close: () => this.#connection.stopForward(localPath, remotePath) };
  }

  override async close(): Promise<void> {
    await super.close();
    await this.#connection.close();
  }

  protected localCommand(words: readonly string[]): LocalCommand {
    const command = this.#target.sudo ? ['sudo', '-n', '--', ...words] : words;
    return this.#connection.sessionCommand(`exec ${quoteCommand(command)}`);
  }

  protected explainLoss(program: string, stderr: string, end: ProgramEnd & { kind: 'lost' }): HostError {
    if (this.#target.sudo && /sudo: (command )?not found/.test(stderr)) {
      return new HostError(this.name, 'program-missing', 'sudo is not installed: log in as root');
    }
    if (this.#target.sudo && /^sudo: /m.test(stderr)) {
      const advice = 'sudo wants a password: let this user run sh without one, or log in as root';
      return new HostError(this.name, 'permission-denied', `${advice} (${stderr.trim()})`);
    }
    const { message } = explainSshFailure(stderr);
    return new HostError(
      this.name,
      'connection-lost',
      `the connection broke while ${program} ran: ${message}`,
      {
        cause: end.error,
      },
    );
  }
}

/** Arguments of an ssh for people: it logs in and leaves the terminal to the login shell. */
export function loginArguments(target: SshTarget): string[] {
  const options = targetOptions(target).flatMap((option) => ['-o', option]);
  return [...placeOptions(target), ...options, '-o', 'LogLevel=ERROR', '--', target.destination];
}

async function makeSocketFolder(wanted: string | undefined): Promise<string> {
  const folders = [wanted, process.env['XDG_RUNTIME_DIR'], tmpdir(), '/tmp'];
  const parent = folders.find(
    (folder) => folder !== undefined && PLAIN_PATH.test(folder) && folder.length <= MAX_SOCKET_FOLDER_LENGTH,
  );
  return mkdtemp(join(parent ?? '/tmp', 'tare-'));
}

/** Options of every ssh that belongs to this connection. What the command line says wins over any configuration file. */
function sshOptions(target: SshTarget): string[] {
  const own = [
    'BatchMode=yes',
    // Whatever the configuration says: who the host is must be certain.
    'StrictHostKeyChecking=yes',
    'NoHostAuthenticationForLocalhost=no',
    'ForwardAgent=no',
    'ForwardX11=no',
    'PermitLocalCommand=no',
    'RemoteCommand=none',
    'RequestTTY=no',
    `ConnectTimeout=${target.patienceSeconds ?? 10}`,
    'ServerAliveInterval=5',
    'ServerAliveCountMax=3',
  ];
  return [...placeOptions(target), ...[...own, ...targetOptions(target)].flatMap((option) => ['-o', option])];
}

function placeOptions({ port, configFile }: SshTarget): string[] {
  return [
    ...(configFile === undefined ? [] : ['-F', configFile]),
    ...(port === undefined ? [] : ['-p', String(port)]),
  ];
}

function targetOptions({ identityFile, knownHostsFile }: SshTarget): string[] {
  const checked = ['GlobalKnownHostsFile=/dev/null', 'StrictHostKeyChecking=yes', 'CheckHostIP=no'];
  return [
    ...(identityFile === undefined ? [] : ['IdentitiesOnly=yes', `IdentityFile=${optionPath(identityFile)}`]),
    ...(knownHostsFile === undefined ? [] : [`UserKnownHostsFile=${optionPath(knownHostsFile)}`, ...checked]),
  ];
}

/** In paths ssh splits at spaces and replaces what follows a percent sign. */
function optionPath(path: string): string {
  return `"${path.replaceAll('%', '%%')}"`;
}
