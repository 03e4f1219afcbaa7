import { createRequire } from 'node:module';
import type { FrameBlock } from '../../packet/frame-block.js';
import { LiveCaptureError } from './live-capture-error.js';

/** What a capture is opened with. */
export interface OpenOptions {
  readonly device: string;
  /** In libpcap's language; empty for all packets. */
  readonly filter: string;
  /** Bytes kept of each packet, 1..262144. */
  readonly snapLength: number;
  readonly promiscuous: boolean;
  /** Of the kernel's ring. */
  readonly bufferBytes: number;
}

export interface OpenedCapture {
  readonly handle: object;
  /** LINKTYPE_ value of the frames. */
  readonly linkType: number;
  readonly hasNanoseconds: boolean;
  /** What libpcap wants to be known; mostly empty. */
  readonly warning: string;
}

export interface NetworkInterface {
  readonly name: string;
  readonly description: string;
  readonly isUp: boolean;
  readonly isRunning: boolean;
  readonly isLoopback: boolean;
}

/** Since the capture was opened. */
export interface CaptureCounts {
  /** Packets that passed the filter, those dropped for want of room included. */
  readonly received: number;
  /** Of these, dropped because the ring was full. */
  readonly kernelDrops: number;
  /** Dropped by the interface or its driver. */
  readonly interfaceDrops: number;
}

/** A block was filled; `index` -1 is the end, with a message if something went wrong. */
export type OnCaptureEvent = (index: number, frames: number, recordBytes: number, message: string) => void;

/** The functions of native/capture/addon.cc. Misuse throws TypeErrors. */
export interface NativeAddon {
  /**
   * Takes the first libpcap of these names. @returns its version
   * @throws Error with code NO_LIBPCAP
   */
  load(names: readonly string[]): string;
  listInterfaces(): NetworkInterface[];
  /** @throws Error with code PERMISSION, NO_DEVICE, NOT_UP, FILTER or OTHER and libpcap's message */
  open(options: OpenOptions): OpenedCapture;
  /**
   * Starts the thread. The blocks' memory must not be replaced, moved or touched until an event names the block, and again
   * after `release`.
   * @param maxFrames ends after so many; 0: never
   */
  start(handle: object, blocks: readonly FrameBlock[], maxFrames: number, onEvent: OnCaptureEvent): undefined;
  /** Gives a block back to be filled. */
  release(handle: object, index: number): undefined;
  counts(handle: object): CaptureCounts;
  /** Blocks that are not free. */
  taken(handle: object): number;
  /** Asks for the end: what had arrived by now still comes. */
  stop(handle: object): undefined;
  /** Ends at once: no events come any more. */
  close(handle: object): undefined;
  /**
   * Takes all capabilities from all threads of the process.
   * @returns threads that still have some because they block all signals; -1 if it cannot be done
   */
  dropCapabilities(): number;
}

/** From dist/src/capture/live/. */
const ADDON = '../../../native/capture.node';

/** By the names that distributions give it; Debian calls libpcap 1.x 0.8. */
const LIBPCAP_NAMES = ['libpcap.so.1', 'libpcap.so.0.8', 'libpcap.so'];

let loaded: NativeAddon | null = null;

/**
 * The addon, with libpcap found.
 * @param libpcap path to use instead of the system's library
 * @throws LiveCaptureError (addon, libpcap)
 */
export function loadNativeAddon(libpcap: string | undefined = process.env['TARE_LIBPCAP']): NativeAddon {
  if (loaded !== null) return loaded;
  const addon = requireAddon();
  try {
    addon.load(libpcap === undefined || libpcap === '' ? LIBPCAP_NAMES : [libpcap]);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new LiveCaptureError(
      'libpcap',
      `live capture needs libpcap, which cannot be loaded: ${reason}\nInstall it: sudo apt-get install libpcap0.8`,
      { cause },
    );
  }
  loaded = addon;
  return addon;
}

/** What libpcap says of itself. @throws LiveCaptureError (addon, libpcap) */
export function libpcapVersion(): string {
  // One that is loaded stays, whatever is asked for.
  return loadNativeAddon().load([]);
}

function requireAddon(): NativeAddon {
  try {
    return createRequire(import.meta.url)(ADDON) as NativeAddon;
  } catch (cause) {
    const isMissing = cause instanceof Error && 'code' in cause && cause.code === 'MODULE_NOT_FOUND';
    const reason = cause instanceof Error ? (cause.message.split('\n')[0] ?? '') : String(cause);
    throw new LiveCaptureError(
      'addon',
      `live capture needs an addon that ${isMissing ? 'was not built' : `cannot be loaded: ${reason}`}\n` +
        'Build it: sudo apt-get install g++, then npm run build in the folder of Tare',
      { cause },
    );
  }
}
