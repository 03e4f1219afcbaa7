import { escapeTerminal } from '../report/text/escape-terminal.js';

interface Screen {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

const CLEAR_LINE = '\r\u001b[K';

/** What is being done, on one line of stderr that is rewritten in place. Only on a terminal. */
export class StepLine {
  readonly #screen: Screen;
  readonly #isEnabled: boolean;

  /** @param isWanted false for --no-progress */
  constructor(screen: Screen, isWanted: boolean) {
    this.#screen = screen;
    this.#isEnabled = isWanted && screen.isTTY === true;
  }

  show(text: string): void {
    if (!this.#isEnabled) return;
    this.#screen.write(CLEAR_LINE + escapeTerminal(text).slice(0, (this.#screen.columns || 80) - 1));
  }

  clear(): void {
    if (this.#isEnabled) this.#screen.write(CLEAR_LINE);
  }
}
