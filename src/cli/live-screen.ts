import type { LiveSnapshot } from '../monitor/live-snapshot.js';
import { describeFindings } from '../report/analysis/findings.js';
import { LiveHistory, perSecond } from '../report/live/live-history.js';
import { renderLive } from '../report/live/render-live.js';
import { renderJsonLine } from '../report/render-json.js';
import {
  formatBps,
  formatCount,
  formatCounted,
  formatSeconds,
  formatShare,
  secondsBetween,
} from '../report/text/format-quantity.js';

/** Where the view is drawn: stdout, or a stand-in. */
export interface LiveOutput {
  readonly isTTY?: boolean;
  readonly columns?: number;
  readonly rows?: number;
  write(text: string): unknown;
  on(event: 'resize', listener: () => void): unknown;
  removeListener(event: 'resize', listener: () => void): unknown;
}

/** Where signals are heard: the process, or a stand-in. */
export interface SignalSource {
  readonly pid: number;
  prependListener(event: NodeJS.Signals | 'exit', listener: () => void): unknown;
  removeListener(event: NodeJS.Signals | 'exit', listener: () => void): unknown;
  listenerCount(event: NodeJS.Signals): number;
  kill(pid: number, signal: NodeJS.Signals): unknown;
}

export interface LiveScreenOptions {
  /** What is captured, for the headline. */
  readonly title: string;
  readonly color: boolean;
  /** Each snapshot as a line of JSON (`tare.live/1`) instead of anything for people. */
  readonly json: boolean;
  /** What the terminal is; default TERM. One that is `dumb` gets lines. */
  readonly terminal?: string;
  readonly output?: LiveOutput;
  readonly signals?: SignalSource;
}

const ENTER = '\u001b[?1049h\u001b[?25l\u001b[2J';
const LEAVE = '\u001b[?25h\u001b[?1049l';
const HOME = '\u001b[H';
const ERASE_LINE = '\u001b[K';
const ERASE_BELOW = '\u001b[J';
/** These end the process unless somebody listens; whoever listens alone must end it. */
const DEADLY = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'] as const;

/**
 * Shows snapshots: on a terminal as a view of its own, redrawn in place; elsewhere a line each. On a terminal the cursor and what
 * was on it come back with `close`, and whichever way the process ends but SIGKILL.
 */
export class LiveScreen {
  readonly #options: LiveScreenOptions;
  readonly #output: LiveOutput;
  readonly #signals: SignalSource;
  readonly #history = new LiveHistory();
  readonly #isView: boolean;
  #last: LiveSnapshot | null = null;
  #isEntered = false;
  /** Whether the view is what the terminal shows. */
  #isShown = false;
  #isClosed = false;

  constructor(options: LiveScreenOptions) {
    this.#options = options;
    this.#output = options.output ?? process.stdout;
    this.#signals = options.signals ?? process;
    const terminal = options.terminal ?? process.env['TERM'];
    this.#isView = this.#output.isTTY === true && terminal !== 'dumb' && !options.json;
  }

  show(snapshot: LiveSnapshot): void {
    if (this.#isClosed) return;
    this.#last = snapshot;
    if (this.#options.json) {
      this.#output.write(renderJsonLine(snapshot));
    } else if (this.#isView) {
      this.#history.add(snapshot);
      if (!this.#isEntered) this.#enter();
      this.#draw();
    } else {
      this.#output.write(`${describeSnapshot(snapshot)}\n`);
    }
  }

  /** Gives the terminal back. May be called twice. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    if (!this.#isEntered) return;
    this.#output.removeListener('resize', this.#redraw);
    this.#signals.removeListener('exit', this.#leave);
    for (const [signal, listener] of this.#diers) this.#signals.removeListener(signal, listener);
    this.#signals.removeListener('SIGTSTP', this.#suspend);
    this.#signals.removeListener('SIGCONT', this.#resume);
    this.#leave();
  }

  #enter(): void {
    this.#isEntered = true;
    this.#isShown = true;
    this.#output.write(ENTER);
    this.#output.on('resize', this.#redraw);
    this.#signals.prependListener('exit', this.#leave);
    for (const [signal, listener] of this.#diers) this.#signals.prependListener(signal, listener);
    this.#signals.prependListener('SIGTSTP', this.#suspend);
    this.#signals.prependListener('SIGCONT', this.#resume);
  }

  #draw(): void {
    const { title, color } = this.#options;
    const { columns, rows } = this.#output;
    if (this.#last === null || !this.#isShown) return;
    const size = { width: columns || 80, height: rows || 24 };
    const lines = renderLive(this.#last, this.#history, { title, color, ...size });
    // One write: a terminal that shows half of it shows it for no longer than it takes to read the rest.
    this.#output.write(`${HOME}${lines.join(`${ERASE_LINE}\r\n`)}${ERASE_LINE}${ERASE_BELOW}`);
  }

  readonly #redraw = (): void => this.#draw();

  readonly #leave = (): void => {
    if (!this.#isShown) return;
    this.#isShown = false;
    this.#output.write(LEAVE);
  };

  readonly #diers = DEADLY.map((signal) => [signal, () => this.#die(signal)] as const);

  /** Before others hear of it, who may go on and report. */
  #die(signal: NodeJS.Signals): void {
    const isAlone = this.#signals.listenerCount(signal) === 1;
    this.#leave();
    if (!isAlone) return;
    this.close();
    this.#signals.kill(this.#signals.pid, signal);
  }

  /** Ctrl-Z. */
  readonly #suspend = (): void => {
    this.#leave();
    this.#signals.kill(this.#signals.pid, 'SIGSTOP');
  };

  readonly #resume = (): void => {
    if (this.#isClosed || this.#isShown) return;
    this.#isShown = true;
    this.#output.write(ENTER);
    this.#draw();
  };
}

/** A snapshot in a line, for logs. */
function describeSnapshot(snapshot: LiveSnapshot): string {
  const { timeNs, startNs, interval, intervalNs, drops, notAnalysed, migrations, findings } = snapshot;
  const lost = drops.kernel + drops.interface;
  const running = migrations.filter(({ state }) => state === 'running').length;
  const clear = Math.max(0, interval.protection.clear.bytes);
  return [
    formatSeconds(Math.max(0, Math.floor(secondsBetween(startNs, timeNs)))),
    `${formatBps(perSecond(interval.bytes * 8, intervalNs))}, ${formatCount(perSecond(interval.packets, intervalNs))} packets/s`,
    `${formatShare(clear, interval.bytes)} in the clear`,
    `goodput ${formatBps(perSecond(interval.goodputBytes * 8, intervalNs))}`,
    ...(running > 0 ? [`${running} migrating`] : []),
    ...(findings.length > 0 ? [describeFindings(findings)] : []),
    ...(lost > 0 ? [`${formatCounted(lost, 'frame')} LOST`] : []),
    ...(notAnalysed > 0 ? [`${formatCounted(notAnalysed, 'frame')} not analysed`] : []),
  ].join('; ');
}
