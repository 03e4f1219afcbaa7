import type { SecurityAssociationSummary } from '../../analysis/analysis-summary.js';
import { joinSuiteNames } from '../run/protection-name.js';
import { escapeTerminal } from '../text/escape-terminal.js';

/**
 * What the names of inferred suites leave open, a sentence each: lengths tell sizes, and several suites have the same. The strength of
 * a cipher, or of its key, must not be read out of a name that only stands for them.
 */
export function suiteNotes(associations: readonly SecurityAssociationSummary[]): string[] {
  const notes = new Set<string>();
  for (const { suite } of associations) {
    const alternatives = suite.candidates[0]?.alternatives ?? [];
    if (suite.name === null || suite.certainty === 'measured' || alternatives.length === 0) continue;
    const names = joinSuiteNames(alternatives.map(escapeTerminal));
    notes.add(`${escapeTerminal(suite.name)} stands for its sizes, which are also those of ${names}.`);
  }
  return [...notes];
}
