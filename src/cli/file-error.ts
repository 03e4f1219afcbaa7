import { getSystemErrorMap } from 'node:util';

/**
 * Why something could not be done with a file, in words: `no such file or directory` where Node has
 * `ENOENT: no such file or directory, open '...'`. Messages name the path themselves, and some paths are temporary ones.
 */
export function fileErrorText(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { errno } = error as NodeJS.ErrnoException;
  const [code, text] = (errno === undefined ? undefined : getSystemErrorMap().get(errno)) ?? [];
  if (code === 'EISDIR') return 'it is a directory';
  return text ?? error.message;
}
