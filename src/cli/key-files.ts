import { readFileSync, statSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import type { SecurityAssociation } from '../ipsec/security-association.js';
import { CliError, ExitCode } from './exit-code.js';
import { fileErrorText } from './file-error.js';
import { printMessage } from './terminal.js';

const STDIN = '-';
const WORLD_READABLE = 0o004;
/** Far above the tables of the largest gateways; a capture given as keys by mistake is not read to its end. */
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
    const content = path === STDIN ? await text(process.stdin) : readKeyFile(path);
    const imported = explained(() => importSecurityAssociations(content, name));
    for (const warning of imported.warnings) printMessage(`caution: ${warning}`);
    if (imported.associations.length === 0) {
      throw new CliError(ExitCode.input, `${name}: holds no usable security association`);
    }
    associations.push(...imported.associations);
  }
  return associations;
}

function readKeyFile(path: string): string {
  try {
    const { mode, size } = statSync(path);
    if (size > MAX_BYTES) throw new Error('it is too large for a file of keys');
    const content = readFileSync(path, 'utf8');
    if ((mode & WORLD_READABLE) !== 0) {
      printMessage(`caution: ${path}: everybody on this machine can read these keys: chmod 600 it`);
    }
    return content;
  } catch (error) {
    throw new CliError(ExitCode.input, `cannot read keys from ${path}: ${fileErrorText(error)}`, {
      cause: error,
    });
  }
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
