import type { ForwardedSocket, Host } from '../hosts/host.js';
import { HostError } from '../hosts/host-error.js';
import { type GuestFiles, type GuestMachine, guestArguments } from './guest-arguments.js';
import { type GuestReport, parseGuestReports } from './guest-report.js';
import { awaitReports } from './guest-serial.js';
import { QemuConnection } from './qemu-connection.js';
import { QmpClient } from './qmp-client.js';

export interface GuestSettings {
  /** Of QEMU on that host. */
  readonly program: string;
  readonly name: string;
  readonly machine: GuestMachine;
  readonly files: GuestFiles;
  /** What it starts from. */
  readonly bootSector: Uint8Array;
  readonly isIncoming: boolean;
}

/** QEMU takes a second under emulation; a machine that swaps may take long. */
const START_TIMEOUT_MS = 180_000;

/** Makes the folder of a guest, which the user of the connection may look into and nobody else. `$1`: its path. */
export const MAKE_FOLDER =
  'mkdir -m 700 -- "$1" && { [ -z "$SUDO_UID" ] || chown "$SUDO_UID:$SUDO_GID" "$1"; }';

/**
 * Ends the QEMU of a guest, if there is one, at once: it has nothing to put in order. `$1`: the guest's folder. The number in the file of process ids may long be another
 * process': it counts only if that one was started with this folder.
 */
const END_GUEST = `
if read -r pid <"$1/pid" && grep -qF -- "$1/qmp" "/proc/$pid/cmdline"; then
  kill -s KILL "$pid"
  while kill -s 0 "$pid"; do sleep 0.05; done
fi 2>/dev/null
`;

/** Ends it and removes its folder, whatever there is of them. `$1`: the folder. */
export const REMOVE_GUEST = `${END_GUEST}rm -rf -- "$1"\n`;

/** The QEMU of Tare's own guest on one host. It outlives us: whoever starts it registers `REMOVE_GUEST`. */
export class GuestProcess extends QemuConnection {
  readonly processId: number;
  private readonly files: GuestFiles;

  private constructor(
    host: Host,
    files: GuestFiles,
    processId: number,
    socket: ForwardedSocket,
    qmp: QmpClient,
  ) {
    super(host, socket, qmp);
    this.files = files;
    this.processId = processId;
  }

  /**
   * The folder must be there.
   * @throws HostError, QmpError
   */
  static async start(host: Host, settings: GuestSettings, signal: AbortSignal): Promise<GuestProcess> {
    const { program, name, machine, files, bootSector, isIncoming } = settings;
    await host.writeFile(files.disk, bootSector);
    const timeoutMs = START_TIMEOUT_MS;
    await host.run(program, guestArguments(name, machine, files, isIncoming), { timeoutMs, signal });
    // The folder keeps others out. Whom the socket is forwarded for may not be whom QEMU runs as.
    const { stdout } = await host.run('sh', [
      '-c',
      'chmod 666 -- "$1" && cat -- "$2"',
      'sh',
      files.qmp,
      files.pid,
    ]);
    const socket = await host.forwardUnixSocket(files.qmp);
    const qmp = await QmpClient.connect(socket.localPath);
    return new GuestProcess(host, files, Number(stdout.trim()), socket, qmp);
  }

  /** What the guest has reported up to now. */
  async reports(): Promise<GuestReport[]> {
    const serial = await this.host.readFile(this.files.serial);
    return parseGuestReports(serial.toString('latin1'));
  }

  /**
   * Waits until the guest has reported more often than `known` times.
   * @returns all that it has reported; not more than `known` after `timeoutMs`
   */
  async awaitReports(known: number, timeoutMs: number, signal: AbortSignal): Promise<GuestReport[]> {
    try {
      return await awaitReports(this.host, this.files.serial, known, { timeoutMs, signal });
    } catch (error) {
      if (!(error instanceof HostError && error.reason === 'timed-out')) throw error;
      return this.reports();
    }
  }

  async end(): Promise<void> {
    await this.host.run('sh', ['-c', END_GUEST, 'sh', this.files.folder], { check: false });
  }
}
