import { randomBytes } from 'node:crypto';
import {
  closeSync,
  fsyncSync,
  mkdtempSync,
  openSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { CliError, ExitCode } from './exit-code.js';
import { fileErrorText } from './file-error.js';

const unfinished = new Set<OutputFile | StagedOutput | TemporaryFolder>();

/** Removes what interrupted commands have begun to write. For the end of the process. */
export function discardUnfinishedFiles(): void {
  for (const file of unfinished) file.discard();
}

export interface OutputFileOptions {
  /** Readable by the owner alone: the file holds keys or decrypted traffic. */
  readonly secret: boolean;
}

/**
 * A file that appears whole or not at all: it is written beside its destination and renamed when complete. Devices and
 * pipes (`/dev/stdout`) cannot be replaced and are written to directly.
 */
export class OutputFile {
  readonly path: string;
  readonly #destination: string;
  /** Null when written directly. */
  readonly #temporary: string | null;
  readonly #descriptor: number;

  /** @throws CliError (environment) if the file cannot be created */
  constructor(path: string, options: OutputFileOptions) {
    this.path = path;
    try {
      const existing = statSync(path, { throwIfNoEntry: false });
      if (existing !== undefined && !existing.isFile() && !existing.isDirectory()) {
        this.#destination = path;
        this.#temporary = null;
        this.#descriptor = openSync(path, 'w');
      } else {
        // A symbolic link stays one: the file behind it is replaced.
        this.#destination = existing === undefined ? path : realpathSync(path);
        if (existing?.isDirectory()) throw new Error('it is a directory');
        this.#temporary = temporaryPath(this.#destination);
        this.#descriptor = openSync(this.#temporary, 'wx', options.secret ? 0o600 : 0o666);
      }
    } catch (error) {
      throw cannotWrite(path, error);
    }
    unfinished.add(this);
  }

  /** @throws CliError (environment) if the disk is full or the like */
  write(data: string | Uint8Array): void {
    try {
      const bytes = typeof data === 'string' ? Buffer.from(data) : data;
      for (let written = 0; written < bytes.length; ) {
        written += writeSync(this.#descriptor, bytes, written);
      }
    } catch (error) {
      throw cannotWrite(this.path, error);
    }
  }

  /** Closes the file and puts it where it belongs. */
  commit(): void {
    try {
      if (this.#temporary !== null) fsyncSync(this.#descriptor);
      closeSync(this.#descriptor);
      if (this.#temporary !== null) renameSync(this.#temporary, this.#destination);
    } catch (error) {
      throw cannotWrite(this.path, error);
    }
    unfinished.delete(this);
  }

  /** Removes what has been written. Does nothing after `commit`. */
  discard(): void {
    if (!unfinished.delete(this)) return;
    closeSync(this.#descriptor);
    if (this.#temporary !== null) unlinkSync(this.#temporary);
  }
}

/**
 * Lets other code write a file, at `path` in a folder of its own beside the destination: whatever that code leaves behind
 * when it fails or is interrupted goes with the folder.
 */
export class StagedOutput {
  /** Where to write the file. */
  readonly path: string;
  readonly #destination: string;
  readonly #folder: string;

  /** @throws CliError (environment) if there cannot be such a file */
  constructor(destination: string) {
    try {
      const existing = statSync(destination, { throwIfNoEntry: false });
      if (existing !== undefined && !existing.isFile()) throw new Error('it is no regular file');
      this.#destination = existing === undefined ? destination : realpathSync(destination);
      this.#folder = mkdtempSync(join(dirname(this.#destination), `.${basename(this.#destination)}.`));
    } catch (error) {
      throw cannotWrite(destination, error);
    }
    this.path = join(this.#folder, basename(this.#destination));
    unfinished.add(this);
  }

  /** Puts the file where it belongs. */
  commit(): void {
    try {
      renameSync(this.path, this.#destination);
    } catch (error) {
      throw cannotWrite(this.#destination, error);
    }
  }

  /** Removes the folder and what is left in it. */
  discard(): void {
    if (unfinished.delete(this)) rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** A folder for what is not to outlive the command, even if that is interrupted. */
export class TemporaryFolder {
  readonly path: string;

  /** @throws CliError (environment) if there cannot be one */
  constructor(prefix: string) {
    try {
      this.path = mkdtempSync(join(tmpdir(), prefix));
    } catch (error) {
      throw cannotWrite(join(tmpdir(), prefix), error);
    }
    unfinished.add(this);
  }

  /** Removes it with all that is in it. */
  discard(): void {
    if (unfinished.delete(this)) rmSync(this.path, { recursive: true, force: true });
  }
}

function temporaryPath(destination: string): string {
  const name = `.${basename(destination)}.${randomBytes(6).toString('hex')}.tmp`;
  return join(dirname(destination), name);
}

/** @returns the error to throw when `path` cannot be written */
export function cannotWrite(path: string, error: unknown): CliError {
  return new CliError(ExitCode.environment, `cannot write ${path}: ${fileErrorText(error)}`, {
    cause: error,
  });
}

/** Writes a whole file; nothing is left behind if that fails. */
export function writeOutputFile(path: string, data: string | Uint8Array, options: OutputFileOptions): void {
  const file = new OutputFile(path, options);
  try {
    file.write(data);
    file.commit();
  } finally {
    file.discard();
  }
}
