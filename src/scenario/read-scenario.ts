import type { z } from 'zod';
import { dotted, type Fault, type FieldPath, isRecord, MAX_FAULTS, memberAt } from './field-path.js';
import { resolveScenario } from './resolve-scenario.js';
import type { Scenario } from './scenario.js';
import { keysBelow, suggestKey } from './scenario-fields.js';
import { scenarioSchema } from './scenario-schema.js';
import { readUncertain } from './uncertain-fields.js';

/** How suites are called, from where they are known: `{ esp: parseEspSuite, ah: parseAhSuite }`. */
export interface SuiteNames {
  /** @throws an Error named `SuiteNameError` whose message says what there is */
  readonly esp: (name: string) => { readonly name: string };
  readonly ah: (name: string) => { readonly name: string };
}

export type ReadResult =
  | { readonly scenario: Scenario; readonly faults: readonly [] }
  | { readonly scenario: null; readonly faults: readonly Fault[] };

/**
 * A scenario from its written form as a plain value: objects, arrays, text, numbers. Everything that is wrong is found at
 * once.
 */
export function readScenario(written: unknown, suites: SuiteNames): ReadResult {
  const spelled = spellOut(written);
  const decoded = scenarioSchema.safeDecode(spelled as z.input<typeof scenarioSchema>);
  const named = nameSuites(spelled, suites);
  const faults = [
    ...(decoded.error?.issues ?? []).slice(0, MAX_FAULTS).flatMap((issue) => faultsOf(issue, spelled)),
    ...named.faults,
  ];
  if (!decoded.success || faults.length > 0) return { scenario: null, faults };
  const resolved = resolveScenario(decoded.data);
  const scenario = { ...resolved, ipsec: { ...resolved.ipsec, ...named.suites } };
  const uncertain = readUncertain(decoded.data.uncertain ?? {}, scenario);
  if (uncertain.faults.length > 0) return { scenario: null, faults: uncertain.faults };
  return {
    scenario: uncertain.fields.length > 0 ? { ...scenario, uncertain: uncertain.fields } : scenario,
    faults: [],
  };
}

/** `workload: idle` is `workload: { kind: idle }`, and `xbzrle: off` is `xbzrle: null`. */
function spellOut(written: unknown): unknown {
  if (!isRecord(written)) return written;
  const { guest, migration } = written;
  const spelled = { ...written };
  if (isRecord(guest) && typeof guest['workload'] === 'string') {
    spelled['guest'] = { ...guest, workload: { kind: guest['workload'] } };
  }
  if (isRecord(migration)) {
    const off = ['xbzrle', 'compression'].filter((key) =>
      /^(off|none|null|false)?$/i.test(`${migration[key]}`),
    );
    spelled['migration'] = { ...migration, ...Object.fromEntries(off.map((key) => [key, null])) };
  }
  return spelled;
}

/** Aliases such as `aes128gcm128` get the name that suites are listed under. */
function nameSuites(written: unknown, suites: SuiteNames) {
  const ipsec = isRecord(written) ? written['ipsec'] : undefined;
  const faults: Fault[] = [];
  const named: { esp?: string; ah?: string } = {};
  for (const protocol of ['esp', 'ah'] as const) {
    const name = isRecord(ipsec) ? ipsec[protocol] : undefined;
    if (typeof name !== 'string' || /^(none|off|null)?$/i.test(name.trim())) continue;
    try {
      named[protocol] = suites[protocol](name).name;
    } catch (error) {
      if (!(error instanceof Error && error.name === 'SuiteNameError')) throw error;
      faults.push({ path: ['ipsec', protocol], message: error.message });
    }
  }
  return { suites: named, faults };
}

function faultsOf(issue: z.core.$ZodIssue, written: unknown): Fault[] {
  const path = issue.path as FieldPath;
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.slice(0, MAX_FAULTS).map((key) => ({
      path: [...path, key],
      message: unknownKey(path, key, written),
      isKey: true,
    }));
  }
  if (issue.code === 'invalid_type' && issue.expected === 'object') {
    return [{ path, message: noMapping(path, memberAt(written, path)) }];
  }
  return [{ path, message: issue.message }];
}

function unknownKey(parent: FieldPath, key: string, written: unknown): string {
  const kind = memberAt(written, [...parent, 'kind']);
  const suggestion = suggestKey(dotted(parent), key);
  if (parent.at(-1) === 'workload' && suggestion === `did you mean ${key}?`) {
    return `does not go with kind ${kind}: choose another kind, or leave it out`;
  }
  return `unknown field: ${suggestion}`;
}

function noMapping(path: FieldPath, value: unknown): string {
  if (path.length === 0) return 'this is no scenario: write at least guest: { memory: 4GiB }';
  const write = `write its fields below it: ${keysBelow(dotted(path)).join(', ')}`;
  if (value === undefined) return `missing: ${write}`;
  return value === null ? `empty: ${write}` : write;
}
