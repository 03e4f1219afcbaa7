import type { Host } from '../hosts/host.js';
import type { SshHost } from '../hosts/ssh-host.js';
import { type QmpClient, QmpError } from '../qemu/qmp-client.js';
import { LabError } from './lab-error.js';
import { ADDRESSES, type LabLink, LINK_DEVICE, mtuBatch, qdiscBatch } from './lab-link.js';
import { type LabRecord, writeLabRecord } from './lab-runs.js';
import { readMachineClock, startCapture } from './link-capture.js';
import { LINK_NETDEV, monitorSocket, SIDES, type Side } from './machine-arguments.js';
import { withMonitor } from './machine-monitor.js';

/** A capture that runs outside the machines, in QEMU, and costs them nothing. */
export interface LinkCapture {
  readonly path: string;
  /** What to add to the times in the file to get those of this machine's clock (`nowMs`): the same for all of them. */
  readonly clockOffsetMs: number;
  /** Ends it. The file is whole then. */
  stop(): Promise<void>;
}

export interface LabConnection {
  readonly folder: string;
  readonly record: LabRecord;
  readonly hosts: Readonly<Record<Side, SshHost>>;
  /** Ends the lab, or leaves it if it is somebody else's. */
  readonly release: () => Promise<void>;
}

/** Two machines and the link between them, up and ready. */
export class Lab {
  /** Name of the link's device within both machines. */
  readonly linkDevice = LINK_DEVICE;
  readonly addresses = ADDRESSES;
  readonly #connection: LabConnection;
  #record: LabRecord;
  #captures = 0;
  #isClosed = false;

  constructor(connection: LabConnection) {
    this.#connection = connection;
    this.#record = connection.record;
  }

  get source(): Host {
    return this.#connection.hosts.source;
  }

  get destination(): Host {
    return this.#connection.hosts.destination;
  }

  /** Versions, accelerator, link as it is now. */
  get record(): LabRecord {
    return this.#record;
  }

  /** Of emulated processors of a defined speed: time passes in the machines as they work, at paces of their own. Else null. */
  get instructionNs(): number | null {
    return this.#record.instructionNs;
  }

  /** Sets the machines' clocks to ours, learns QEMU's, and writes down that the lab is up. */
  async prepare(): Promise<void> {
    const reading = SIDES.map((side) => this.#withMonitor(side, readMachineClock));
    const [source, destination] = await Promise.all(reading);
    await this.#onBoth(setClock);
    this.#record = { ...this.#record, clocks: { source: source!, destination: destination! } };
    await writeLabRecord(this.#connection.folder, this.#record);
  }

  /** Changes the link under the machines' feet: nothing that is set up on them is lost. */
  async setLink(link: LabLink): Promise<void> {
    await this.#onBoth(async (host, side) => {
      await host.run('ip', ['-batch', '-'], { input: mtuBatch(link) });
      await host.run('tc', ['-batch', '-'], { input: qdiscBatch(link, side) });
    });
    this.#record = { ...this.#record, link };
    await writeLabRecord(this.#connection.folder, this.#record);
  }

  /** Pulls the cable out, or plugs it in again. */
  async connectLink(isConnected: boolean): Promise<void> {
    for (const side of SIDES) await this.#command(side, 'set_link', { name: LINK_NETDEV, up: isConnected });
  }

  /** As if its power had failed. The other one stays. */
  async killMachine(side: Side): Promise<void> {
    await this.#command(side, 'quit').catch((error: unknown) => {
      // It may be gone before its answer is out.
      if (!(error instanceof QmpError && error.kind === 'Disconnected')) throw error;
    });
  }

  /**
   * Records what one machine's end of the link sends and receives, as pcap, in this machine's file system.
   * @param path absolute
   * @param snapLength bytes of each frame to keep
   */
  async captureLink(side: Side, path: string, snapLength: number): Promise<LinkCapture> {
    if (!path.startsWith('/')) throw new LabError(`a capture needs an absolute path, not ${path}`);
    const id = `capture-${process.pid}-${this.#captures++}`;
    const clock = this.#record.clocks[side];
    const clockOffsetMs = await this.#withMonitor(side, (monitor) =>
      startCapture(monitor, id, path, snapLength, clock),
    );
    return { path, clockOffsetMs, stop: () => this.#command(side, 'object-del', { id }) };
  }

  /** Closing it again does nothing. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    const { hosts, release } = this.#connection;
    await Promise.all([hosts.source.close(), hosts.destination.close()]);
    await release();
  }

  async #command(side: Side, command: string, args: Readonly<Record<string, unknown>> = {}): Promise<void> {
    await this.#withMonitor(side, (monitor) => monitor.execute(command, args));
  }

  #withMonitor<Result>(side: Side, use: (monitor: QmpClient) => Promise<Result>): Promise<Result> {
    return withMonitor(this.#connection.folder, monitorSocket(side), use);
  }

  async #onBoth(act: (host: Host, side: Side) => Promise<void>): Promise<void> {
    await Promise.all(SIDES.map((side) => act(this.#connection.hosts[side], side)));
  }
}

/**
 * The clock was read from a chip that knows whole seconds only. It is set to ours, as of the time when half the way
 * there and back is over.
 */
async function setClock(host: Host): Promise<void> {
  const sentMs = Date.now();
  await host.run('true', []);
  const onTheWayMs = (Date.now() - sentMs) / 2;
  await host.run('date', ['-s', `@${((Date.now() + onTheWayMs) / 1000).toFixed(3)}`]);
}
