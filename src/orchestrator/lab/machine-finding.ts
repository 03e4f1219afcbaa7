/** What a machine can be used for. */
export const PURPOSES = ['analyze', 'capture', 'lab', 'ssh', 'local'] as const;
export type Purpose = (typeof PURPOSES)[number];

/** One thing that was looked for. */
export interface Finding {
  readonly name: string;
  /** `optional`: it is missing and can be done without. */
  readonly state: 'ok' | 'missing' | 'optional';
  /** What was found: a version, an amount, or what is in the way. */
  readonly found: string;
  /** What cannot be done without it. */
  readonly neededFor: readonly Purpose[];
  /** A command that brings it, or what else to do; empty if nothing need be done. */
  readonly remedy: string;
}
