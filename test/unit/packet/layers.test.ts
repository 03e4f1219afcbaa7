import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LAYER_STRIDE, Layer, WIRE_LAYERS } from '../../../src/packet/layers.js';

test("a layer's place among the names is its index in the columns", () => {
  assert.deepEqual(
    WIRE_LAYERS.map((name) => Layer[name]),
    WIRE_LAYERS.map((_, i) => i),
  );
});

test('what is still to be found out has no name outside of packets', () => {
  const names = Object.keys(Layer).filter((name) => !(WIRE_LAYERS as readonly string[]).includes(name));
  assert.deepEqual(names, ['espOpaque', 'fragment']);
  assert.ok(Object.keys(Layer).length < LAYER_STRIDE);
});
