import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Pacing } from '../../../../src/model/qemu/pacing.js';

const MS = 1e6;

test('a tenth of max-bandwidth may be put in a window, and then nothing until it is closed', () => {
  const pacing = new Pacing(125_000_000, 300);
  pacing.begin(0);
  pacing.use(12_500_000);
  assert.equal(pacing.exceeded, false);
  assert.equal(pacing.leftBytes, 0);
  pacing.use(1);
  assert.equal(pacing.exceeded, true);
  assert.equal(pacing.windowEndNs, 100 * MS);
  pacing.closeWindow(100 * MS, 12_500_001);
  assert.equal(pacing.exceeded, false);
});

test('max-bandwidth 0 is no limit', () => {
  const pacing = new Pacing(0, 300);
  pacing.use(1e15);
  assert.equal(pacing.exceeded, false);
});

test('the threshold is the bandwidth of the window, in whole milliseconds, times the downtime limit', () => {
  const pacing = new Pacing(0, 300);
  pacing.begin(10.9 * MS);
  assert.equal(pacing.thresholdBytes, 0);
  assert.equal(pacing.windowIsOver(109.9 * MS), false);
  assert.equal(pacing.windowIsOver(110 * MS), true);
  pacing.closeWindow(135.5 * MS, 1_000_000);
  assert.equal(pacing.thresholdBytes, 1_000_000 * (300 / 125));
  pacing.closeWindow(235 * MS, 1_000_000);
  assert.equal(pacing.thresholdBytes, 0);
});
