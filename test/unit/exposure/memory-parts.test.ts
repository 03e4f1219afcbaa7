import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { test } from 'node:test';
import { deflateSync } from 'node:zlib';
import { applyXbzrle } from '../../../src/exposure/apply-xbzrle.js';
import { GuestMemory, PageState } from '../../../src/exposure/guest-memory.js';
import { CHUNK_BYTES, PageStore, PageStoreError } from '../../../src/exposure/page-store.js';
import fc from '../../fast-check.js';
import { withFolder } from '../cli/run-tare.js';

const PAGE = 4096;

function page(byte: number): Buffer {
  return Buffer.alloc(PAGE, byte);
}

function contentOf(memory: GuestMemory, block: string, number: number): Buffer | null {
  let found: Buffer | null = null;
  memory.forEachChunk(block, (first, bytes) => {
    const at = (number - first) * PAGE;
    if (at >= 0 && at < bytes.length) found = Buffer.from(bytes.subarray(at, at + PAGE));
  });
  return found;
}

test('a store gives back what was put into it, however few chunks it keeps in memory', () => {
  withFolder((folder) => {
    const write = fc.record({
      chunk: fc.nat(6),
      at: fc.nat(CHUNK_BYTES - 1),
      byte: fc.integer({ min: 0, max: 255 }),
    });
    fc.assert(
      fc.property(fc.array(write, { maxLength: 40 }), fc.integer({ min: 1, max: 3 }), (writes, limit) => {
        const store = new PageStore(folder, limit);
        const expected = Array.from({ length: 7 }, () => {
          store.add();
          return Buffer.alloc(CHUNK_BYTES);
        });
        for (const { chunk, at, byte } of writes) {
          store.change(chunk, at, 1)[at] = byte;
          expected[chunk]![at] = byte;
          assert.deepEqual(readdirSync(folder), [], 'a temporary file has a name');
        }
        expected.forEach((bytes, chunk) => {
          assert.equal(Buffer.compare(bytes, store.read(chunk)), 0);
        });
        store.close();
      }),
      { numRuns: 30 },
    );
  });
});

test('a store without room says where, and what to do', () => {
  const store = new PageStore('/nonexistent/folder', 1);
  store.add();
  store.change(0, 0, 1)[0] = 1;
  assert.throws(
    () => store.add(),
    (error) => error instanceof PageStoreError && /nonexistent.*TMPDIR/.test(error.message),
  );
});

test('what was sent with a later epoch stays, in whatever order it arrives', () => {
  const memory = new GuestMemory(new PageStore());
  memory.content('ram', 0, page(2), 0, PAGE, 0, 0, 5);
  memory.content('ram', 0, page(1), 0, PAGE, 0, 0, 4);
  memory.fill('ram', 0, 0, 0, 3);
  assert.equal(contentOf(memory, 'ram', 0)![0], 2);
  memory.content('ram', 0, page(3), 0, PAGE, 0, 0, 6);
  assert.equal(contentOf(memory, 'ram', 0)![0], 3);
  assert.equal(memory.stateOf('ram', 0), PageState.whole);
});

test('epochs wrap', () => {
  const memory = new GuestMemory(new PageStore());
  memory.content('ram', 0, page(1), 0, PAGE, 0, 0, 0xffff);
  memory.content('ram', 0, page(2), 0, PAGE, 0, 0, 0);
  assert.equal(contentOf(memory, 'ram', 0)![0], 2);
});

test('a page in pieces is partial until all of it is there, and zero when it is filled', () => {
  const memory = new GuestMemory(new PageStore());
  memory.content('ram', PAGE, page(9), 0, 1000, 0, 0);
  assert.equal(memory.stateOf('ram', 1), PageState.partial);
  assert.equal(memory.knownBytes('ram', 1), 1000);
  memory.content('ram', PAGE, page(9), 0, 3096, 1000, 0);
  assert.equal(memory.stateOf('ram', 1), PageState.whole);
  memory.fill('ram', PAGE, 0, 0);
  assert.equal(memory.stateOf('ram', 1), PageState.zero);
  assert.equal(Buffer.compare(contentOf(memory, 'ram', 1)!, page(0)), 0);
  assert.equal(memory.pageCount('ram'), 2);
});

