import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseDepends } from '../../../../src/orchestrator/lab/debian-archive.js';

test('dependencies are read by name, the first of alternatives', () => {
  const control = [
    'Package: linux-image-generic',
    'Depends: linux-image-6.8.0-60-generic, linux-modules-extra-6.8.0-60-generic (= 6.8.0-60.63), a:any | b, c (>= 2) | d',
    'Suggests: nothing',
  ].join('\n');
  assert.deepEqual(parseDepends(control), [
    'linux-image-6.8.0-60-generic',
    'linux-modules-extra-6.8.0-60-generic',
    'a',
    'c',
  ]);
  assert.deepEqual(parseDepends('Package: lonely\n'), []);
  assert.deepEqual(parseDepends(''), []);
});
