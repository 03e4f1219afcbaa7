export type CaptureOpenErrorCode =
  | 'missing'
  | 'permission'
  | 'directory'
  | 'empty'
  | 'notACapture'
  | 'unreadable';

/** A capture could not be opened at all. The message says which, why and what to do. */
export class CaptureOpenError extends Error {
  override readonly name = 'CaptureOpenError';
  readonly code: CaptureOpenErrorCode;
  readonly path: string;

  constructor(code: CaptureOpenErrorCode, path: string, what: string, options?: ErrorOptions) {
    super(`${path}: ${what}`, options);
    this.code = code;
    this.path = path;
  }
}

/** @param cause what node:fs threw */
export function openErrorFrom(path: string, cause: unknown): CaptureOpenError {
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
  switch (code) {
    case 'ENOENT':
    case 'ENOTDIR':
      return new CaptureOpenError('missing', path, 'no such file: check the path', { cause });
    case 'EACCES':
    case 'EPERM':
      return new CaptureOpenError(
        'permission',
        path,
        'no permission to read it: run as its owner or chmod it',
        {
          cause,
        },
      );
    case 'EISDIR':
      return directoryError(path);
    default: {
      const reason = cause instanceof Error ? cause.message : String(cause);
      return new CaptureOpenError('unreadable', path, `cannot be read: ${reason}`, { cause });
    }
  }
}

export function directoryError(path: string): CaptureOpenError {
  return new CaptureOpenError('directory', path, 'is a directory: name the capture files in it');
}
