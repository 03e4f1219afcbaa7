import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parse } from 'yaml';
import { applyOverrides, fieldText } from '../../src/scenario/apply-overrides.js';
import { memberAt } from '../../src/scenario/field-path.js';
import { parseScenario } from '../../src/scenario/parse-scenario.js';
import { renderScenario, writeScenario } from '../../src/scenario/render-scenario.js';
import { unresolveScenario } from '../../src/scenario/resolve-scenario.js';
import type { Scenario } from '../../src/scenario/scenario.js';
import { SCENARIO_FIELDS } from '../../src/scenario/scenario-fields.js';
import { drawScenario } from '../../src/scenario/uncertain-fields.js';
import fc from '../fast-check.js';
import { ARBITRARY_SCENARIO, CERTAIN_SCENARIO } from '../unit/scenario/arbitrary-scenario.js';
import { KNOWN_SUITES } from '../unit/scenario/known-suites.js';

/** `fc.record` makes objects without prototype now and then. */
function plain<Value>(value: Value): Value {
  return JSON.parse(JSON.stringify(value));
}

test('whatever scenario there is, its written form is read back to the same', () => {
  fc.assert(
    fc.property(ARBITRARY_SCENARIO, fc.boolean(), (scenario, hints) => {
      const text = renderScenario(scenario, { hints });
      assert.deepEqual(parseScenario(text, { suites: KNOWN_SUITES }), plain(scenario), text);
    }),
    { seed: 4001, numRuns: 200 },
  );
});

test('the written form as JSON is read back to the same', () => {
  fc.assert(
    fc.property(ARBITRARY_SCENARIO, (scenario) => {
      const text = JSON.stringify(writeScenario(scenario));
      assert.deepEqual(parseScenario(text, { suites: KNOWN_SUITES }), plain(scenario), text);
    }),
    { seed: 4002, numRuns: 100 },
  );
});

test('the written form holds nothing that a terminal acts on', () => {
  fc.assert(
    fc.property(ARBITRARY_SCENARIO, (scenario) => {
      assert.doesNotMatch(renderScenario(scenario), /[^\n\P{Cc}]|[\p{Cf}\p{Zl}\p{Zp}]/u);
    }),
    { seed: 4003, numRuns: 100 },
  );
});

test('setting every field of one scenario to that of another gives the other', () => {
  fc.assert(
    fc.property(ARBITRARY_SCENARIO, CERTAIN_SCENARIO, (from, to) => {
      fc.pre(from.guest.workload.kind !== 'trace' && to.guest.workload.kind !== 'trace');
      const overrides = Object.fromEntries(
        [...SCENARIO_FIELDS, 'xbzrle', 'compression'].flatMap((field) => {
          const text = fieldText(to, field);
          const isWhole = field === 'xbzrle' || field === 'compression';
          return text === null || (isWhole && text !== 'null') ? [] : [[field, text]];
        }),
      );
      // Names are trimmed where they are typed.
      const trimmed = { ...to, name: to.name.trim(), description: to.description.trim() };
      const hosts = { ...to.hosts, calibration: to.hosts.calibration.trim() };
      assert.deepEqual(applyOverrides(from, overrides, KNOWN_SUITES), plain({ ...trimmed, hosts }));
    }),
    { seed: 4004, numRuns: 150 },
  );
});

test('a drawn scenario has every uncertain field within its bounds, and can be written', () => {
  const numbers = fc.array(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), {
    minLength: 10,
    maxLength: 10,
  });
  fc.assert(
    fc.property(ARBITRARY_SCENARIO, numbers, (scenario, sequence) => {
      const draw = (): Scenario => {
        let next = 0;
        return drawScenario(scenario, () => sequence[next++]!);
      };
      const drawn = draw();
      assert.deepEqual(draw(), drawn);
      assert.equal('uncertain' in drawn, false);
      const decoded = unresolveScenario(drawn);
      for (const { field, low, high } of scenario.uncertain ?? []) {
        const value = memberAt(decoded, field.split('.')) as number;
        const slack = high * 1e-12;
        assert.ok(value >= low - slack && value <= high + slack, `${field}: ${low} ${value} ${high}`);
      }
      renderScenario(drawn);
    }),
    { seed: 4007, numRuns: 150 },
  );
});

test('whatever text is given, it is a scenario or refused with a message', () => {
  const word = fc.constantFrom(
    'guest',
    'memory',
    '4GiB',
    ':',
    ' ',
    '\n',
    '{',
    '}',
    '[',
    ']',
    '- ',
    '&a ',
    '*a',
    ',',
    '"',
    '1',
  );
  const text = fc.oneof(
    fc.string({ maxLength: 100, unit: 'binary' }),
    fc.array(word, { maxLength: 40 }).map((words) => words.join('')),
  );
  fc.assert(
    fc.property(text, (written) => {
      assertParsedOrRefused(written);
    }),
    { seed: 4005, numRuns: 500 },
  );
});

test('whatever a field holds, it is read or refused with its name', () => {
  const value = fc.oneof(fc.jsonValue({ maxDepth: 2 }), fc.double(), fc.string({ maxLength: 12 }));
  fc.assert(
    fc.property(ARBITRARY_SCENARIO, fc.constantFrom(...SCENARIO_FIELDS), value, (scenario, field, wrong) => {
      const written: Record<string, unknown> = plain({ ...writeScenario(scenario) });
      const path = field.split('.');
      const parent = path.slice(0, -1).reduce((node, key) => {
        node[key] ??= {};
        return node[key] as Record<string, unknown>;
      }, written);
      parent[path.at(-1)!] = wrong;
      assertParsedOrRefused(JSON.stringify(written));
    }),
    { seed: 4006, numRuns: 200 },
  );
});

function assertParsedOrRefused(text: string): void {
  try {
    const scenario = parseScenario(text, { suites: KNOWN_SUITES });
    assert.deepEqual(parse(renderScenario(scenario)).schema, 'tare.scenario/1');
  } catch (error) {
    assert.ok(error instanceof Error && error.name === 'ScenarioError', String(error));
    assert.ok(error.message.length > 5 && error.message.length < 20_000);
  }
}
