import type { ForwardedSocket, Host } from '../hosts/host.js';
import { QemuConnection } from '../qemu/qemu-connection.js';
import { QmpClient, QmpError } from '../qemu/qmp-client.js';
import { EnvironmentError } from '../steps/run-context.js';

/** QEMU greets at once, unless somebody else is connected: it serves one at a time. */
const GREETING_TIMEOUT_MS = 15_000;

/** `$1`: path of a unix socket. Prints the number of the process that listens on it, if it may be known. */
const FIND_LISTENER = `ss -Hxlp 2>/dev/null | awk -v path="$1" '$5 == path' | sed -n 's/.*pid=\\([0-9]*\\).*/\\1/p' | head -n 1`;

/** `$1`: number of a process. Waits until there is none, for a minute. */
const AWAIT_END = 'n=0; while [ -e "/proc/$1" ]; do n=$((n + 1)); [ $n -lt 600 ] || exit 1; sleep 0.1; done';

/** A user's QEMU. It is not ended, but for one that holds no guest and never will. */
export class AttachedQemu extends QemuConnection {
  readonly processId: number | null;

  private constructor(host: Host, socket: ForwardedSocket, qmp: QmpClient, processId: number | null) {
    super(host, socket, qmp);
    this.processId = processId;
  }

  /**
   * @param path of its QMP socket on the host
   * @throws EnvironmentError saying why there is no connection
   */
  static async attach(host: Host, path: string): Promise<AttachedQemu> {
    const socket = await host.forwardUnixSocket(path);
    try {
      const qmp = await QmpClient.connect(socket.localPath, GREETING_TIMEOUT_MS);
      const { stdout } = await host.run('sh', ['-c', FIND_LISTENER, 'sh', path], { check: false });
      const processId = Number.parseInt(stdout, 10);
      return new AttachedQemu(host, socket, qmp, Number.isNaN(processId) ? null : processId);
    } catch (error) {
      await socket.close().catch(() => {});
      throw error instanceof QmpError ? explained(error, host, path) : error;
    }
  }

  /** One that waits for a guest is of no use when that goes on elsewhere, and must not get it after all. */
  async end(): Promise<void> {
    if (this.processId === null) throw new Error('the process of QEMU is not known');
    if (!this.isGone) {
      const status = await this.status();
      if (status !== 'inmigrate' && !this.isGone) throw new Error(`QEMU says that it is ${status}`);
      // It may close the connection before it has answered.
      await this.qmp.execute('quit').catch(() => {});
    }
    await this.host.run('sh', ['-c', AWAIT_END, 'sh', String(this.processId)]);
  }
}

function explained({ kind, message }: QmpError, { name }: Host, path: string): EnvironmentError {
  if (kind === 'Timeout') {
    return new EnvironmentError(
      `QEMU does not greet on the QMP socket ${path} of ${name}: it serves one connection at a time, and somebody else has it; ` +
        'end that, or give QEMU another socket (-qmp unix:PATH,server=on,wait=off)',
    );
  }
  if (kind === 'Protocol')
    return new EnvironmentError(`what answers on ${path} of ${name} does not speak QMP`);
  return new EnvironmentError(
    `no connection to the QMP socket ${path} of ${name} (${message}): start QEMU there with -qmp unix:${path},server=on,wait=off, ` +
      'and let the user of the connection write to the socket',
  );
}
