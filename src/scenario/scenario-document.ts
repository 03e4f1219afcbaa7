import {
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  parseDocument,
  visit,
  type YAMLError,
} from 'yaml';
import { dotted, type Fault, type FieldPath, MAX_FAULTS } from './field-path.js';
import type { ScenarioProblem } from './scenario-error.js';

/**
 * Theory of operation. A written scenario is small, and hostile files are not: before the YAML library sees a text its length,
 * its parts and its depth are bounded, because the library makes an object, or an error, of every mark and recurses into whatever
 * is open; aliases may stand for a hundred times what they name; repeated keys are found here, because the library compares every
 * key with every other. What is left is read once,
 * into plain values and into nodes that know where they stood.
 */

const MAX_CHARACTERS = 1 << 17;
/** Characters that mean something in YAML, line ends included. A trace of a thousand groups of pages has 7000. */
const MAX_MARKS = 16_000;
const MAX_ALIASES = 100;
/** A scenario has five levels. */
const MAX_DEPTH = 50;

/** A text as plain values, whose places in the text can be told. */
export class ScenarioDocument {
  /** What keeps it from being YAML at all. */
  readonly problems: readonly ScenarioProblem[];
  /** Undefined if there are problems. */
  readonly value: unknown;
  readonly #lines = new LineCounter();
  readonly #document: Document | null;
  readonly #kind: string;

  /** @param kind of document, for messages */
  constructor(text: string, kind = 'scenario') {
    this.#kind = kind;
    const refusal = refusalOf(text, kind);
    this.#document = refusal === null ? this.#parse(text) : null;
    this.problems = refusal === null ? this.#findProblems() : [whole(refusal)];
    if (this.problems.length > 0 || this.#document === null) return;
    try {
      this.value = this.#document.toJS({ maxAliasCount: MAX_ALIASES });
    } catch (error) {
      // A ReferenceError of the library's own.
      this.problems = [whole(`this cannot be read: ${error instanceof Error ? error.message : error}`)];
    }
  }

  /** Where a fault stands; what it should have been in if it is missing. */
  locate({ path, message, isKey = false }: Fault): ScenarioProblem {
    const offset = this.#offsetOf(path, isKey) ?? this.#offsetOf(['extends'], false);
    return offset === null
      ? { field: dotted(path), message, position: null }
      : this.#problemAt(dotted(path), message, offset);
  }

  #parse(text: string): Document {
    return parseDocument(text, {
      lineCounter: this.#lines,
      prettyErrors: false,
      uniqueKeys: false,
      version: '1.2',
    });
  }

  #findProblems(): ScenarioProblem[] {
    const { errors = [], warnings = [] } = this.#document ?? {};
    const [failure] = [...errors, ...warnings];
    // What comes behind the first is mostly its consequence.
    return failure === undefined
      ? this.#repeatedKeys()
      : [this.#problemAt('', syntaxMessage(failure, this.#kind), failure.pos[0])];
  }

  #repeatedKeys(): ScenarioProblem[] {
    const problems: ScenarioProblem[] = [];
    visit(this.#document, {
      Map: (_, map) => {
        const seen = new Set<string>();
        for (const { key } of map.items) {
          const name = isScalar(key) ? String(key.value) : '';
          const message = `${JSON.stringify(name.slice(0, 60))} is given twice`;
          if (seen.has(name) && problems.length < MAX_FAULTS)
            problems.push(this.#problemAt('', message, startOf(key) ?? 0));
          seen.add(name);
        }
      },
    });
    return problems;
  }

  #problemAt(field: string, message: string, offset: number): ScenarioProblem {
    const { line, col } = this.#lines.linePos(offset);
    return { field, message, position: { line, column: col } };
  }

  /** Of the value or key at `path`, or of the nearest thing around it; null if the first key is not there. */
  #offsetOf(path: FieldPath, ofKey: boolean): number | null {
    let node: unknown = this.#document?.contents ?? null;
    let offset = path.length === 0 ? startOf(node) : null;
    for (const key of path) {
      const found = memberOf(this.#resolve(node), key);
      if (found === null) break;
      offset = (ofKey ? null : startOf(found.value)) ?? startOf(found.key) ?? offset;
      node = found.value;
    }
    return offset;
  }

  #resolve(node: unknown): unknown {
    return isAlias(node) && this.#document !== null ? node.resolve(this.#document) : node;
  }
}

function refusalOf(text: string, kind: string): string | null {
  if (text.length > MAX_CHARACTERS) return `this is longer than ${MAX_CHARACTERS} characters, and no ${kind}`;
  if (isDeep(text)) return 'this is nested too deeply';
  return hasManyMarks(text) ? `this has more than ${MAX_MARKS} marks of YAML, and is no ${kind}` : null;
}

function hasManyMarks(text: string): boolean {
  let marks = 0;
  for (const _ of text.matchAll(/[\r\n:,[\]{}?*&!|>%@`"'#\t-]/g)) if (++marks > MAX_MARKS) return true;
  return false;
}

/** Brackets in text count too, which does no harm. */
function isDeep(text: string): boolean {
  let depth = 0;
  for (const [bracket] of text.matchAll(/[[\]{}]/g)) {
    depth = bracket === '[' || bracket === '{' ? depth + 1 : Math.max(0, depth - 1);
    if (depth > MAX_DEPTH) return true;
  }
  return /(?:[-?:][ \t]+){50}/.test(text) || /^ {200}/m.test(text);
}

function memberOf(
  node: unknown,
  key: string | number,
): { readonly key: unknown; readonly value: unknown } | null {
  if (isSeq(node)) return typeof key === 'number' ? { key: null, value: node.items[key] } : null;
  if (!isMap(node)) return null;
  return node.items.find((item) => isScalar(item.key) && String(item.key.value) === String(key)) ?? null;
}

function startOf(node: unknown): number | null {
  return (node as { range?: readonly number[] | null } | null | undefined)?.range?.[0] ?? null;
}

function whole(message: string): ScenarioProblem {
  return { field: '', message, position: null };
}

function syntaxMessage({ code, message }: YAMLError, kind: string): string {
  if (code === 'MULTIPLE_DOCS') return `a second document begins here; a file holds one ${kind}`;
  return /call stack/.test(message) ? 'this is nested too deeply' : message;
}
