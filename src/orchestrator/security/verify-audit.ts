import { createReadStream } from 'node:fs';
import { type AuditEntry, FIRST_PREVIOUS, hashLine } from './audit-log.js';

/** What a log says of itself. */
export interface AuditVerdict {
  readonly lines: number;
  /** Numbers of lines, from 1 on, that do not follow the one before: it or something between was changed, removed or put in. */
  readonly breaks: readonly number[];
  /** Lines that are no entries, though the next one vouches for them: a full disk or a crash tore them. */
  readonly torn: readonly number[];
  readonly refused: number;
  /** Of each outcome; `killed` are those that were cleaned up after. */
  readonly outcomes: Readonly<Record<string, number>>;
  /** Runs that began and of whose end nothing is said: under way, or killed. */
  readonly unended: readonly string[];
  /** SHA-256 of the last line. To be kept elsewhere: lines taken off the end leave no other trace. */
  readonly lastHash: string;
}

/** @throws the system's error if the file cannot be read */
export async function verifyAudit(path: string): Promise<AuditVerdict> {
  const breaks: number[] = [];
  const torn: number[] = [];
  const unended = new Set<string>();
  const outcomes: Record<string, number> = {};
  let refused = 0;
  let lines = 0;
  let previous = FIRST_PREVIOUS;
  for await (const line of readLines(path)) {
    lines++;
    const entry = parseEntry(line);
    if (entry === null) torn.push(lines);
    else if (entry.previous !== previous) breaks.push(lines);
    if (entry?.entry === 'started') unended.add(entry.run);
    if (entry?.entry === 'refused') refused++;
    if (entry?.entry === 'ended') {
      unended.delete(entry.run);
      outcomes[entry.outcome] = (outcomes[entry.outcome] ?? 0) + 1;
    }
    if (entry?.entry === 'cleaned-up' && unended.delete(entry.run)) {
      outcomes['killed'] = (outcomes['killed'] ?? 0) + 1;
    }
    previous = hashLine(line);
  }
  return { lines, breaks, torn, refused, outcomes, unended: [...unended], lastHash: previous };
}

function parseEntry(line: Buffer): AuditEntry | null {
  try {
    const value: unknown = JSON.parse(line.toString('utf8'));
    return typeof value === 'object' && value !== null && 'previous' in value ? (value as AuditEntry) : null;
  } catch {
    return null;
  }
}

/** Without their line feeds, byte for byte. */
async function* readLines(path: string): AsyncGenerator<Buffer> {
  let rest: Buffer[] = [];
  for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) {
    let begin = 0;
    for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, begin)) {
      yield Buffer.concat([...rest, chunk.subarray(begin, end)]);
      rest = [];
      begin = end + 1;
    }
    if (begin < chunk.length) rest.push(chunk.subarray(begin));
  }
  if (rest.length > 0) yield Buffer.concat(rest);
}
