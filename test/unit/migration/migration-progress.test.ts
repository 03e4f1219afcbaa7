import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MigrationObserver } from '../../../src/migration/migration-observer.js';
import { cutStream, observeSegments, type Segment } from './segment-rows.js';
import { type BuiltPage, buildStream } from './stream-builder.js';

const BLOCKS = { 'pc.ram': 64 * 4096, 'vga.vram': 16 * 4096 };
const BASE_MS = 1_700_000_000_000;
const STREAM = buildStream(BLOCKS, [[page(0), page(31)], [page(7)]], [page(1)], []);

function page(index: number): BuiltPage {
  return { block: 'pc.ram', offset: index * 4096, kind: 'normal' };
}

/** The migration beginning at some time, a millisecond a segment. */
function migrationAt(startMs: number, sourcePort = 40_000): Segment[] {
  return cutStream(STREAM, sourcePort).map((segment, i) => ({ ...segment, timeMs: startMs + i }));
}

function nsAt(ms: number): bigint {
  return BigInt(BASE_MS + ms) * 1_000_000n;
}

test('how far a migration is can be asked at any time, and changes nothing of what it says at the end', () => {
  const asked = new MigrationObserver();
  const shares: (number | null)[] = [];
  for (const segment of migrationAt(0)) {
    observeSegments(asked, [segment]);
    for (const { id, scannedShare, memoryBytes } of asked.progress()) {
      assert.equal(id, 1);
      assert.equal(memoryBytes === 0 || memoryBytes === 80 * 4096, true);
      shares.push(scannedShare);
    }
    asked.retire(nsAt(0));
  }
  const scanned = new Set(shares.filter((share) => share !== null));
  // Page 31 of 80, then page 7 of the next pass.
  for (const share of [0, 31 / 80, 7 / 80]) assert.ok(scanned.has(share), `${share} was not reported`);
  assert.equal(asked.progress()[0]?.isEnded, true);
  const unasked = new MigrationObserver();
  observeSegments(unasked, migrationAt(0));
  assert.deepEqual(asked.finish(), unasked.finish());
});

test('an ended migration of which nothing comes any more is forgotten but for its record', () => {
  const observer = new MigrationObserver();
  observeSegments(observer, migrationAt(0));
  observer.retire(nsAt(59_000));
  assert.equal(observer.progress().length, 1);
  observer.retire(nsAt(61_000));
  assert.deepEqual(observer.progress(), []);
  const whole = new MigrationObserver();
  observeSegments(whole, migrationAt(0));
  const expected = whole.finish();
  assert.deepEqual(observer.retired, expected);
  assert.deepEqual(observer.finish(), expected);
});

test('one whose end was not seen is waited for, an hour long', () => {
  const observer = new MigrationObserver();
  observeSegments(observer, migrationAt(0).slice(0, -2));
  observer.retire(nsAt(3_500_000));
  assert.equal(observer.progress().length, 1);
  observer.retire(nsAt(3_700_000));
  assert.deepEqual(observer.progress(), []);
  assert.equal(observer.finish()[0]?.complete, false);
});

test('after more migrations than are kept the next one is read as the first one was', () => {
  const observer = new MigrationObserver();
  const count = 600;
  for (let i = 0; i < count; i++) {
    const startMs = i * 120_000;
    // Ports come again, as they do.
    observeSegments(observer, migrationAt(startMs, 40_000 + (i % 7)));
    const [progress, ...others] = observer.progress();
    assert.deepEqual([progress?.id, progress?.isEnded, others], [i + 1, true, []]);
    observer.retire(nsAt(startMs + 119_000));
  }
  const records = observer.finish();
  assert.equal(records.length, 256);
  for (const [i, { complete, startNs, normalPages }] of records.entries()) {
    assert.deepEqual([complete, normalPages], [true, 4]);
    assert.equal(startNs / 1_000_000n, nsAt((count - 256 + i) * 120_000) / 1_000_000n + 1n);
  }
});
