import { StreamAction, type StreamSource } from '../stream-source.js';

/** A write of QEMU's stream: 32 pages of 4 KiB (migration/qemu-file.c: MAX_IOV_SIZE 64, header and page each an element). */
const WRITE_BYTES = 131_072;

export interface BulkOptions {
  /** 131072 unless told. */
  readonly writeBytes?: number;
  /** Connections that are written in turn by threads of their own; 0, unless told: all goes through the main connection. */
  readonly multifdChannels?: number;
  /** Time of a processor at the source for each byte, before the write; 0 unless told. */
  readonly cpuNsPerByte?: number;
  /** Time of the process at the destination for each byte; 0 unless told. */
  readonly destinationNsPerByte?: number;
  /** Bytes in each window of 100 ms, as QEMU's max-bandwidth limits; no limit unless told. */
  readonly bytesPerWindow?: number;
}

const WINDOW_NS = 100e6;

/** So many bytes, as fast as the sockets take them. */
export class BulkSource implements StreamSource {
  readonly connections: number;
  bytes = 0;
  cpuNs = 0;
  readonly connectionNs = 0;
  destinationNs = 0;
  untilNs = 0;
  readonly #writeBytes: number;
  readonly #cpuNsPerByte: number;
  readonly #destinationNsPerByte: number;
  readonly #bytesPerWindow: number;
  #leftBytes: number;
  #windowEndNs = WINDOW_NS;
  #windowBytes = 0;

  constructor(totalBytes: number, options: BulkOptions = {}) {
    this.connections = 1 + (options.multifdChannels ?? 0);
    this.#leftBytes = totalBytes;
    this.#writeBytes = options.writeBytes ?? WRITE_BYTES;
    this.#cpuNsPerByte = options.cpuNsPerByte ?? 0;
    this.#destinationNsPerByte = options.destinationNsPerByte ?? 0;
    this.#bytesPerWindow = options.bytesPerWindow ?? Number.POSITIVE_INFINITY;
  }

  next(nowNs: number): StreamAction {
    if (this.#leftBytes === 0) return StreamAction.end;
    if (nowNs >= this.#windowEndNs) {
      this.#windowEndNs = nowNs + WINDOW_NS;
      this.#windowBytes = 0;
    }
    if (this.#windowBytes >= this.#bytesPerWindow) {
      this.untilNs = this.#windowEndNs;
      return StreamAction.wait;
    }
    this.bytes = Math.min(this.#leftBytes, this.#writeBytes);
    this.#leftBytes -= this.bytes;
    this.#windowBytes += this.bytes;
    this.cpuNs = this.bytes * this.#cpuNsPerByte;
    this.destinationNs = this.bytes * this.#destinationNsPerByte;
    return this.connections > 1 ? StreamAction.handOver : StreamAction.write;
  }
}
