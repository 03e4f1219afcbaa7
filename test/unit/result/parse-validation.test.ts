import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseValidation, ValidationError } from '../../../src/result/parse-validation.js';
import { validationJson } from '../../../src/result/validation-json.js';
import { sampleValidation } from '../report/sample-validation.js';

const SAMPLE = sampleValidation();
const TEXT = JSON.stringify(validationJson(SAMPLE));

function changed(change: (value: Record<string, unknown>) => void): string {
  const value = JSON.parse(TEXT) as Record<string, unknown>;
  change(value);
  return JSON.stringify(value);
}

test('JSON loses nothing', () => {
  assert.deepEqual(parseValidation(TEXT), JSON.parse(JSON.stringify(SAMPLE)));
});

test('what follows from the runs is written down, and calculated again from them when it is read', () => {
  const text = changed((value) => {
    (value['summary'] as Record<string, unknown>)['failures'] = 99;
  });
  assert.equal(validationJson(SAMPLE).summary.failures, 0);
  assert.equal(validationJson(parseValidation(text)).summary.failures, 0);
});

test('a file that is none is refused, naming what is wrong', () => {
  const refused = [
    ['', /^this is no JSON/],
    ['[]', /^this is no tare.validation\/1: file: /],
    [changed((value) => (value['schema'] = 'tare.run/1')), /: schema: /],
    [changed((value) => (value['repeat'] = 0)), /: repeat: /],
    [changed((value) => (value['startedAt'] = 'yesterday')), /: startedAt: /],
    [changed((value) => (value['cases'] = Array(1001).fill((value['cases'] as unknown[])[0]))), /: cases: /],
    [
      changed((value) => {
        const [first] = value['cases'] as { measured: { totalTimeMs: number }[] }[];
        first!.measured[1]!.totalTimeMs = -1;
      }),
      /: cases\[0\]\.measured\[1\]\.totalTimeMs: /,
    ],
    [
      changed((value) => {
        const [first] = value['cases'] as { predictions: { packet: { run: unknown } } }[];
        first!.predictions.packet.run = null;
      }),
      /: cases\[0\]\.predictions\.packet: has either a run or an error/,
    ],
  ] as const;
  for (const [text, said] of refused) {
    assert.throws(
      () => parseValidation(text),
      (error) => error instanceof ValidationError && said.test(error.message),
      String(said),
    );
  }
});

test('of a file with a thousand faults some are told', () => {
  const text = changed((value) => (value['cases'] = Array(1000).fill({})));
  assert.throws(() => parseValidation(text), /and \d+ more$/);
});
