const SIGNALS = ['SIGINT', 'SIGTERM'] as const;
type Listeners = Map<(typeof SIGNALS)[number], NodeJS.SignalsListener[]>;

/**
 * Turns Ctrl-C into a request to end in order, for work that must be undone: `signal` is given, and the process goes on. Whoever asks
 * twice is obeyed at once.
 */
export class Interruption {
  readonly #controller = new AbortController();
  readonly #others: Listeners = new Map();
  readonly #onFirst: () => void;
  #caught: NodeJS.Signals | null = null;

  /** @param onFirst says that the end is near */
  constructor(onFirst: () => void) {
    this.#onFirst = onFirst;
    for (const name of SIGNALS) {
      this.#others.set(name, process.rawListeners(name) as NodeJS.SignalsListener[]);
      process.removeAllListeners(name);
      process.on(name, this.#take);
    }
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** From now on signals do what they did before. One that came in between is carried out now. */
  release(): void {
    for (const name of SIGNALS) {
      process.removeListener(name, this.#take);
      for (const listener of this.#others.get(name) ?? []) process.on(name, listener);
    }
    // Not by way of the kernel: that comes back only with the next turn of the event loop, and there may be none.
    if (this.#caught !== null) process.emit(this.#caught, this.#caught);
  }

  readonly #take = (name: NodeJS.Signals): void => {
    if (this.#caught !== null) {
      this.release();
      return;
    }
    this.#caught = name;
    this.#onFirst();
    this.#controller.abort(new Error('interrupted'));
  };
}
