import { createReadStream } from 'node:fs';
import { CliError, ExitCode } from './exit-code.js';
import { fileErrorText } from './file-error.js';

/** The name that means standard input. */
export const STDIN = '-';

/**
 * The whole of a file that somebody wrote, or of standard input.
 * @param path `-` is stdin
 * @param what to be named in errors: `keys from`
 * @param maxBytes far above any such file: a capture or a device given by mistake is not read to its end
 * @throws CliError (input) if it cannot be read, or is larger
 */
export async function readInputText(path: string, what: string, maxBytes: number): Promise<string> {
  const name = path === STDIN ? 'stdin' : path;
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const chunk of path === STDIN ? process.stdin : createReadStream(path)) {
      chunks.push(chunk);
      bytes += chunk.length;
      if (bytes > maxBytes) throw new Error('it is too large');
    }
  } catch (error) {
    throw new CliError(ExitCode.input, `cannot read ${what} ${name}: ${fileErrorText(error)}`, {
      cause: error,
    });
  }
  return Buffer.concat(chunks).toString('utf8');
}
