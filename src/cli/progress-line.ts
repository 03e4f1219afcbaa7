import { Option } from 'commander';
import { formatBytes, formatCount, formatSeconds, formatShare } from '../report/text/format-quantity.js';

export interface Progress {
  readonly bytesDone: number;
  /** Null where it cannot be known: stdin. */
  readonly bytesTotal: number | null;
  readonly frames: number;
  /** What is being done; default `packets`. */
  readonly stage?: 'packets' | 'migrations';
}

/** Work that comes in pieces. */
export interface PieceProgress {
  readonly done: number;
  readonly total: number;
  /** Of `done`, what was done before: it says nothing about the speed. */
  readonly before: number;
  /** In the plural. */
  readonly pieces: string;
}

interface ProgressScreen {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

/** Work done sooner shows nothing. */
const SILENT_MS = 1000;
const REFRESH_MS = 200;
const CLEAR_LINE = '\r\u001b[K';

/**
 * One line on stderr, rewritten in place: share done, speed, time left. Only on a terminal, and only once the work has
 * taken a second.
 */
export class ProgressLine {
  readonly #screen: ProgressScreen;
  readonly #isEnabled: boolean;
  readonly #nowMs: () => number;
  readonly #startMs: number;
  #shownMs = Number.NEGATIVE_INFINITY;

  /** @param isWanted false for --no-progress */
  constructor(screen: ProgressScreen, isWanted: boolean, nowMs: () => number = () => performance.now()) {
    this.#screen = screen;
    this.#isEnabled = isWanted && screen.isTTY === true;
    this.#nowMs = nowMs;
    this.#startMs = nowMs();
  }

  update(progress: Progress | PieceProgress): void {
    if (!this.#isEnabled) return;
    const now = this.#nowMs();
    if (now - this.#startMs < SILENT_MS || now - this.#shownMs < REFRESH_MS) return;
    this.#shownMs = now;
    const seconds = (now - this.#startMs) / 1000;
    const text =
      'pieces' in progress ? describePieces(progress, seconds) : describeProgress(progress, seconds);
    this.#screen.write(CLEAR_LINE + text.slice(0, (this.#screen.columns || 80) - 1));
  }

  /** Takes the line away; `update` may show it again. */
  clear(): void {
    if (this.#shownMs !== Number.NEGATIVE_INFINITY) this.#screen.write(CLEAR_LINE);
    this.#shownMs = Number.NEGATIVE_INFINITY;
  }
}

/** For commands that show no progress: scripts may give the option to all. */
export function needlessNoProgress(): Option {
  return new Option('--no-progress', 'no progress on stderr').hideHelp();
}

function describeWait(seconds: number): string {
  return seconds < 60 ? `${seconds} s` : formatSeconds(seconds);
}

function describeProgress({ bytesDone, bytesTotal, frames, stage }: Progress, seconds: number): string {
  const doing =
    stage === 'migrations'
      ? 'following the migration'
      : `${formatCount(Math.round(frames / seconds))} packets/s`;
  const speed = `${formatBytes(bytesDone / seconds)}/s, ${doing}`;
  if (bytesTotal === null || bytesTotal === 0) return `${formatBytes(bytesDone)}, ${speed}`;
  const leftSeconds = bytesDone > 0 ? (seconds / bytesDone) * Math.max(0, bytesTotal - bytesDone) : 0;
  const share = formatShare(Math.min(bytesDone, bytesTotal), bytesTotal);
  return `${share}, ${speed}, ${describeWait(Math.ceil(leftSeconds))} left`;
}

function describePieces({ done, total, before, pieces }: PieceProgress, seconds: number): string {
  const rate = (done - before) / seconds;
  const speed =
    rate === 0 ? '' : `, ${rate < 10 ? rate.toFixed(1) : formatCount(Math.round(rate))} ${pieces}/s`;
  const left = rate === 0 ? '' : `, ${describeWait(Math.ceil((total - done) / rate))} left`;
  return `${formatCount(done)} of ${formatCount(total)} ${pieces}${speed}${left}`;
}
