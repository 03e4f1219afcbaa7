import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FindingWatch, MAX_FINDINGS } from '../../../src/monitor/finding-watch.js';
import { liveFinding } from '../report/sample-live.js';

/** A watch whose looking takes `lookMs`, asked every second for an hour. @returns how often it looked */
function looksInAnHour(lookMs: number): number {
  let nowMs = 0;
  let looks = 0;
  const watch = new FindingWatch(
    () => {
      looks += 1;
      nowMs += lookMs;
      return [];
    },
    () => nowMs,
  );
  for (let second = 0; second < 3600; second++) {
    nowMs = Math.max(nowMs, second * 1000);
    watch.read();
  }
  return looks;
}

test('looking that costs little is done each second', () => {
  assert.equal(looksInAnHour(5), 3600);
});

test('looking that takes long takes no more than a fiftieth of the time', () => {
  for (const lookMs of [100, 1000, 4000]) {
    const looks = looksInAnHour(lookMs);
    assert.ok(looks * lookMs <= 3_600_000 / 50 + lookMs, `${looks} looks of ${lookMs} ms`);
    assert.ok(looks * lookMs >= 3_600_000 / 50 / 2);
  }
});

test('in between what was found last is told, and never more than fits a screen', () => {
  let nowMs = 0;
  const watch = new FindingWatch(
    () => {
      nowMs += 1000;
      return Array.from({ length: 200 }, () => liveFinding());
    },
    () => nowMs,
  );
  const found = watch.read();
  assert.equal(found.length, MAX_FINDINGS);
  assert.equal(watch.read(), found);
});
