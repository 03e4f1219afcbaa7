import { createWriteStream } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Host, RunningProgram } from '../hosts/host.js';
import { CaptureError } from './capture-error.js';

/** A capture under way, into a file on this machine. */
export interface LinkCapture {
  readonly path: string;
  /** Rejects with CaptureError as soon as it cannot go on; resolves when it was stopped. */
  readonly ended: Promise<void>;
  /**
   * Ends it; the file is whole then.
   * @returns packets that the kernel dropped because the capture was too slow; null if nobody counts them
   */
  stop(): Promise<number | null>;
}

export interface CaptureSettings {
  readonly device: string;
  readonly path: string;
  /** Bytes of each frame to keep. */
  readonly snapLength: number;
  /** In tcpdump's language. */
  readonly filter: string;
}

/** A whole second of a fast link. */
const BUFFER_KIB = 32_768;
/** Emulated machines on a busy one take their time over starting a program. */
const START_TIMEOUT_MS = 60_000;
const POLL_MS = 20;

/**
 * The protocols that a protected migration may use and the service itself, between two addresses: so that nothing of it in the
 * clear is missed, and nothing else (ssh that carries the capture!) is caught.
 * @param isTunnelled the kernel shows a packet that it has taken out of a tunnel to taps once more, as if it had come in the clear.
 *   Then only those that go out are taken: what the other host sends in the clear stands in its own capture
 */
export function captureFilter(
  addresses: readonly [string, string],
  port: number,
  isTunnelled: boolean,
): string {
  const family = addresses[0].includes(':') ? 'ip6' : 'ip';
  // Next headers: ESP, AH, fragment. libpcap looks for ports in first fragments only.
  const protocols = family === 'ip6' ? [50, 51, 44] : [50, 51];
  const wanted = [
    ...protocols.map((protocol) => `${family} proto ${protocol}`),
    isTunnelled ? `(outbound and tcp port ${port})` : `tcp port ${port}`,
    'udp port 4500',
    ...(family === 'ip' ? ['(ip[6:2] & 0x1fff != 0)'] : []),
  ];
  return `host ${addresses[0]} and host ${addresses[1]} and (${wanted.join(' or ')})`;
}

/**
 * tcpdump on a host, its output brought here as it comes.
 * @throws HostError, CaptureError
 */
export async function captureOnHost(host: Host, settings: CaptureSettings): Promise<LinkCapture> {
  const { device, path, snapLength, filter } = settings;
  const program = await host.start('tcpdump', [
    ...['-i', device, '-n', '-p', '-s', String(snapLength), '-B', String(BUFFER_KIB)],
    ...['-w', '-', filter],
  ]);
  const file = pipeline(program.stdout, createWriteStream(path, { mode: 0o600 })).catch((error: unknown) => {
    void program.kill();
    throw new CaptureError(`the capture ${path} cannot be written: ${textOf(error)}`, { cause: error });
  });
  let isStopped = false;
  const ended = (async () => {
    await file;
    const outcome = await program.exited;
    if (!isStopped)
      throw new CaptureError(`tcpdump on ${host.name} ended by itself: ${lastLine(outcome.stderr)}`);
  })();
  ended.catch(() => {});
  await Promise.race([untilListening(program, host), ended]);
  return {
    path,
    ended,
    stop: async () => {
      isStopped = true;
      program.signal('INT');
      await ended;
      const [, dropped] = /(\d+) packets? dropped by kernel/.exec(program.stderr) ?? [];
      return dropped === undefined ? null : Number(dropped);
    },
  };
}

async function untilListening(program: RunningProgram, host: Host): Promise<void> {
  const deadline = performance.now() + START_TIMEOUT_MS;
  while (!program.stderr.includes('listening on')) {
    if (performance.now() > deadline) {
      await program.kill();
      throw new CaptureError(`tcpdump on ${host.name} does not begin: ${lastLine(program.stderr)}`);
    }
    await sleep(POLL_MS);
  }
}

/** Below it the file will not be whole. */
const MIN_FREE_BYTES = 256 * 1024;
const WATCH_MS = 250;

/**
 * Watches over a capture that somebody else writes, who says nothing when the disk is full.
 * @param stop ends it
 */
export function watchForeignCapture(path: string, stop: () => Promise<void>): LinkCapture {
  const over = new AbortController();
  const ended = (async () => {
    while (!over.signal.aborted) {
      if ((await freeBytes(path)) < MIN_FREE_BYTES) {
        throw new CaptureError(`the capture ${path} cannot be written: no space left on its disk`);
      }
      await sleep(WATCH_MS, undefined, { signal: over.signal }).catch(() => {});
    }
  })();
  ended.catch(() => {});
  return {
    path,
    ended,
    stop: async () => {
      over.abort();
      await stop();
      await ended;
      if ((await freeBytes(path)) < MIN_FREE_BYTES) {
        throw new CaptureError(`the capture ${path} is not whole: no space left on its disk`);
      }
      return null;
    },
  };
}

/** Of the disk that a file lies on or is to lie on. */
export async function freeBytes(path: string): Promise<number> {
  const { bavail, bsize } = await statfs(dirname(path));
  return bavail * bsize;
}

function lastLine(text: string): string {
  return text.trim().split('\n').at(-1) ?? '';
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
