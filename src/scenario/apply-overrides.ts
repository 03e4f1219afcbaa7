import { dotted, type Fault, isRecord, memberAt } from './field-path.js';
import { readScenario, type SuiteNames } from './read-scenario.js';
import { writeScenario } from './render-scenario.js';
import type { Scenario } from './scenario.js';
import { ScenarioError, type ScenarioProblem } from './scenario-error.js';
import { fieldsNamed, keysBelow, suggestField } from './scenario-fields.js';

/** Field names, dotted or short -> values as people write them: `{ mtu: '9000', 'ipsec.esp': 'aes128gcm16' }`. */
export type Overrides = Readonly<Record<string, string>>;

/**
 * The scenario with some fields changed. What depends on a field follows where it did before: a guest whose memory was all
 * filled still is when it gets more. A workload of another kind keeps its rate and working set.
 * @throws ScenarioError naming fields as they were given
 */
export function applyOverrides(scenario: Scenario, overrides: Overrides, suites: SuiteNames): Scenario {
  const given = new Map<string, { readonly name: string; readonly text: string }>();
  const faults: Fault[] = [];
  for (const [name, text] of Object.entries(overrides)) {
    const fields = fieldsNamed(name);
    if (fields === null) faults.push({ path: [name], message: `unknown field: ${suggestField(name)}` });
    for (const field of fields ?? []) {
      if (isWhole(field) && !OFF.test(text.trim())) faults.push({ path: [name], message: partsOf(field) });
      else given.set(field, { name, text });
    }
  }
  const written = structuredClone(writtenFormOf(scenario));
  followDependents(written, scenario, given);
  fixUncertain(written, scenario, given);
  for (const [field, { text }] of inOrder(given)) setField(written, field.split('.'), text);
  const read = readScenario(written, suites);
  faults.push(...read.faults);
  if (read.scenario !== null && faults.length === 0) return read.scenario;
  throw new ScenarioError(withoutRepeats(faults, given));
}

/** What sets the field of both hosts is wrong twice and told once. */
function withoutRepeats(faults: readonly Fault[], given: Given): ScenarioProblem[] {
  const problems = new Map<string, ScenarioProblem>();
  for (const { path, message } of faults) {
    const field = given.get(dotted(path))?.name ?? dotted(path);
    problems.set(`${field}: ${message}`, { field, message, position: null });
  }
  return [...problems.values()];
}

/**
 * A field's value as it is written: `9000`, `aes128gcm16`, `128MiB/s`; `null` if it is nothing. Null if this scenario has
 * no such field, as an idle guest has no rate.
 * @param name dotted or short
 * @throws ScenarioError for names that no scenario has
 */
export function fieldText(scenario: Scenario, name: string): string | null {
  const fields = fieldsNamed(name);
  if (fields === null) {
    throw new ScenarioError([
      { field: name, message: `unknown field: ${suggestField(name)}`, position: null },
    ]);
  }
  const value = memberAt(writtenFormOf(scenario), fields[0]!.split('.'));
  if (value === undefined) return null;
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

const OFF = /^(off|none|null|false)?$/i;

/** XBZRLE and compression: what is null or has fields of its own. */
function isWhole(field: string): boolean {
  return field === 'migration.xbzrle' || field === 'migration.compression';
}

function partsOf(field: string): string {
  const short = field.slice('migration.'.length);
  const parts = keysBelow(field).map((key) => `${short}.${key}`);
  return `give ${parts.join(' and ')}, or off`;
}

type Written = Record<string, unknown>;

/** A sweep changes the same scenario thousands of times, and writing is what takes long. */
const writtenForms = new WeakMap<Scenario, Written>();

function writtenFormOf(scenario: Scenario): Written {
  const known = writtenForms.get(scenario);
  if (known !== undefined) return known;
  const written: Written = { ...writeScenario(scenario) };
  writtenForms.set(scenario, written);
  return written;
}

type Given = ReadonlyMap<string, { readonly name: string; readonly text: string }>;

function followDependents(written: Written, { guest }: Scenario, given: Given): void {
  const fields = written['guest'] as Written;
  const { memoryBytes, filledBytes, workload } = guest;
  const filledFollows =
    filledBytes === memoryBytes && given.has('guest.memory') && !given.has('guest.filled');
  if (filledFollows) delete fields['filled'];
  const isResized = filledFollows || given.has('guest.filled');
  if (!isResized || given.has('guest.workload.workingSet') || !('workingSetBytes' in workload)) return;
  if (workload.workingSetBytes === filledBytes) delete (fields['workload'] as Written)['workingSet'];
}

/** A field that is set is not uncertain any more, nor one that the new kind of workload has not. */
function fixUncertain(written: Written, { uncertain = [] }: Scenario, given: Given): void {
  const kept = uncertain.filter(
    ({ field }) => !given.has(field) && !(given.has(KIND) && field.startsWith('guest.workload.')),
  );
  const texts = Object.entries((written['uncertain'] ?? {}) as Record<string, string>);
  written['uncertain'] = Object.fromEntries(
    texts.filter(([name]) => kept.some(({ field }) => field === name)),
  );
}

/** The kind of workload decides which other fields it has. */
function inOrder(given: Given): [field: string, { readonly text: string }][] {
  const isKind = ([field]: [string, unknown]): number => (field === KIND ? 0 : 1);
  return [...given].toSorted((a, b) => isKind(a) - isKind(b));
}

const KIND = 'guest.workload.kind';
const KEPT_BY_KIND: Readonly<Record<string, readonly string[]>> = {
  uniform: ['rate', 'workingSet'],
  sequential: ['rate', 'workingSet'],
  'hot-set': ['rate', 'workingSet', 'hotShare', 'hotWrites'],
};

function setField(written: Written, path: readonly string[], text: string): void {
  const [key, ...rest] = path as [string, ...string[]];
  if (rest.length === 0) {
    if (path.join('.') === 'kind') keepFields(written, text.trim());
    written[key] = text.trim();
    return;
  }
  // XBZRLE and compression, which are null when they are off.
  if (!isRecord(written[key])) written[key] = {};
  setField(written[key] as Written, rest, text);
}

function keepFields(workload: Written, kind: string): void {
  const kept = KEPT_BY_KIND[kind] ?? [];
  for (const key of Object.keys(workload)) if (!kept.includes(key)) delete workload[key];
}
