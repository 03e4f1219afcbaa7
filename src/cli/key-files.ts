import { statSync } from 'node:fs';
import type { SecurityAssociation } from '../ipsec/security-association.js';
import { CliError, ExitCode } from './exit-code.js';
import { readInputText, STDIN } from './input-text.js';
import { printMessage } from './terminal.js';

const WORLD_READABLE = 0o004;
/** Far above the tables of the largest gateways. */
const MAX_BYTES = 64 * 1024 * 1024;

/**
 * Security associations of all files, in order. Doubtful entries, and files whose keys others can read, are told on stderr.
 * @param paths output of `ip xfrm state`, `esp_sa`, output of `setkey -D`; `-` is stdin
 * @throws CliError (input) if a file cannot be read or holds none of these
 */
export async function readKeyFiles(paths: readonly string[]): Promise<SecurityAssociation[]> {
  if (paths.length === 0) return [];
  const { importSecurityAssociations } = await import('../ipsec/import/import-security-associations.js');
  const associations: SecurityAssociation[] = [];
  for (const path of paths) {
    const name = path === STDIN ? 'stdin' : path;
    const content = await readInputText(path, 'keys from', MAX_BYTES);
    if (path !== STDIN) warnOfOtherReaders(path);
    const imported = explained(() => importSecurityAssociations(content, name));
    for (const warning of imported.warnings) printMessage(`caution: ${warning}`);
    if (imported.associations.length === 0) {
      throw new CliError(ExitCode.input, `${name}: holds no usable security association`);
    }
    associations.push(...imported.associations);
  }
  return associations;
}

function warnOfOtherReaders(path: string): void {
  const mode = statSync(path, { throwIfNoEntry: false })?.mode ?? 0;
  if ((mode & WORLD_READABLE) === 0) return;
  printMessage(`caution: ${path}: everybody on this machine can read these keys: chmod 600 it`);
}

/** The importers' errors name file and line and show no key. */
function explained<Result>(importing: () => Result): Result {
  try {
    return importing();
  } catch (error) {
    if (error instanceof Error && error.name === 'SaImportError') {
      throw new CliError(ExitCode.input, error.message, { cause: error });
    }
    throw error;
  }
}
