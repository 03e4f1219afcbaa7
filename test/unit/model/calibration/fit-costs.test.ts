import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fitCosts } from '../../../../src/model/calibration/fit-costs.js';
import fc from '../../../fast-check.js';

const SIZES = [64, 1408, 8960];

test('measurements that lie on a line give the line', () => {
  const cost = fc.double({ min: 0.01, max: 1e5, noNaN: true });
  fc.assert(
    fc.property(cost, cost, (packetNs, byteNs) => {
      const fitted = fitCosts(
        SIZES.map((bytes) => ({ payloadBytes: bytes, packetNs: packetNs + byteNs * bytes })),
      );
      // What is lost in the digits of the largest measurement is not there.
      const scale = packetNs + byteNs * 8960;
      assert.ok(Math.abs(fitted.packetNs - packetNs) < 1e-6 * scale);
      assert.ok(Math.abs(fitted.byteNs - byteNs) * 8960 < 1e-6 * scale);
      assert.ok(fitted.worstResidual < 1e-6);
    }),
  );
});

test('relative errors are made small: a point off by a tenth costs a small packet as much as a large one', () => {
  const fitted = fitCosts([
    { payloadBytes: 64, packetNs: 110 },
    { payloadBytes: 64, packetNs: 90 },
    { payloadBytes: 9000, packetNs: 9100 },
    { payloadBytes: 9000, packetNs: 8900 },
  ]);
  assert.ok(Math.abs(fitted.packetNs + fitted.byteNs * 64 - 99) < 1);
  assert.ok(fitted.worstResidual < 0.12);
});

test('a time that falls with size is a time for each packet alone, and one that would be negative for a packet none', () => {
  const falling = fitCosts([
    { payloadBytes: 64, packetNs: 120 },
    { payloadBytes: 1408, packetNs: 100 },
  ]);
  assert.equal(falling.byteNs, 0);
  assert.ok(falling.packetNs > 100 && falling.packetNs < 120);
  const steep = fitCosts([
    { payloadBytes: 100, packetNs: 10 },
    { payloadBytes: 1000, packetNs: 1000 },
  ]);
  assert.equal(steep.packetNs, 0);
  assert.ok(steep.byteNs > 0);
});

test('one size, or no time, is not enough', () => {
  assert.throws(() => fitCosts([{ payloadBytes: 64, packetNs: 1 }]), RangeError);
  assert.throws(
    () =>
      fitCosts([
        { payloadBytes: 64, packetNs: 1 },
        { payloadBytes: 65, packetNs: 0 },
      ]),
    RangeError,
  );
});
