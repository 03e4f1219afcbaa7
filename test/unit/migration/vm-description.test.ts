import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseDescription } from '../../../src/migration/vm-description.js';

function parse(value: unknown) {
  return parseDescription(Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)));
}

test('a size is that of all fields, and of subsections with their headers', () => {
  const device = {
    name: 'timer',
    instance_id: 2,
    fields: [{ size: 8 }, { size: 4, array_len: 3 }],
    subsections: [{ vmsd_name: 'timer/icount', fields: [{ size: 1 }], subsections: [] }],
  };
  // 0x05, length of the name, name, version: 6 bytes and the name.
  const bytes = 8 + 12 + 6 + 'timer/icount'.length + 1;
  assert.deepEqual(parse({ page_size: 4096, devices: [device] }), [{ name: 'timer', instance: 2, bytes }]);
});

test('what is no description is null', () => {
  for (const text of ['', '{', '[]', '{"devices": 3}', 'null']) assert.equal(parse(text), null);
});

test('odd values count nothing', () => {
  const devices = '[null, 7, {"fields": "x"}, {"fields": [null, {"size": "many"}, {"size": 1e999}]}]';
  assert.deepEqual(
    parse(`{"devices": ${devices}}`)!.map(({ bytes }) => bytes),
    [0, 0, 0, 0],
  );
});

test('depth is bounded', () => {
  const depth = 5000;
  const text = `{"devices":[${'{"subsections":['.repeat(depth)}${']}'.repeat(depth)}]}`;
  assert.doesNotThrow(() => parse(text));
});
