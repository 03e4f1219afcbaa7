import { existsSync } from 'node:fs';
import { LiveBlock } from './live-block.js';
import { LiveCaptureError, type LiveCaptureErrorCode } from './live-capture-error.js';
import {
  type CaptureCounts,
  loadNativeAddon,
  type NativeAddon,
  type NetworkInterface,
  type OpenOptions,
} from './native-addon.js';
import { rightsRemedy } from './rights-remedy.js';

/** The longest frame that is kept whole, as of tcpdump: no link layer's is longer. */
export const MAX_SNAP_BYTES = 262_144;

/** Room for the longest record; 128 and more of the smallest ones. */
const BLOCK_BYTES = 512 * 1024;
const BLOCK_FRAMES = 4096;
/**
 * What the reader may be behind before the kernel's ring has to hold on: 128 MiB, of which memory is taken as it is needed. Half of
 * it is 200 ms of 3 Gbit/s: what the analysis takes to become fast.
 */
const BLOCK_COUNT = 256;

export interface LiveSourceOptions extends OpenOptions {
  /** Ends after so many frames; 0: goes on. */
  readonly maxFrames: number;
  readonly blockCount?: number;
}

/** @throws LiveCaptureError */
export function listInterfaces(): NetworkInterface[] {
  return loadNativeAddon().listInterfaces();
}

/**
 * An interface that is being captured on. Iterate once: a thread fills blocks meanwhile, and each holds good until the next
 * step. When all blocks wait to be read, packets are left to the kernel's ring, and when that is full the kernel drops and
 * counts them: memory does not grow.
 *
 * Capturing begins when it is constructed, iteration lets its thread begin: rights can be given up in between.
 */
export class LiveSource implements AsyncIterable<LiveBlock> {
  readonly device: string;
  /** LINKTYPE_ value. */
  readonly linkType: number;
  readonly hasNanoseconds: boolean;
  /** What libpcap wants to be known; mostly empty. */
  readonly warning: string;
  readonly #addon: NativeAddon;
  readonly #handle: object;
  readonly #blocks: LiveBlock[];
  readonly #maxFrames: number;
  /** Blocks to be read, in order. */
  readonly #filled: number[] = [];
  #hasEnded = false;
  #endMessage = '';
  #wake: (() => void) | null = null;

  /** @throws LiveCaptureError */
  constructor(options: LiveSourceOptions) {
    this.#addon = loadNativeAddon();
    const opened = openDevice(this.#addon, options);
    this.device = options.device;
    this.linkType = opened.linkType;
    this.hasNanoseconds = opened.hasNanoseconds;
    this.warning = opened.warning;
    this.#handle = opened.handle;
    this.#maxFrames = options.maxFrames;
    const newBlock = () => new LiveBlock(new Uint8Array(BLOCK_BYTES), BLOCK_FRAMES);
    this.#blocks = Array.from({ length: options.blockCount ?? BLOCK_COUNT }, newBlock);
  }

  /** Why the capture ended by itself; empty while it goes on and if it was asked to end. */
  get endMessage(): string {
    return this.#endMessage;
  }

  /** How far the reader is behind: share of the blocks that are not free, 0..1. Once iteration has begun. */
  get backlog(): number {
    return this.#addon.taken(this.#handle) / this.#blocks.length;
  }

  /** Since the capture began, up to date. */
  get counts(): CaptureCounts {
    return this.#addon.counts(this.#handle);
  }

  /** Ends the iteration once everything has been read that had arrived by now. */
  stop(): void {
    this.#addon.stop(this.#handle);
  }

  /** Lets go of a capture that is not iterated to its end. */
  close(): void {
    this.#addon.close(this.#handle);
    this.#hasEnded = true;
    this.#filled.length = 0;
    this.#wake?.();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<LiveBlock, void, undefined> {
    if (this.#hasEnded) return;
    this.#addon.start(this.#handle, this.#blocks, this.#maxFrames, this.#onEvent);
    try {
      for (;;) {
        const index = this.#filled.shift();
        if (index !== undefined) {
          yield this.#blocks[index]!;
          this.#addon.release(this.#handle, index);
        } else if (this.#hasEnded) {
          return;
        } else {
          await new Promise<void>((resolve) => {
            this.#wake = resolve;
          });
        }
      }
    } finally {
      this.close();
    }
  }

  readonly #onEvent = (index: number, frames: number, recordBytes: number, message: string): void => {
    if (index < 0) {
      this.#hasEnded = true;
      this.#endMessage = message;
    } else {
      const block = this.#blocks[index]!;
      block.count = frames;
      block.recordBytes = recordBytes;
      this.#filled.push(index);
    }
    this.#wake?.();
  };
}

const CODES: Readonly<Record<string, LiveCaptureErrorCode>> = {
  PERMISSION: 'permission',
  NO_DEVICE: 'noDevice',
  NOT_UP: 'notUp',
  FILTER: 'filter',
};

function openDevice(addon: NativeAddon, options: OpenOptions) {
  requireDevice(addon, options.device);
  try {
    return addon.open(options);
  } catch (cause) {
    if (!(cause instanceof Error) || cause instanceof TypeError) throw cause;
    const code = ('code' in cause && typeof cause.code === 'string' && CODES[cause.code]) || 'other';
    throw new LiveCaptureError(code, explain(code, options, cause.message), { cause });
  }
}

/** Asked before libpcap is: without rights that says nothing of devices. */
function requireDevice(addon: NativeAddon, device: string): void {
  const names = addon.listInterfaces().map(({ name }) => name);
  // An old libpcap lists only what it has the right to open.
  if (names.includes(device) || (device !== '' && existsSync(`/sys/class/net/${device}`))) return;
  const message = `${device || "''"}: there is no such interface; there are: ${names.join(', ')}`;
  throw new LiveCaptureError('noDevice', message);
}

function explain(code: LiveCaptureErrorCode, { device, filter }: OpenOptions, message: string): string {
  switch (code) {
    case 'permission':
      return `${device}: no right to capture (${message})\n${rightsRemedy(device)}`;
    case 'notUp':
      return `${device}: the interface is down: sudo ip link set ${device} up`;
    case 'filter':
      return `the filter '${filter}' is not understood: ${message} (man pcap-filter shows the language)`;
    default:
      return `${device}: cannot capture: ${message}`;
  }
}
