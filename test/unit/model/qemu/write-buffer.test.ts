import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FILE_BUFFER_BYTES } from '../../../../src/model/qemu/stream-framing.js';
import { WRITE_BYTES, WriteBuffer } from '../../../../src/model/qemu/write-buffer.js';

test('32 pages with their headers fill the list of pieces and go out in one write', () => {
  const buffer = new WriteBuffer();
  for (let page = 0; page < 31; page++) buffer.putPage(8);
  assert.equal(buffer.full, false);
  buffer.putPage(8);
  assert.equal(buffer.full, true);
  assert.equal(buffer.take(), WRITE_BYTES);
  assert.equal(buffer.bytes, 0);
});

test('what is copied between two pages joins the next header and needs no piece of its own', () => {
  const buffer = new WriteBuffer();
  buffer.put(5);
  for (let page = 0; page < 32; page++) {
    assert.equal(buffer.full, false);
    buffer.put(9);
    buffer.putPage(8);
  }
  assert.equal(buffer.full, true);
  assert.equal(buffer.take(), 5 + 32 * (9 + 8 + 4096));
});

test('zero pages go out when 32 KiB of them are there, and what did not fit stays', () => {
  const buffer = new WriteBuffer();
  let pages = 0;
  while (!buffer.full) {
    buffer.put(9);
    pages++;
  }
  assert.equal(pages, Math.ceil(FILE_BUFFER_BYTES / 9));
  assert.equal(buffer.take(), FILE_BUFFER_BYTES);
  assert.equal(buffer.bytes, pages * 9 - FILE_BUFFER_BYTES);
});
