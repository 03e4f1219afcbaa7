import { randomBytes } from 'node:crypto';
import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { processMark } from './process-mark.js';
import type { HostRole, Undo, UndoList } from './step.js';

/*
 * Theory of operation. A journal is a file of JSON lines, one run each: first what hosts the run uses, then each undo before
 * the thing it undoes is done, then the numbers of those that were carried out. Every line is on disk before the call returns
 * (fsync), so whatever was done to a host can be found out after a crash. A torn line was not acted upon and is passed over;
 * each line begins with a line feed of its own, so that a torn one spoils none that follows. When all is undone the file goes.
 */

/** A journal that cannot be written or makes no sense. */
export class JournalError extends Error {
  override readonly name = 'JournalError';
}

/** How to reach a host again; what `openHost` takes. No secrets. */
export type HostDescription =
  | { readonly kind: 'local' }
  | {
      readonly kind: 'ssh';
      readonly destination: string;
      readonly port?: number;
      /** For messages, if not the destination. */
      readonly name?: string;
      /** Programs were run through sudo. */
      readonly sudo?: boolean;
      /** Fingerprints that its host key must have one of. */
      readonly hostKeys?: readonly string[];
    }
  /** Of one that was up before the run; null for one that ends with its run, so that there is nothing to undo. */
  | { readonly kind: 'lab'; readonly name: string | null };

export interface JournalHeader {
  readonly runId: string;
  readonly processId: number;
  /** Of that process, as `processMark` says: numbers are used again. */
  readonly processMark: string;
  readonly startedAt: string;
  /** On this machine, of captures that go with the run; null if they are to be kept. */
  readonly captureFolder?: string | null;
  readonly hosts: Readonly<Record<HostRole, HostDescription>>;
}

export interface RecordedUndo extends Undo {
  readonly number: number;
}

/** What a journal on disk says is left to do. */
export interface JournalContent {
  readonly path: string;
  readonly header: JournalHeader;
  /** Not yet carried out, in the order in which they must be: last registered first. */
  readonly open: readonly RecordedUndo[];
}

type Line = { header: JournalHeader } | { undo: RecordedUndo } | { undone: number };

/** Folder of all journals of this user. */
export function journalFolder(env: NodeJS.ProcessEnv = process.env): string {
  return join(env['XDG_STATE_HOME'] || join(homedir(), '.local', 'state'), 'tare', 'runs');
}

/** Random: 12 hexadecimal digits. */
export function newRunId(): string {
  return randomBytes(6).toString('hex');
}

export interface JournalOptions {
  /** Default: a new one. */
  readonly runId?: string;
  readonly captureFolder?: string | null;
}

/** The journal of a run that is under way. */
export class Journal implements UndoList {
  readonly path: string;
  readonly runId: string;
  private readonly file: number;
  private readonly open: RecordedUndo[] = [];
  private count = 0;

  /** @throws JournalError */
  constructor(
    folder: string,
    hosts: JournalHeader['hosts'],
    { runId = newRunId(), captureFolder = null }: JournalOptions = {},
  ) {
    this.runId = runId;
    this.path = join(folder, `${this.runId}.journal`);
    try {
      mkdirSync(folder, { recursive: true, mode: 0o700 });
      this.file = openSync(this.path, 'wx', 0o600);
      syncFolder(folder);
    } catch (error) {
      throw new JournalError(`${this.path}: cannot be written (${textOf(error)}); nothing was done`);
    }
    this.append({
      header: {
        runId: this.runId,
        processId: process.pid,
        processMark: processMark(process.pid),
        startedAt: new Date().toISOString(),
        captureFolder,
        hosts,
      },
    });
  }

  register(undo: Undo): void {
    const recorded = { ...undo, number: this.count++ };
    this.append({ undo: recorded });
    this.open.push(recorded);
  }

  /** Not yet carried out, last registered first. */
  get pending(): readonly RecordedUndo[] {
    return this.open.toReversed();
  }

  /** Notes that an undo was carried out. */
  settle(undo: RecordedUndo): void {
    this.append({ undone: undo.number });
    this.open.splice(this.open.indexOf(undo), 1);
  }

  /** Ends the journal; the file goes if nothing is left to undo. */
  close(): void {
    closeSync(this.file);
    if (this.open.length === 0) unlinkSync(this.path);
  }

  private append(line: Line): void {
    try {
      writeSync(this.file, `\n${JSON.stringify(line)}\n`);
      fsyncSync(this.file);
    } catch (error) {
      throw new JournalError(`${this.path}: cannot be written: ${textOf(error)}`);
    }
  }
}

/** Journals that ended runs left behind, oldest first. Those of runs that are still under way are left out. */
export function findJournals(folder: string): JournalContent[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((name) => name.endsWith('.journal'))
    .map((name) => readJournal(join(folder, name)))
    .filter((content) => content !== null)
    .filter(({ header }) => !isUnderWay(header))
    .sort((a, b) => a.header.startedAt.localeCompare(b.header.startedAt));
}

function isUnderWay({ processId, processMark: mark }: JournalHeader): boolean {
  return mark !== '' && processMark(processId) === mark;
}

/** @returns null if not even the header is whole: then nothing was done */
export function readJournal(path: string): JournalContent | null {
  let header: JournalHeader | null = null;
  const open = new Map<number, RecordedUndo>();
  for (const text of readFileSync(path, 'utf8').split('\n')) {
    const line = parseLine(text);
    if (line === null) continue;
    if ('header' in line) header = line.header;
    else if ('undo' in line) open.set(line.undo.number, line.undo);
    else open.delete(line.undone);
  }
  return header && { path, header, open: [...open.values()].toReversed() };
}

function parseLine(text: string): Line | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' ? (value as Line | null) : null;
  } catch {
    return null;
  }
}

/** Makes sure that the file will be found, not only its content. */
function syncFolder(folder: string): void {
  const descriptor = openSync(folder, 'r');
  fsyncSync(descriptor);
  closeSync(descriptor);
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
