import { relative } from 'node:path';
import { inspect, stripVTControlCharacters } from 'node:util';

/** Turns the events of node:test into a report: failures in full, skips by reason, one closing line of counts. */
export class TestReport {
  passed = 0;
  failed = 0;
  skipped = 0;
  /** @type {Map<string, number>} */ #skips = new Map();
  /** @type {Map<string, string>} */ #output = new Map();

  /**
   * @param {string} root paths are shown relative to it
   * @param {{ write(text: string): unknown, isTTY?: boolean }} out
   */
  constructor(root, out) {
    this.root = root;
    this.out = out;
  }

  /** Counts something that is not a node:test test. */
  check(title, isPassed) {
    if (isPassed) {
      this.passed++;
      return;
    }
    this.failed++;
    this.out.write(`FAILED ${title}\n\n`);
  }

  /**
   * @param {{ type: string, data: any }} event as documented for node:test's TestsStream
   * @param {string[]} path for each stream one: titles of the tests around the one that runs, kept here
   */
  add({ type, data }, path) {
    if (type === 'test:start') {
      path.length = data.nesting;
      path[data.nesting] = data.name;
    } else if (type === 'test:stdout' || type === 'test:stderr') {
      this.#output.set(data.file, (this.#output.get(data.file) ?? '') + data.message);
    } else if (type === 'test:pass') {
      this.#addPass(data);
    } else if (type === 'test:fail') {
      this.#addFailure(data, path);
    }
    if (this.out.isTTY && (type === 'test:pass' || type === 'test:fail'))
      this.out.write(`\r${this.#counts()}\x1b[K`);
  }

  close() {
    if (this.out.isTTY) this.out.write('\r\x1b[K');
    for (const [file, text] of this.#output) this.out.write(`Printed by ${this.#shorten(file)}:\n${text}\n`);
    for (const [reason, count] of this.#skips) this.out.write(`${count} skipped: ${reason}\n`);
    this.out.write(`${this.#counts()}\n`);
  }

  #counts() {
    const skipped = this.skipped === 0 ? '' : `, ${this.skipped} skipped`;
    return `${this.passed} passed, ${this.failed} failed${skipped}`;
  }

  #addPass(data) {
    if (data.details.type === 'suite') return;
    if (data.skip === undefined && data.todo === undefined) {
      this.passed++;
      return;
    }
    this.skipped++;
    const given = data.skip ?? data.todo;
    const reason = typeof given === 'string' && given !== '' ? given : `no reason given (${data.name})`;
    this.#skips.set(reason, (this.#skips.get(reason) ?? 0) + 1);
  }

  #addFailure(data, path) {
    const error = data.details.error;
    // A test or suite around a failed one fails too; only the innermost says why.
    if (error?.failureType === 'subtestsFailed') return;
    this.failed++;
    const titles = [...path.slice(0, data.nesting), data.name].map((title) => this.#shorten(title));
    const file = data.file === undefined ? '' : this.#shorten(data.file);
    const place = file === '' || titles.includes(file) ? '' : ` (${file})`;
    this.out.write(
      `${this.out.isTTY ? '\r\x1b[K' : ''}FAILED ${titles.join(' > ')}${place}\n${describe(error)}\n\n`,
    );
  }

  /** Compiled files go by the name of their source; other text stays as it is. */
  #shorten(path) {
    const short = path.startsWith(this.root) ? relative(this.root, path) : path;
    return short.replace(/^dist\/(test\/.*)\.js$/, '$1.ts');
  }
}

function describe(error) {
  if (typeof error?.exitCode === 'number' && error.exitCode !== 0)
    return `  ended with exit code ${error.exitCode}`;
  if (error?.signal) return `  ended by ${error.signal}`;
  const cause = error?.cause ?? error;
  const text = cause instanceof Error ? (cause.stack ?? cause.message) : inspect(cause);
  const lines = stripVTControlCharacters(text).split('\n');
  return lines
    .filter((line) => !/^\s+at .*node:internal/.test(line))
    .map((line) => `  ${line}`)
    .join('\n');
}
