import assert from 'node:assert/strict';
import { test } from 'node:test';
import { renderJson } from '../../../src/report/render-json.js';

test('JSON parses to what was rendered', () => {
  const value = { path: 'a\u009b31m\u202e\u{e0041}"\\\n', list: [1, null, { x: 'データ' }] };
  assert.deepEqual(JSON.parse(renderJson(value)), value);
});

test('JSON holds nothing that a terminal acts on but line feeds', () => {
  const text = renderJson({ path: '\u001b[2J\u009b31m\u202e\u2028\u007f\ud800' });
  assert.doesNotMatch(text, /[^\P{C}\n]|[\u2028\u2029]/u);
});

test('keys keep the order of the value', () => {
  assert.equal(renderJson({ b: 1, a: 2 }), '{\n  "b": 1,\n  "a": 2\n}\n');
});
