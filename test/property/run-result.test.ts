import assert from 'node:assert/strict';
import { test } from 'node:test';
import { COMPARED_FIGURES, compareRuns } from '../../src/result/compare-runs.js';
import { parseRunResult } from '../../src/result/parse-run-result.js';
import { renderRunLine, runJson } from '../../src/result/run-json.js';
import fc from '../fast-check.js';
import { ARBITRARY_RUN } from '../unit/result/arbitrary-run.js';

test('a run that was JSON in between is the same run', () => {
  fc.assert(
    fc.property(ARBITRARY_RUN, (run) => {
      const same = structuredClone(run);
      assert.deepEqual(parseRunResult(renderRunLine(run)), same);
      assert.deepEqual(parseRunResult(JSON.stringify(runJson(run), null, 2)), same);
    }),
    { seed: 4101, numRuns: 100 },
  );
});

test('equal runs are equal texts, however their fields are ordered', () => {
  fc.assert(
    fc.property(ARBITRARY_RUN, (run) => {
      const reversed = { ...run, timeByLimit: reverse(run.timeByLimit), stream: reverse(run.stream) };
      assert.equal(renderRunLine(reverse(reversed)), renderRunLine(run));
    }),
    { seed: 4102, numRuns: 100 },
  );
});

test('a line of results is one line that no terminal acts on', () => {
  fc.assert(
    fc.property(ARBITRARY_RUN, (run) => {
      assert.doesNotMatch(renderRunLine(run), /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
    }),
    { seed: 4103, numRuns: 100 },
  );
});

test('whatever is taken out of a run or put into it, it is refused with the field or still a run', () => {
  const path = fc.array(fc.nat({ max: 30 }), { minLength: 1, maxLength: 4 });
  fc.assert(
    fc.property(ARBITRARY_RUN, path, fc.jsonValue({ maxDepth: 1 }), (run, places, value) => {
      const broken = JSON.parse(renderRunLine(run));
      let parent = broken;
      for (const [depth, place] of places.entries()) {
        const keys = Object.keys(parent);
        const key = keys[place % keys.length] ?? 'added';
        const isLeaf = typeof parent[key] !== 'object' || parent[key] === null;
        if (isLeaf || depth === places.length - 1) {
          parent[key] = value;
          break;
        }
        parent = parent[key];
      }
      try {
        parseRunResult(JSON.stringify(broken));
      } catch (error) {
        assert.ok(error instanceof Error && error.name === 'RunResultError', String(error));
        assert.ok(error.message.length < 2000);
      }
    }),
    { seed: 4104, numRuns: 300 },
  );
});

test('a run compared with itself differs in nothing, and swapping two turns the sign', () => {
  fc.assert(
    fc.property(ARBITRARY_RUN, ARBITRARY_RUN, (a, b) => {
      const [self, there, back] = [compareRuns(a, a), compareRuns(a, b), compareRuns(b, a)];
      for (const figure of COMPARED_FIGURES) {
        const { predicted, absolute, relative } = self.figures[figure];
        assert.deepEqual([absolute, relative], predicted === null ? [null, null] : [0, 0]);
        const forth = there.figures[figure].absolute;
        assert.equal(forth, forth === null ? null : 0 - back.figures[figure].absolute!);
      }
    }),
    { seed: 4105, numRuns: 100 },
  );
});

function reverse<Value extends object>(value: Value): Value {
  return Object.fromEntries(Object.entries(value).reverse()) as Value;
}
