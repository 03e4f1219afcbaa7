import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ReassemblyBudget } from '../../../src/migration/reassembly-budget.js';
import { MAX_WAITING_BYTES, TcpStream } from '../../../src/migration/tcp-stream.js';

/** Writes down what a stream hands on: text, and gaps as [bytes]. */
function record(budget = new ReassemblyBudget(1 << 24)) {
  const heard: string[] = [];
  const times: number[] = [];
  const stream = new TcpStream(
    {
      data: (data, offset, length, timeNs) => {
        heard.push(Buffer.from(data.subarray(offset, offset + length)).toString('latin1'));
        times.push(timeNs);
      },
      gap: (bytes, timeNs) => {
        heard.push(`[${bytes}]`);
        times.push(timeNs);
      },
    },
    budget,
  );
  const add = (sequence: number, payload: string, timeNs = 0, captured = payload.length) =>
    stream.add(sequence, Buffer.from(payload, 'latin1'), 0, payload.length, captured, timeNs);
  return { heard, times, stream, add };
}

test('segments in order are handed on where they lie', () => {
  const data = Buffer.from('..abc..');
  const seen: Uint8Array[] = [];
  const stream = new TcpStream(
    { data: (bytes) => seen.push(bytes), gap: () => assert.fail() },
    new ReassemblyBudget(0),
  );
  stream.add(7, data, 2, 3, 3, 0);
  assert.equal(seen[0], data);
});

test('segments out of order wait for the hole to be filled', () => {
  const { heard, stream, add } = record();
  stream.start(100);
  add(103, 'def');
  add(106, 'ghi');
  assert.deepEqual(heard, []);
  add(100, 'abc');
  assert.equal(heard.join(''), 'abcdefghi');
  assert.equal(stream.position, 9);
});

test('of bytes that come twice the first copy counts', () => {
  const { heard, stream, add } = record();
  stream.start(0);
  add(4, 'EFGH');
  add(2, 'cdefghij');
  add(0, 'ab');
  add(0, 'XYZXYZ');
  assert.equal(heard.join(''), 'abcdEFGHij');
});

test('sequence numbers wrap at 2^32', () => {
  const { heard, stream, add } = record();
  stream.start(0xffff_fffe);
  add(1, 'def');
  add(-2, 'abc');
  add(4, 'ghi');
  assert.equal(heard.join(''), 'abcdefghi');
});

test('a stream may be longer than 4 GiB', () => {
  const stream = new TcpStream({ data: () => {}, gap: () => assert.fail() }, new ReassemblyBudget(0));
  const data = new Uint8Array(1 << 20);
  for (let i = 0; i < 5000; i++) stream.add(i * data.length, data, 0, data.length, data.length, 0);
  assert.equal(stream.position, 5000 * 2 ** 20);
});

test('bytes cut off by the snapshot length are a gap of known length', () => {
  const { heard, stream, add } = record();
  stream.start(0);
  add(0, 'abcdef', 0, 2);
  add(9, 'jkl', 0, 1);
  add(6, 'ghi');
  assert.deepEqual(heard, ['ab', '[4]', 'ghi', 'j', '[2]']);
});

test('a hole that is never filled is a gap when the capture ends', () => {
  const { heard, stream, add } = record();
  stream.start(0);
  add(0, 'abc');
  add(5, 'fgh');
  add(10, 'k');
  stream.finish();
  assert.deepEqual(heard, ['abc', '[2]', 'fgh', '[2]', 'k']);
});

test('a hole becomes a gap when more would wait than a receiver can have waiting', () => {
  const { heard, stream } = record();
  stream.start(0);
  const data = new Uint8Array(1 << 16);
  for (let at = 1; at < MAX_WAITING_BYTES + 2; at += data.length) {
    stream.add(at, data, 0, data.length, data.length, 0);
  }
  assert.equal(heard[0], '[1]');
  assert.equal(stream.position % data.length, 1);
});

test('without memory to wait in, a hole is a gap at once', () => {
  const { heard, stream, add } = record(new ReassemblyBudget(0));
  stream.start(0);
  add(3, 'def');
  add(0, 'abc');
  assert.deepEqual(heard, ['[3]', 'def']);
});

test('memory is given back when nothing waits any more', () => {
  const budget = new ReassemblyBudget(1 << 16);
  const first = record(budget);
  const second = record(budget);
  first.stream.start(0);
  second.stream.start(0);
  first.add(1, 'b');
  first.add(0, 'a');
  second.add(1, 'b');
  second.add(0, 'a');
  assert.deepEqual([first.heard.join(''), second.heard.join('')], ['ab', 'ab']);
});

test('one segment far ahead is not believed, two that continue each other are', () => {
  const { heard, stream, add } = record();
  stream.start(0);
  add(0, 'abc');
  add(900_000_000, 'bogus');
  add(3, 'def');
  assert.equal(heard.join(''), 'abcdef');
  add(100_000_000, 'x');
  add(100_000_001, 'yz');
  assert.deepEqual(heard.slice(2), [`[${100_000_001 - 6}]`, 'yz']);
});

test('times never decrease', () => {
  const { times, stream, add } = record();
  stream.start(0);
  add(3, 'def', 10);
  add(6, 'ghi', 30);
  add(0, 'abc', 20);
  add(9, 'j', 25);
  assert.deepEqual(times, [20, 20, 30, 30]);
});

test('times before the first frame of the capture are kept: files are not always in order', () => {
  const { times, stream, add } = record();
  stream.start(0);
  add(0, 'abc', -5e9);
  add(3, 'def', -4e9);
  add(8, 'jkl', -3e9);
  stream.finish();
  assert.deepEqual(times, [-5e9, -4e9, -3e9, -3e9]);
});
