import type { SecurityAssociation } from '../security-association.js';
import { ESP_SA_LINE, importEspSaTable } from './esp-sa-table.js';
import { type EntryProblem, SaImportError } from './import-error.js';
import { importSetkeyDump, SETKEY_IDENTITY, SETKEY_START } from './setkey-dump.js';
import { type ImportedEntries, importXfrmState, XFRM_STATE_START } from './xfrm-state.js';

/** Where security associations can be read from. `empty`: text without any entry, as an idle kernel prints it. */
export type SaFormat = 'xfrm-state' | 'wireshark-esp-sa' | 'setkey-dump' | 'empty';

export interface ImportedAssociations {
  readonly format: SaFormat;
  readonly associations: readonly SecurityAssociation[];
  /** One a broken or doubtful entry, `file:line: what is wrong`, in order of lines. Never with a byte of a key. */
  readonly warnings: readonly string[];
}

const IMPORTERS: Readonly<Record<Exclude<SaFormat, 'empty'>, (lines: readonly string[]) => ImportedEntries>> =
  {
    'xfrm-state': importXfrmState,
    'wireshark-esp-sa': importEspSaTable,
    'setkey-dump': importSetkeyDump,
  };

/**
 * Reads security associations from the output of `ip xfrm state` (also with `-s` or `nokeys`), Wireshark's table `esp_sa`,
 * or the output of `setkey -D`; which of them it is, is told from the text. Broken entries are left out with a warning.
 * @param fileName only for messages
 * @throws SaImportError if the text is none of these
 */
export function importSecurityAssociations(text: string, fileName: string): ImportedAssociations {
  const lines = text.replace(/^\ufeff/, '').split(/\r\n|\n|\r/);
  const format = detectFormat(lines);
  if (format === null) {
    const line = lines.findIndex(isSignificant) + 1;
    throw new SaImportError(
      fileName,
      line,
      'no security associations: give the output of "ip xfrm state" or "setkey -D", or Wireshark\'s file "esp_sa"',
    );
  }
  if (format === 'empty') return { format, associations: [], warnings: [] };
  const { associations, problems } = IMPORTERS[format](lines);
  return { format, associations, warnings: renderProblems(problems, fileName) };
}

function renderProblems(problems: readonly EntryProblem[], fileName: string): string[] {
  const sorted = [...problems].sort((a, b) => a.line - b.line);
  return sorted.map(({ line, message }) => `${fileName}:${line}: ${message}`);
}

/** The format of the first line that is typical of one; null if there is text but none is. */
function detectFormat(lines: readonly string[]): SaFormat | null {
  for (const [index, line] of lines.entries()) {
    if (XFRM_STATE_START.test(line)) return 'xfrm-state';
    if (ESP_SA_LINE.test(line)) return 'wireshark-esp-sa';
    if (SETKEY_START.test(line) && SETKEY_IDENTITY.test(lines[index + 1] ?? '')) return 'setkey-dump';
  }
  return lines.some(isSignificant) ? null : 'empty';
}

function isSignificant(line: string): boolean {
  const text = line.trim();
  return text !== '' && !text.startsWith('#') && text !== 'No SAD entries.';
}
