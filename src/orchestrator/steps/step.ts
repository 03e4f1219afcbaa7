import type { Host } from '../hosts/host.js';

export type HostRole = 'source' | 'destination';

/** The two hosts of a run. */
export type HostPair = Readonly<Record<HostRole, Host>>;

/**
 * How something that a step does is undone: a program on a host, as data, so that it can be read from a journal when the
 * process that did the step is gone. It must do no harm when there is nothing to undo, or when it is carried out twice.
 */
export interface Undo {
  readonly role: HostRole;
  /** For people: `delete the IPsec states`. */
  readonly title: string;
  readonly program: string;
  /** Never secrets. */
  readonly args: readonly string[];
  /** Standard input. Never secrets: it is written to the journal. */
  readonly input?: string;
}

/** Where a step says how it will be undone. */
export interface UndoList {
  /**
   * Before doing anything that outlives the step: writes how to undo it to disk, then returns.
   * @throws JournalError if it cannot be written; then nothing must be done
   */
  register(undo: Undo): void;
}

/** One named piece of a run, with its undo. `C` is what the steps of a run share. */
export interface Step<C> {
  /** As in `--stop-after`, in the journal and in reports: `ipsec`. */
  readonly name: string;
  /** For people: `IPsec states and policies`. */
  readonly title: string;
  /**
   * Does it.
   * @param signal rejects what is under way when the run is to end early
   */
  perform(context: C, undo: UndoList, signal: AbortSignal): Promise<void>;
}
