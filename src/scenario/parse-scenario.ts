import { namedScenario, suggestScenario } from './catalogue.js';
import { dotted, type Fault, isRecord, MAX_FAULTS } from './field-path.js';
import { readScenario, type SuiteNames } from './read-scenario.js';
import type { Scenario } from './scenario.js';
import { ScenarioDocument } from './scenario-document.js';
import { ScenarioError, type ScenarioProblem } from './scenario-error.js';

export interface ParseOptions {
  readonly suites: SuiteNames;
  /** Of the file, for messages. */
  readonly path?: string;
}

/**
 * A scenario from YAML 1.2 or JSON. `extends: NAME` takes everything that is not given from the catalogue.
 * @throws ScenarioError with everything that is wrong, each with its field, line and column
 */
export function parseScenario(text: string, { suites, path }: ParseOptions): Scenario {
  const document = new ScenarioDocument(text);
  const fail = (problems: readonly ScenarioProblem[]): never => {
    throw new ScenarioError(problems.toSorted(byPosition), path ?? null);
  };
  if (document.problems.length > 0) return fail(document.problems);
  const extended = extend(document.value);
  const read = readScenario(extended.value, suites);
  const faults = [...extended.faults, ...read.faults];
  return read.scenario !== null && faults.length === 0
    ? read.scenario
    : fail(faults.slice(0, MAX_FAULTS).map((fault) => document.locate(fault)));
}

/**
 * A scenario of the catalogue.
 * @throws ScenarioError for names that are not in it
 */
export function parseNamedScenario(name: string, suites: SuiteNames): Scenario {
  const named = namedScenario(name);
  if (named === null) {
    const message = `there is no scenario ${JSON.stringify(name.slice(0, 60))}: ${suggestScenario(name)}`;
    throw new ScenarioError([{ field: '', message, position: null }]);
  }
  const { scenario, faults } = readScenario(named, suites);
  if (scenario !== null) return scenario;
  throw new ScenarioError(
    faults.map(({ path, message }) => ({ field: dotted(path), message, position: null })),
  );
}

/** In place of a scenario that is not there, so that nothing is called missing that it may have. */
const STAND_IN = { guest: { memory: '64TiB' } };

/** Takes what is not given from the scenario that `extends` names. */
function extend(value: unknown): { readonly value: unknown; readonly faults: readonly Fault[] } {
  if (!isRecord(value) || !Object.hasOwn(value, 'extends')) return { value, faults: [] };
  const { extends: name, ...own } = value;
  const base = typeof name === 'string' ? namedScenario(name) : null;
  if (base !== null) return { value: merge(base, own), faults: [] };
  const message =
    typeof name === 'string'
      ? `there is no scenario ${JSON.stringify(name.slice(0, 60))}: ${suggestScenario(name)}`
      : 'write the name of a scenario that "tare scenarios" lists';
  return { value: merge(STAND_IN, own), faults: [{ path: ['extends'], message }] };
}

/** Fields of `over` win; a workload of another kind keeps nothing of the old one. */
function merge(base: unknown, over: unknown): unknown {
  if (!isRecord(base) || !isRecord(over)) return over;
  if (typeof over['kind'] === 'string' && over['kind'] !== base['kind']) return over;
  const merged: Record<string, unknown> = { ...base };
  for (const [key, value] of Object.entries(over))
    merged[key] = key in merged ? merge(merged[key], value) : value;
  return merged;
}

function byPosition({ position: a }: ScenarioProblem, { position: b }: ScenarioProblem): number {
  return (a?.line ?? 0) - (b?.line ?? 0) || (a?.column ?? 0) - (b?.column ?? 0);
}
