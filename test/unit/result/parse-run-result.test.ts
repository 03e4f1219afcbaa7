import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseRunResult, RunResultError } from '../../../src/result/parse-run-result.js';
import { renderRunLine } from '../../../src/result/run-json.js';
import type { RunResult } from '../../../src/result/run-result.js';
import fc from '../../fast-check.js';
import { ARBITRARY_RUN } from './arbitrary-run.js';

const RUN: RunResult = {
  ...fc.sample(ARBITRARY_RUN, { seed: 1, numRuns: 1 })[0]!,
  iterations: [
    { index: 0, startMs: 0, durationMs: 5, pages: 7, zeroPages: 1, bytes: 28_000, remainingPages: 0 },
  ],
};

function refusal(path: readonly (string | number)[], value: unknown): RunResultError {
  const broken: Record<string, unknown> = JSON.parse(renderRunLine(RUN));
  const parent = path.slice(0, -1).reduce((node, key) => node[key] as Record<string, unknown>, broken);
  parent[path.at(-1)!] = value;
  try {
    parseRunResult(JSON.stringify(broken));
  } catch (error) {
    assert.ok(error instanceof RunResultError);
    return error;
  }
  throw new assert.AssertionError({ message: `accepted: ${path.join('.')}` });
}

test('a run that is not as it should be is refused with the field', () => {
  const wrong: readonly (readonly [field: string, path: (string | number)[], value: unknown])[] = [
    ['schema', ['schema'], 'tare.run/2'],
    ['source', ['source'], 'guessed'],
    ['totalTimeMs', ['totalTimeMs'], null],
    ['downtimeMs', ['downtimeMs'], '5 ms'],
    ['iterations[0].pages', ['iterations', 0, 'pages'], -1],
    ['iterations', ['iterations'], undefined],
    ['wire.bytesByLayer.espIv', ['wire', 'bytesByLayer', 'espIv'], undefined],
    ['timeByLimit.link', ['timeByLimit', 'link'], 1.5],
    ['scenario.network.mtu', ['scenario', 'network', 'mtu'], 'big'],
    ['scenario.guest.workload.kind', ['scenario', 'guest', 'workload'], { kind: 'busy' }],
    ['scenario.seed', ['scenario', 'seed'], 2 ** 32],
  ];
  for (const [field, path, value] of wrong) {
    const { fields, message } = refusal(path, value);
    assert.deepEqual(fields, [field]);
    assert.match(message, new RegExp(`^this is no tare\\.run/1: ${field.replace(/[[\]]/g, '\\$&')}: `));
  }
});

test('fields of later versions are passed over', () => {
  const later = { ...JSON.parse(renderRunLine(RUN)), energyJoules: 5 };
  assert.deepEqual(parseRunResult(JSON.stringify(later)), structuredClone(RUN));
});

test('what is no run at all is told as that', () => {
  assert.throws(() => parseRunResult('{"schema": "tare.run/1"'), {
    name: 'RunResultError',
    message: /no JSON/,
  });
  assert.throws(() => parseRunResult('[]'), { name: 'RunResultError', message: /no tare\.run\/1: run: / });
  assert.throws(() => parseRunResult('{}'), /schema: .*scenario: .*and \d+ more/);
});
