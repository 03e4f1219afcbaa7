import assert from 'node:assert/strict';
import { test } from 'node:test';
import { axisFormat, formatTick, formatValue } from '../../../../src/report/chart/axis-format.js';

test('the unit in the title suits the largest value', () => {
  assert.equal(axisFormat({ title: 'Rate', unit: 'bitsPerSecond' }, 84e6).title, 'Rate (Mbit/s)');
  assert.equal(axisFormat({ title: 'Overhead', unit: 'bytes' }, 396e6).title, 'Overhead (MB)');
  assert.equal(axisFormat({ title: 'Time', unit: 'seconds' }, 1.38).title, 'Time (ms)');
  assert.equal(axisFormat({ title: 'Time', unit: 'seconds' }, 10).title, 'Time (s)');
  assert.equal(axisFormat({ title: 'Efficiency', unit: 'share' }, 0.97).title, 'Efficiency (%)');
  assert.equal(axisFormat({ title: 'Packets', unit: 'count' }, 4000).title, 'Packets');
});

test('ticks are written in the unit of the title', () => {
  const format = axisFormat({ title: 'Rate', unit: 'bitsPerSecond' }, 84e6);
  assert.equal(formatTick(20e6, format), '20');
  assert.equal(formatTick(0, format), '0');
  assert.equal(formatTick(500, format), '0.0005');
  assert.equal(formatTick(0.925, axisFormat({ title: '', unit: 'share' }, 0.97)), '92.5');
});

test('an MTU keeps its digits', () => {
  const axis = { title: 'Link MTU', unit: 'bytes', prefix: 'none' } as const;
  assert.equal(axisFormat(axis, 9000).title, 'Link MTU (B)');
  assert.equal(formatTick(1500, axisFormat(axis, 9000)), '1,500');
  assert.equal(formatValue(9000, axis), '9,000 B');
});

test('an axis without any value has its base unit', () => {
  assert.equal(axisFormat({ title: 'Rate', unit: 'bitsPerSecond' }, 0).title, 'Rate (bit/s)');
  assert.equal(axisFormat({ title: 'Time', unit: 'seconds' }, 0).title, 'Time (s)');
});

test('values by themselves carry their unit', () => {
  assert.equal(formatValue(1_230_000, { unit: 'bytes' }), '1.23 MB');
  assert.equal(formatValue(94_100_000, { unit: 'bitsPerSecond' }), '94.1 Mbit/s');
  assert.equal(formatValue(0.0123, { unit: 'seconds' }), '12.3 ms');
  assert.equal(formatValue(0.923, { unit: 'share' }), '92.3 %');
  assert.equal(formatValue(0, { unit: 'share' }), '0 %');
  assert.equal(formatValue(12_345, { unit: 'count' }), '12,345');
});
