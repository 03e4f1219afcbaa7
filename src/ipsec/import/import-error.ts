/**
 * Text that cannot be read as security associations at all. The message names file and line and says what to do; like every
 * message of the importers it never holds a byte of a key.
 */
export class SaImportError extends Error {
  override readonly name = 'SaImportError';
  readonly fileName: string;
  /** Counted from 1. */
  readonly line: number;

  constructor(fileName: string, line: number, problem: string) {
    super(`${fileName}:${line}: ${problem}`);
    this.fileName = fileName;
    this.line = line;
  }
}

/** What is wrong with one entry: becomes a warning, the entry is left out. */
export class EntryProblem extends Error {
  readonly line: number;

  constructor(line: number, problem: string) {
    super(problem);
    this.line = line;
  }
}

/**
 * A name found where an algorithm is expected, for a message. Anything that might be key material in the wrong place is
 * not shown: only names written like the kernel's, `cbc(blowfish)`, or like setkey's, `blowfish-cbc`.
 */
export function quoteAlgorithm(name: string): string {
  const kernelName = /^[a-z0-9_]{2,12}\([a-z0-9_(), -]{2,30}\)$/;
  const setkeyName = /^[a-z0-9]{2,9}(-[a-z0-9]{2,6}){1,2}$/;
  const isName = (kernelName.test(name) || setkeyName.test(name)) && !/[0-9a-f]{6}/i.test(name);
  return isName ? `"${name}"` : 'given (not shown, it might be a key)';
}
