import { connect, type Socket } from 'node:net';
import { nowMs } from './clock.js';

/** What QEMU answered instead of a result, or that it did not answer. */
export class QmpError extends Error {
  override readonly name = 'QmpError';
  /** QEMU's error class (`GenericError`, `CommandNotFound`...), or `Disconnected`, `Protocol`, `Timeout`. */
  readonly kind: string;

  constructor(kind: string, message: string) {
    super(message);
    this.kind = kind;
  }
}

/** Something that happened in QEMU by itself. */
export interface QmpEvent {
  readonly event: string;
  readonly data: Readonly<Record<string, unknown>>;
  /** The clock of QEMU's host when it happened, milliseconds since 1970. */
  readonly timeMs: number;
  /** When the word of it came here, as `nowMs` of clock.ts says. */
  readonly arrivedMs: number;
}

interface PendingCommand {
  readonly name: string;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: QmpError) => void;
  readonly timer: NodeJS.Timeout;
}

const COMMAND_TIMEOUT_MS = 30_000;
const CLOSED = 'QEMU closed its QMP socket';
/** No answer QEMU gives here comes near it. */
const MAX_MESSAGE_LENGTH = 16 * 1024 * 1024;

/**
 * Speaks QMP, QEMU's machine protocol: JSON objects, one a line (docs/interop/qmp-spec of QEMU). Commands may be under way at the
 * same time; each answer finds its command by id.
 */
export class QmpClient {
  private readonly socket: Socket;
  private readonly pending = new Map<number, PendingCommand>();
  private readonly listeners = new Set<(event: QmpEvent) => void>();
  private greeted: (() => void) | null = null;
  private failed: QmpError | null = null;
  private rest = '';
  private nextId = 1;

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.setEncoding('utf8');
    socket.on('data', (text: string) => this.takeText(text));
    socket.on('error', (error: NodeJS.ErrnoException) => {
      // Whoever writes before the end was read learns of it so.
      const isClosed = error.code === 'EPIPE' || error.code === 'ECONNRESET';
      this.fail(new QmpError('Disconnected', isClosed ? CLOSED : error.message));
    });
    socket.on('close', () => this.fail(new QmpError('Disconnected', CLOSED)));
  }

  /**
   * Connects to a unix socket on this machine and leaves negotiation mode.
   * @throws QmpError
   */
  static async connect(path: string, timeoutMs = COMMAND_TIMEOUT_MS): Promise<QmpClient> {
    const client = new QmpClient(connect(path));
    try {
      await client.awaitGreeting(timeoutMs);
      await client.execute('qmp_capabilities');
    } catch (error) {
      client.close();
      throw error;
    }
    return client;
  }

  /**
   * @returns what QEMU returned
   * @throws QmpError
   */
  async execute(
    name: string,
    args?: Readonly<Record<string, unknown>>,
    timeoutMs = COMMAND_TIMEOUT_MS,
  ): Promise<unknown> {
    if (this.failed !== null) throw this.failed;
    const id = this.nextId++;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.pending.delete(id);
        reject(new QmpError('Timeout', `QEMU did not answer ${name} within ${timeoutMs / 1000} s`));
      }, timeoutMs);
      this.pending.set(id, { name, resolve, reject, timer });
      this.socket.write(`${JSON.stringify({ execute: name, id, ...(args && { arguments: args }) })}\n`);
    });
  }

  /** @returns a function that ends the listening */
  onEvent(listener: (event: QmpEvent) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** The connection has ended, one way or the other. */
  get isClosed(): boolean {
    return this.failed !== null;
  }

  /** Ends the connection; commands under way fail. */
  close(): void {
    this.socket.destroy();
    this.fail(new QmpError('Disconnected', 'the QMP connection was closed'));
  }

  private awaitGreeting(timeoutMs: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.pending.delete(0);
        reject(new QmpError('Timeout', `no greeting on the QMP socket within ${timeoutMs / 1000} s`));
      }, timeoutMs);
      this.pending.set(0, { name: 'greeting', resolve: () => resolve(), reject, timer });
      this.greeted = () => this.settle(0, (command) => command.resolve(null));
    });
  }

  private takeText(text: string): void {
    const lines = text.split('\n');
    lines[0] = this.rest + lines[0];
    this.rest = lines.pop() ?? '';
    for (const line of lines) if (line.trim() !== '') this.takeMessage(line);
    if (this.rest.length <= MAX_MESSAGE_LENGTH) return;
    this.fail(new QmpError('Protocol', 'a QMP message has no end'));
    this.socket.destroy();
  }

  private takeMessage(line: string): void {
    const message = parseObject(line);
    if (message === null) {
      this.fail(new QmpError('Protocol', 'what answers on the QMP socket is not QMP'));
      this.socket.destroy();
    } else if ('QMP' in message) {
      this.greeted?.();
    } else if (typeof message['event'] === 'string') {
      const event = {
        event: message['event'],
        data: asRecord(message['data']),
        timeMs: timeOf(message),
        arrivedMs: nowMs(),
      };
      for (const listener of this.listeners) listener(event);
    } else if (typeof message['id'] === 'number') {
      this.settle(message['id'], (command) => answer(command, message));
    }
  }

  private settle(id: number, how: (command: PendingCommand) => void): void {
    const command = this.pending.get(id);
    if (command === undefined) return;
    this.pending.delete(id);
    clearTimeout(command.timer);
    how(command);
  }

  private fail(error: QmpError): void {
    this.failed ??= error;
    for (const id of [...this.pending.keys()]) this.settle(id, (command) => command.reject(error));
  }
}

function answer(command: PendingCommand, message: Readonly<Record<string, unknown>>): void {
  if ('error' in message) {
    const { class: kind, desc } = asRecord(message['error']);
    command.reject(new QmpError(String(kind), `${command.name}: ${String(desc)}`));
  } else {
    command.resolve(message['return']);
  }
}

function parseObject(line: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}

function asRecord(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}

function timeOf(message: Readonly<Record<string, unknown>>): number {
  const { seconds, microseconds } = asRecord(message['timestamp']);
  return Number(seconds ?? 0) * 1000 + Number(microseconds ?? 0) / 1000;
}
