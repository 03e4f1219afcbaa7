import type { Certainty } from '../../analysis/analysis-summary.js';

/** What stands beside a number that was not simply read off the packets. */
const CERTAINTY_MARKS: Readonly<Record<Certainty, string>> = { measured: '', inferred: '~', bounded: '±' };

export const CERTAINTY_LEGEND = '~ inferred from lengths or options; ± best estimate within known limits';

/** @returns the text behind its mark: `~aes128gcm16` */
export function markCertainty(text: string, certainty: Certainty): string {
  return CERTAINTY_MARKS[certainty] + text;
}
