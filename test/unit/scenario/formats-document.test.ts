import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fieldText } from '../../../src/scenario/apply-overrides.js';
import { parseScenario } from '../../../src/scenario/parse-scenario.js';
import { SCENARIO_FIELDS } from '../../../src/scenario/scenario-fields.js';
import { repoPath } from '../../repo-root.js';
import { KNOWN_SUITES } from './known-suites.js';

const SECTION = /^## Scenarios: `tare\.scenario\/1`$([\s\S]*?)^## /m.exec(
  readFileSync(repoPath('docs/FORMATS.md'), 'utf8'),
)![1]!;
/** Field -> its default as documented; empty where there is none. */
const ROWS = new Map(
  [...SECTION.matchAll(/^\| `([^`]+)` \| (.*?) \|/gm)].map(([, field, text]) => [field!, text!.trim()]),
);

test('docs/FORMATS.md lists every field of a scenario, in their order', () => {
  assert.deepEqual([...ROWS.keys()], ['schema', 'extends', ...SCENARIO_FIELDS, 'uncertain']);
});

test('the defaults that docs/FORMATS.md lists are those that are taken', () => {
  const simplest = parseScenario('guest: { memory: 1GiB }', { suites: KNOWN_SUITES });
  const written = `{ guest: { memory: 1GiB, workload: { kind: hot-set, rate: 1 } }, migration: { xbzrle: { delta: 1% } } }`;
  const busy = parseScenario(written, { suites: KNOWN_SUITES });
  for (const [field, documented] of ROWS) {
    const [, value] = /^`(.*)`$/.exec(documented) ?? [];
    if (value === undefined || ['schema', 'uncertain'].includes(field)) continue;
    assert.equal(fieldText(simplest, field) ?? fieldText(busy, field), value, field);
  }
});

test('the examples of docs/FORMATS.md are scenarios', () => {
  const examples = [...SECTION.matchAll(/```yaml\n([\s\S]*?)```/g)].map(([, text]) => text!);
  assert.equal(examples.length, 2);
  for (const text of examples) assert.equal(parseScenario(text, { suites: KNOWN_SUITES }).network.mtu, 9000);
});
