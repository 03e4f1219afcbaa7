import assert from 'node:assert/strict';
import { test } from 'node:test';
import { GridError, parseGridAxis } from '../../../../src/model/sweep/grid-axis.js';

test('values are taken as they are written', () => {
  assert.deepEqual(parseGridAxis('esp=none, aes128gcm16,aes128-sha256'), {
    name: 'esp',
    values: ['none', 'aes128gcm16', 'aes128-sha256'],
  });
  assert.deepEqual(parseGridAxis('max-bandwidth=1Gbit/s').values, ['1Gbit/s']);
});

test('a range counts from its first number to its last, by one or by its step', () => {
  assert.deepEqual(parseGridAxis('channels=0..3').values, ['0', '1', '2', '3']);
  assert.deepEqual(parseGridAxis('rate=0..10000:4000').values, ['0', '4000', '8000']);
  assert.deepEqual(parseGridAxis('mtu=1500,2000..9000:3500').values, ['1500', '2000', '5500', '9000']);
});

test('steps below one add up exactly', () => {
  assert.deepEqual(parseGridAxis('loss=0..0.3:0.1').values, ['0.0', '0.1', '0.2', '0.3']);
});

test('the unit of a range is the unit of each value', () => {
  assert.deepEqual(parseGridAxis('link=1..10Gbit:4.5').values, ['1.0Gbit', '5.5Gbit', '10.0Gbit']);
  assert.deepEqual(parseGridAxis('rate=0..20pages/s:10').values, ['0pages/s', '10pages/s', '20pages/s']);
});

for (const [text, message] of [
  ['mtu', /"mtu" is no axis: write NAME=VALUES/],
  ['=1500', /is no axis/],
  ['mtu=', /mtu: there is an empty value/],
  ['mtu=1500,,9000', /mtu: there is an empty value/],
  ['mtu=1500,1500', /mtu: "1500" stands there twice/],
  ['mtu=1500,1400..1600:100', /"1500" stands there twice/],
  ['mtu=9000..1500', /runs backwards: write 1500\.\.9000/],
  ['mtu=1500..9000:0', /step of "1500\.\.9000:0" is zero/],
  ['rate=0..20000000', /20000001 values: give a step, e\.g\. 0\.\.20000000:1000000/],
  ['link=1..10Gbit:100Mbit', /step of "1\.\.10Gbit:100Mbit" is counted in Gbit/],
] as const) {
  test(`${text} is refused`, () => {
    assert.throws(
      () => parseGridAxis(text),
      (error) => error instanceof GridError && message.test(error.message),
    );
  });
}
