import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ProgressLine } from '../../../src/cli/progress-line.js';

class FakeScreen {
  readonly isTTY: boolean;
  readonly columns: number;
  written = '';

  constructor(isTTY: boolean, columns = 80) {
    this.isTTY = isTTY;
    this.columns = columns;
  }

  write(text: string): void {
    this.written += text;
  }
}

const HALF = { bytesDone: 50_000_000, bytesTotal: 100_000_000, frames: 100_000 };

test('nothing is shown in the first second', () => {
  const screen = new FakeScreen(true);
  let now = 0;
  const line = new ProgressLine(screen, true, () => now);
  now = 999;
  line.update(HALF);
  line.clear();
  assert.equal(screen.written, '');
});

test('then share, speed and time left are', () => {
  const screen = new FakeScreen(true);
  let now = 0;
  const line = new ProgressLine(screen, true, () => now);
  now = 2000;
  line.update(HALF);
  assert.equal(screen.written, '\r\u001b[K50.0 %, 25.0 MB/s, 50,000 packets/s, 2 s left');
  line.clear();
  assert.ok(screen.written.endsWith('\r\u001b[K'));
});

test('captures that are read once more for a migration say so in place of packets', () => {
  const screen = new FakeScreen(true);
  let now = 0;
  const line = new ProgressLine(screen, true, () => now);
  now = 2000;
  line.update({ ...HALF, stage: 'migrations' });
  assert.equal(screen.written, '\r\u001b[K50.0 %, 25.0 MB/s, following the migration, 2 s left');
});

test('of a pipe the amount is shown, since its end is not known', () => {
  const screen = new FakeScreen(true);
  let now = 0;
  const line = new ProgressLine(screen, true, () => now);
  now = 2000;
  line.update({ ...HALF, bytesTotal: null });
  assert.equal(screen.written, '\r\u001b[K50.0 MB, 25.0 MB/s, 50,000 packets/s');
});

test('pieces are counted; those done before do not count for the speed', () => {
  const screen = new FakeScreen(true);
  let now = 0;
  const line = new ProgressLine(screen, true, () => now);
  now = 2000;
  line.update({ done: 3000, total: 5000, before: 2000, pieces: 'points' });
  assert.equal(screen.written, '\r\u001b[K3,000 of 5,000 points, 500 points/s, 4 s left');
  now = 4000;
  line.update({ done: 2000, total: 5000, before: 2000, pieces: 'points' });
  assert.ok(screen.written.endsWith('\r\u001b[K2,000 of 5,000 points'));
});

test('the line is rewritten five times a second at most and never wider than the terminal', () => {
  const screen = new FakeScreen(true, 20);
  let now = 0;
  const line = new ProgressLine(screen, true, () => now);
  for (now = 1000; now < 2000; now += 10) line.update(HALF);
  const shown = screen.written.split('\r\u001b[K').slice(1);
  assert.equal(shown.length, 5);
  for (const text of shown) assert.ok(text.length < 20, text);
});

test('no terminal, or --no-progress: nothing at all', () => {
  for (const [isTTY, isWanted] of [
    [false, true],
    [true, false],
  ] as const) {
    const screen = new FakeScreen(isTTY);
    let now = 0;
    const line = new ProgressLine(screen, isWanted, () => now);
    now = 5000;
    line.update(HALF);
    line.clear();
    assert.equal(screen.written, '');
  }
});
