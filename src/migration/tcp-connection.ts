import type { MigrationConnection, MigrationTransport } from './migration-record.js';
import type { ReassemblyBudget } from './reassembly-budget.js';
import { type StreamConsumer, TcpStream } from './tcp-stream.js';

/** Where one direction of a connection goes from and to. */
export interface Endpoints {
  readonly source: string;
  readonly destination: string;
  readonly sourcePort: number;
  readonly destinationPort: number;
}

/** Bytes by which a stream is recognised. */
const HEAD_BYTES = 8;
/** Until it is known what a stream is, not much of it is kept. */
const UNDECIDED_REACH_BYTES = 1 << 16;

/** Decides what a stream is by its first 8 bytes. @returns who takes the stream; null if nobody is interested */
export type Recognise = (
  connection: TcpConnection,
  head: Uint8Array,
  timeNs: number,
) => StreamConsumer | null;

/** Protection classes in the order of two flag bits: AH, ESP. */
const TRANSPORTS = ['clear', 'ah', 'esp', 'ahEsp'] as const satisfies readonly MigrationTransport[];

/** One direction of one TCP connection, from which a migration may be read. */
export class TcpConnection implements StreamConsumer {
  readonly endpoints: Endpoints;
  readonly stream: TcpStream;
  /** Sequence number of the SYN; -1: not seen. */
  readonly syn: number;
  /** Nobody wants it. */
  isRejected = false;
  role: MigrationConnection['role'] = 'main';
  channel: number | null = null;
  /** Packets with payload: clear, AH, ESP, both. Index is the flags of AH and ESP as a number of two bits. */
  readonly packets = new Float64Array(TRANSPORTS.length);
  private consumer: StreamConsumer | null = null;
  private readonly recognise: Recognise;
  private readonly head = new Uint8Array(HEAD_BYTES);
  private have = 0;

  constructor(endpoints: Endpoints, syn: number, budget: ReassemblyBudget, recognise: Recognise) {
    this.endpoints = endpoints;
    this.syn = syn;
    this.recognise = recognise;
    this.stream = new TcpStream(this, budget);
    const { reachBytes } = this.stream;
    this.fullReach = reachBytes;
    this.stream.reachBytes = UNDECIDED_REACH_BYTES;
    if (syn >= 0) this.stream.start(syn + 1);
  }

  private readonly fullReach: number;

  get isDecided(): boolean {
    return this.consumer !== null || this.isRejected;
  }

  /** Hands the stream to a consumer without looking at how it begins. */
  accept(consumer: StreamConsumer): void {
    this.consumer = consumer;
    this.stream.reachBytes = this.fullReach;
  }

  data(data: Uint8Array, offset: number, length: number, timeNs: number): void {
    if (this.consumer !== null) this.consumer.data(data, offset, length, timeNs);
    else if (!this.isRejected) this.begin(data, offset, length, timeNs);
  }

  gap(bytes: number, timeNs: number): void {
    if (this.consumer !== null) this.consumer.gap(bytes, timeNs);
    else this.isRejected = true;
  }

  record(): MigrationConnection {
    const packets = { clear: 0, ah: 0, esp: 0, ahEsp: 0 };
    TRANSPORTS.forEach((name, i) => {
      packets[name] = this.packets[i]!;
    });
    return {
      role: this.role,
      ...this.endpoints,
      streamBytes: this.stream.position,
      packets,
      channel: this.channel,
    };
  }

  private begin(data: Uint8Array, offset: number, length: number, timeNs: number): void {
    let at = offset;
    const end = offset + length;
    while (at < end && this.have < HEAD_BYTES) this.head[this.have++] = data[at++]!;
    if (this.have < HEAD_BYTES) return;
    const consumer = this.recognise(this, this.head, timeNs);
    if (consumer === null) {
      this.isRejected = true;
      return;
    }
    this.accept(consumer);
    consumer.data(this.head, 0, HEAD_BYTES, timeNs);
    if (at < end) consumer.data(data, at, end - at, timeNs);
  }
}
