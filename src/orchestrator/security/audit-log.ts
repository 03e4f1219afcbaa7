import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  closeSync,
  constants,
  fstatSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readSync,
  writeSync,
} from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import type { RunCheck } from '../../result/measured-run.js';
import type { Operator } from './operator.js';

/*
 * Theory of operation. The log is JSON lines that are only ever appended: O_APPEND, one write for a line, fsync before the call
 * returns. Each line holds the SHA-256 of the line before it, so that no line can be changed, taken out or put in between
 * without changing all that follow; whoever keeps the last hash elsewhere can tell that, too. Two processes would write the
 * same predecessor: a lock on the file (flock(1) on our descriptor, which the kernel drops when we die) keeps them apart. A
 * line that was torn, by a full disk or a crash, stays; the next one begins on a line of its own and vouches for its bytes.
 */

/** The audit log cannot be written: then nothing must be done. */
export class AuditError extends Error {
  override readonly name = 'AuditError';
}

/** A host of a migration. */
export interface AuditHost {
  /** As the operator named it. */
  readonly name: string;
  /** `ssh://root@alpha`, `local`, `lab`. */
  readonly at: string;
}

/** Who wants to migrate what, from where, to where. */
export interface AuditAttempt {
  readonly operator: Operator;
  /** That Tare runs on. */
  readonly machine: string;
  readonly guest: string;
  readonly from: AuditHost;
  readonly to: AuditHost;
  /** `esp aes128gcm16, transport`; `none` */
  readonly protection: string;
  /** That admitted or refused it; null if there was none. */
  readonly inventory: { readonly path: string; readonly sha256: string } | null;
}

export type AuditOutcome = 'migrated' | 'not-converged' | 'failed' | 'interrupted';

export type AuditEvent =
  | ({ readonly entry: 'started'; readonly run: string } & AuditAttempt)
  | ({ readonly entry: 'refused'; readonly run: string; readonly reason: string } & AuditAttempt)
  | {
      readonly entry: 'ended';
      readonly run: string;
      readonly outcome: AuditOutcome;
      /** Of a run that failed. */
      readonly reason: string | null;
      readonly checks: readonly RunCheck[];
    }
  | {
      readonly entry: 'cleaned-up';
      readonly run: string;
      readonly operator: Operator;
      /** What could not be undone. */
      readonly left: readonly string[];
    };

/** A line of the log. */
export type AuditEntry = {
  readonly schema: 'tare.audit/1';
  /** SHA-256 of the line before, without its line feed; zeros in the first. */
  readonly previous: string;
  /** ISO 8601. */
  readonly at: string;
} & AuditEvent;

export const FIRST_PREVIOUS = '0'.repeat(64);
/** Nobody holds the lock for longer than a line takes to be on disk; where that is busy, several may wait for seconds each. */
const LOCK_SECONDS = 60;

/** Where attempts are recorded if the inventory does not say. */
export function defaultAuditLog(env: NodeJS.ProcessEnv = process.env): string {
  return join(env['XDG_STATE_HOME'] || join(homedir(), '.local', 'state'), 'tare', 'audit.jsonl');
}

/**
 * Appends a line; it is on disk when this returns.
 * @throws AuditError
 */
export function appendAudit(path: string, event: AuditEvent, now: Date = new Date()): void {
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    const file = openSync(path, constants.O_RDWR | constants.O_APPEND | constants.O_CREAT, 0o600);
    try {
      lock(file);
      append(file, event, now);
    } finally {
      closeSync(file);
    }
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new AuditError(`the audit log ${path} cannot be written, and nothing goes unrecorded: ${reason}`);
  }
}

/** Until the descriptor is closed, or this process ends. */
function lock(file: number): void {
  execFileSync('flock', ['-x', '-w', String(LOCK_SECONDS), '3'], {
    stdio: ['ignore', 'ignore', 'pipe', file],
    env: { ...process.env, PATH: `${process.env['PATH'] ?? ''}:/usr/bin:/bin` },
  });
}

function append(file: number, event: AuditEvent, now: Date): void {
  const { size } = fstatSync(file);
  const { line, isWhole } = readLastLine(file, size);
  const previous = size === 0 ? FIRST_PREVIOUS : hashLine(line);
  const { entry, run, ...rest } = event;
  const written = { schema: 'tare.audit/1', previous, at: now.toISOString(), entry, run, ...rest };
  const bytes = Buffer.from(`${isWhole ? '' : '\n'}${JSON.stringify(written)}\n`);
  if (writeSync(file, bytes) < bytes.length) throw new Error('the disk is full');
  fsyncSync(file);
}

/** SHA-256, hexadecimal. */
export function hashLine(line: Uint8Array): string {
  return createHash('sha256').update(line).digest('hex');
}

const LINE_FEED = 0x0a;
const CHUNK_BYTES = 1 << 16;

function readLastLine(file: number, size: number): { line: Buffer; isWhole: boolean } {
  let tail: Buffer = Buffer.alloc(0);
  for (let start = size; start > 0; ) {
    const chunk = Buffer.alloc(Math.min(CHUNK_BYTES, start));
    start -= chunk.length;
    readSync(file, chunk, 0, chunk.length, start);
    tail = Buffer.concat([chunk, tail]);
    if (tail.subarray(0, -1).includes(LINE_FEED)) break;
  }
  const isWhole = tail.length === 0 || tail.at(-1) === LINE_FEED;
  const end = isWhole ? Math.max(0, tail.length - 1) : tail.length;
  const begin = tail.subarray(0, end).lastIndexOf(LINE_FEED) + 1;
  return { line: tail.subarray(begin, end), isWhole };
}
