import assert from 'node:assert/strict';
import { test } from 'node:test';
import { validationCharts } from '../../src/report/chart/validation-charts.js';
import { validationPage } from '../../src/report/html/render-validation-html.js';
import { renderValidation } from '../../src/report/validation/render-validation.js';
import { compareCase, medianOf, summarizeValidation } from '../../src/result/compare-validation.js';
import { parseValidation, ValidationError } from '../../src/result/parse-validation.js';
import { validationJson } from '../../src/result/validation-json.js';
import fc from '../fast-check.js';
import { measuredRun, sampleValidation } from '../unit/report/sample-validation.js';

const SAMPLE = sampleValidation();
const TEXT = JSON.stringify(validationJson(SAMPLE));

const value = fc.oneof(
  fc.constantFrom(null, true, 0, -1, 1e308, '', '\u001b[2J', '\u202e', [], {}),
  fc.double({ noNaN: true }),
  fc.string({ unit: 'binary' }),
);

/** Something in it becomes something else: a member of a member of... chosen by numbers. */
function tamper(target: unknown, path: readonly number[], put: unknown): void {
  let at = target;
  for (const [i, step] of path.entries()) {
    if (typeof at !== 'object' || at === null) return;
    const keys = Object.keys(at);
    if (keys.length === 0) return;
    const key = keys[step % keys.length]!;
    const members = at as Record<string, unknown>;
    if (i === path.length - 1) members[key] = put;
    else at = members[key];
  }
}

test('whatever a stored file holds, it is refused, or reported without doing anything to a terminal', () => {
  const change = fc.tuple(fc.array(fc.nat(40), { minLength: 1, maxLength: 8 }), value);
  fc.assert(
    fc.property(fc.array(change, { minLength: 1, maxLength: 4 }), (changes) => {
      const file: unknown = JSON.parse(TEXT);
      for (const [path, put] of changes) tamper(file, path, put);
      let validation: ReturnType<typeof parseValidation>;
      try {
        validation = parseValidation(JSON.stringify(file));
      } catch (error) {
        assert.ok(error instanceof ValidationError, String(error));
        return;
      }
      const text = renderValidation(validation, { width: 80, color: false });
      assert.doesNotMatch(text, /(?!\n)[\p{Cc}\p{Cf}]/u);
      validationCharts(validation);
      validationPage(validation);
    }),
    { numRuns: 150 },
  );
});

test('what was measured as it was predicted is not off, and what is off by a factor is off by it', () => {
  fc.assert(
    fc.property(fc.double({ min: 0.2, max: 5, noNaN: true }), (factor) => {
      const cases = SAMPLE.cases.map((each) => ({
        ...each,
        measured: [measuredRun(each.predictions.packet.run!, factor)],
      }));
      const summary = summarizeValidation({ ...SAMPLE, cases });
      const { median, worst } = summary.levels.packet.totalTimeMs;
      assert.ok(Math.abs(median! - Math.abs(1 / factor - 1)) < 1e-9);
      assert.ok(Math.abs(worst! - (1 / factor - 1)) < 1e-9);
      assert.equal(summary.levels.packet.wireBytes.worst, 0);
    }),
  );
});

test('neither the order of repeated runs nor that of cases changes anything', () => {
  const [first] = SAMPLE.cases;
  const run = first!.measured[0]!;
  const factors = fc.array(fc.double({ min: 0.1, max: 10, noNaN: true }), { minLength: 1, maxLength: 7 });
  fc.assert(
    fc.property(factors, (all) => {
      const forward = { ...first!, measured: all.map((factor) => measuredRun(run, factor)) };
      const backward = { ...forward, measured: forward.measured.toReversed() };
      assert.deepEqual(compareCase(forward, 'packet'), compareCase(backward, 'packet'));
      assert.equal(medianOf(all), medianOf(all.toReversed()));
    }),
  );
});
