import type { ForwardedSocket, Host } from '../hosts/host.js';
import { ClockBounds } from './clock-bounds.js';
import type { QmpClient, QmpEvent } from './qmp-client.js';

/** That it does not answer counts as the guest not running: rather wait. */
const ANSWER_TIMEOUT_MS = 20_000;

/** A QEMU on a host that is spoken to through its QMP socket. It outlives us. */
export abstract class QemuConnection {
  readonly host: Host;
  readonly qmp: QmpClient;
  /** As its event times tell. */
  readonly clock: ClockBounds;
  private readonly socket: ForwardedSocket;
  private readonly events: QmpEvent[] = [];

  protected constructor(host: Host, socket: ForwardedSocket, qmp: QmpClient) {
    this.host = host;
    this.socket = socket;
    this.qmp = qmp;
    this.clock = new ClockBounds();
    qmp.onEvent((event) => {
      this.events.push(event);
      this.clock.observe(event);
    });
  }

  /** On its host; null if it could not be found out. */
  abstract readonly processId: number | null;

  /** Ends it, and makes sure of that. @throws Error if that is not certain, HostError if the host is out of reach */
  abstract end(): Promise<void>;

  /** `running`, `paused`, `inmigrate`... (QEMU's `RunState`); null if it is gone or does not answer. */
  async status(): Promise<string | null> {
    try {
      const answer = await this.qmp.execute('query-status', undefined, ANSWER_TIMEOUT_MS);
      const isStatus = typeof answer === 'object' && answer !== null && 'status' in answer;
      return isStatus ? String(answer.status) : null;
    } catch {
      return null;
    }
  }

  /** Whether this QEMU runs the guest now. One that is gone or does not answer does not. */
  async isRunning(): Promise<boolean> {
    return (await this.status()) === 'running';
  }

  /** Whether QEMU has ended, or can be reached no more. */
  get isGone(): boolean {
    return this.qmp.isClosed;
  }

  /** The first event of this kind since the start. */
  findEvent(name: string): QmpEvent | null {
    return this.events.find(({ event }) => event === name) ?? null;
  }

  /** Takes leave of it; QEMU runs on. */
  async disconnect(): Promise<void> {
    this.qmp.close();
    await this.socket.close().catch(() => {});
  }
}