test('zero pages take no chunk', () => {
  const store = new PageStore();
  const memory = new GuestMemory(store);
  for (let i = 0; i < 1000; i++) memory.fill('ram', i * PAGE, 0, 0);
  assert.equal(store.count, 0);
  assert.equal(memory.knownBytes('ram', 999), PAGE);
});

test('deflated pages are inflated, what is no page is not read', () => {
  const memory = new GuestMemory(new PageStore());
  const content = Buffer.from(Array.from({ length: PAGE }, (_, i) => i % 251));
  const coded = deflateSync(content);
  const half = coded.length >> 1;
  memory.encoded('ram', 0, 'deflated', coded, 0, half, 0, coded.length);
  memory.encoded('ram', 0, 'deflated', coded, half, coded.length - half, half, coded.length);
  assert.equal(Buffer.compare(contentOf(memory, 'ram', 0)!, content), 0);
  for (const wrong of [
    deflateSync(content.subarray(1)),
    deflateSync(Buffer.alloc(5000)),
    coded.subarray(0, half),
  ]) {
    memory.encoded('ram', PAGE, 'deflated', wrong, 0, wrong.length, 0, wrong.length);
    assert.equal(memory.stateOf('ram', 1), PageState.unread);
  }
});

test('differences change the page they were made of, and without it mean nothing', () => {
  const memory = new GuestMemory(new PageStore());
  const coded = Buffer.from([0x03, 0x02, 0xaa, 0xbb, 0x85, 0x01, 0x01, 0xcc]);
  memory.encoded('ram', 0, 'xbzrle', coded, 0, coded.length, 0, coded.length);
  assert.equal(memory.stateOf('ram', 0), PageState.unread);
  memory.content('ram', 0, page(1), 0, PAGE, 0, 0);
  memory.encoded('ram', 0, 'xbzrle', coded, 0, coded.length, 0, coded.length);
  const expected = page(1);
  expected.set([0xaa, 0xbb], 3);
  expected[5 + 0x85] = 0xcc;
  assert.equal(Buffer.compare(contentOf(memory, 'ram', 0)!, expected), 0);
});

/** As QEMU's xbzrle_encode_buffer does it, written from its documentation. */
function encodeXbzrle(before: Uint8Array, after: Uint8Array): Buffer {
  const coded: number[] = [];
  const length = (value: number) => (value < 0x80 ? [value] : [(value & 0x7f) | 0x80, value >> 7]);
  for (let at = 0; at < after.length; ) {
    let same = at;
    while (same < after.length && after[same] === before[same]) same += 1;
    if (same === after.length) break;
    let changed = same;
    while (changed < after.length && after[changed] !== before[changed]) changed += 1;
    coded.push(...length(same - at), ...length(changed - same), ...after.subarray(same, changed));
    at = changed;
  }
  return Buffer.from(coded);
}

test('whatever changed, differences lead from the page before to the page after', () => {
  const change = fc.record({ at: fc.nat(PAGE - 1), bytes: fc.uint8Array({ minLength: 1, maxLength: 300 }) });
  fc.assert(
    fc.property(fc.array(change, { maxLength: 12 }), (changes) => {
      const before = Buffer.from(Array.from({ length: PAGE }, (_, i) => (i * 7) & 0xff));
      const after = Buffer.from(before);
      for (const { at, bytes } of changes) after.set(bytes.subarray(0, PAGE - at), at);
      const rebuilt = Buffer.from(before);
      assert.equal(applyXbzrle(rebuilt, 0, PAGE, encodeXbzrle(before, after)), true);
      assert.equal(Buffer.compare(rebuilt, after), 0);
    }),
  );
});

test('differences that are none are refused, and never reach beyond the page', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 400 }), (coded) => {
      const memory = Buffer.alloc(3 * PAGE, 0x11);
      applyXbzrle(memory, PAGE, PAGE, coded);
      assert.ok(memory.subarray(0, PAGE).every((byte) => byte === 0x11));
      assert.ok(memory.subarray(2 * PAGE).every((byte) => byte === 0x11));
    }),
  );
  assert.equal(applyXbzrle(page(0), 0, PAGE, Buffer.from([0xff, 0x1f, 0x05, 1, 2, 3, 4, 5])), false);
  assert.equal(applyXbzrle(page(0), 0, PAGE, Buffer.from([0x01, 0x09, 1])), false);
});
