/** A real sshd on 127.0.0.1 with throw-away keys. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import type { SshTarget } from '../../../../src/orchestrator/hosts/ssh-host.js';
import { freePort } from '../../../free-port.js';
import { findTool, runTool } from '../../../tool.js';

export class SshServer {
  readonly folder = mkdtempSync(join(tmpdir(), 'tare-sshd-'));
  readonly target: SshTarget;
  readonly port: number;
  #process: ChildProcess | null = null;

  private constructor(port: number) {
    this.port = port;
    this.target = {
      destination: `${userInfo().username}@127.0.0.1`,
      name: 'far',
      port,
      identityFile: join(this.folder, 'client'),
      knownHostsFile: join(this.folder, 'known_hosts'),
      configFile: '/dev/null',
    };
  }

  static async start(): Promise<SshServer> {
    const server = new SshServer(await freePort('127.0.0.1'));
    server.makeKeys();
    await server.listen();
    return server;
  }

  makeKeys(): void {
    for (const key of ['client', 'hostkey']) {
      rmSync(join(this.folder, key), { force: true });
      runTool('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', '', '-f', join(this.folder, key)]);
    }
    copyFileSync(join(this.folder, 'client.pub'), join(this.folder, 'authorized'));
    this.knowHostKey(join(this.folder, 'hostkey.pub'));
  }

  /** Makes this the key that clients expect. */
  knowHostKey(publicKeyFile: string): void {
    const known = `[127.0.0.1]:${this.port} ${readFileSync(publicKeyFile, 'utf8')}`;
    writeFileSync(join(this.folder, 'known_hosts'), known);
  }

  /** @param more options of sshd_config(5) */
  async listen(more: readonly string[] = []): Promise<void> {
    // Privilege separation wants it; only root can and must make it.
    if (process.getuid?.() === 0) mkdirSync('/run/sshd', { recursive: true });
    const options = [
      `Port=${this.port}`,
      'ListenAddress=127.0.0.1',
      `HostKey=${join(this.folder, 'hostkey')}`,
      `AuthorizedKeysFile=${join(this.folder, 'authorized')}`,
      'PidFile=none',
      'StrictModes=no',
      'UsePAM=no',
      'PermitRootLogin=yes',
      'PasswordAuthentication=no',
      'MaxSessions=100',
      ...more,
    ];
    const sshd = findTool('sshd') ?? 'sshd';
    const args = ['-D', '-e', '-f', '/dev/null', ...options.flatMap((option) => ['-o', option])];
    this.#process = spawn(sshd, args, { stdio: ['ignore', 'ignore', 'pipe'] });
    let said = '';
    for await (const chunk of this.#process.stderr!) {
      said += chunk;
      if (/Server listening/.test(said)) break;
    }
    if (!/Server listening/.test(said)) throw new Error(`sshd did not start: ${said}`);
  }

  /** New connections are refused; those that exist go on. */
  async stop(): Promise<void> {
    const server = this.#process;
    if (server === null) return;
    this.#process = null;
    server.kill('SIGKILL');
    await once(server, 'exit');
  }

  async close(): Promise<void> {
    await this.stop();
    rmSync(this.folder, { recursive: true });
  }
}
