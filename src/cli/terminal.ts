import { once } from 'node:events';
import type { Writable } from 'node:stream';
import { escapeTerminal } from '../report/text/escape-terminal.js';

const DEFAULT_WIDTH = 80;
const MIN_WIDTH = 40;
const MAX_WIDTH = 200;

interface Screen {
  readonly isTTY?: boolean;
  readonly columns?: number;
}

/** Columns to lay a report out for: the terminal's, else COLUMNS, else 80; kept within 40..200. */
export function reportWidth(stream: Screen, env: NodeJS.ProcessEnv): number {
  const wanted =
    (stream.isTTY && stream.columns) || Number.parseInt(env['COLUMNS'] ?? '', 10) || DEFAULT_WIDTH;
  return Math.min(MAX_WIDTH, Math.max(MIN_WIDTH, wanted));
}

/**
 * Whether to write colour: on terminals unless NO_COLOR is set and not empty (https://no-color.org) or TERM is dumb;
 * FORCE_COLOR other than 0 asks for it elsewhere.
 */
export function wantsColor(stream: Screen, env: NodeJS.ProcessEnv): boolean {
  if ((env['NO_COLOR'] ?? '') !== '') return false;
  const force = env['FORCE_COLOR'];
  if (force !== undefined) return force !== '0' && force !== 'false';
  return stream.isTTY === true && env['TERM'] !== 'dumb';
}

/** One message on stderr. Its text may quote captures, file names and files: it is escaped. */
export function printMessage(message: string): void {
  process.stderr.write(`tare: ${message.split('\n').map(escapeTerminal).join('\n  ')}\n`);
}

/** Writes and, if the reader is slower than we are, waits for it. */
export async function writeOut(text: string | Uint8Array, stream: Writable = process.stdout): Promise<void> {
  if (!stream.write(text)) await once(stream, 'drain');
}
