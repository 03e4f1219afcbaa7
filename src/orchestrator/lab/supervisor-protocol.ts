/** What goes between the opener of a lab and its supervisor, a process of its own. */

export interface SupervisorOrder {
  /** Path of setpriv, which ties machines to the supervisor; null where it is missing. */
  readonly setpriv: string | null;
  /** In the order of their start; the socket must be there before the next is started. */
  readonly machines: readonly {
    name: string;
    command: readonly string[];
    log: string;
    waitFor: string | null;
  }[];
}

/** The second and last message: go on when the channel closes. */
export const KEEP_ORDER = 'keep';

export type SupervisorReport =
  | { readonly kind: 'started' }
  | { readonly kind: 'kept' }
  | { readonly kind: 'ended'; readonly machine: string; readonly how: string };

/** Who runs the lab: its process, and what tells it from others with the same number. */
export interface SupervisorIdentity {
  readonly pid: number;
  readonly mark: string;
}

export const SUPERVISOR_FILE = 'supervisor.json';
