import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SocketFluid } from '../../../../src/model/analytic/socket-fluid.js';
import fc from '../../../fast-check.js';

/** No slow start to speak of. */
const AT_ONCE = { windowBytes: 1e9, rttNs: 0 };
const FIXED = { initialBytes: 1000, growth: 0, mostBytes: 1000 };

test('a thread that is slower than the path takes its own time', () => {
  const fluid = new SocketFluid(FIXED, 1, AT_ONCE);
  assert.equal(fluid.write(100, 300), 300);
  assert.equal(fluid.drainNs, 0);
  assert.equal(fluid.threadNs, 300);
});

test('a faster one fills the socket and then goes at the pace of the path', () => {
  const fluid = new SocketFluid(FIXED, 1, AT_ONCE);
  // 2 bytes in and 1 out each nanosecond: full after 1000 ns and 2000 bytes, then a byte a nanosecond.
  assert.ok(Math.abs(fluid.write(3000, 1500) - 2000) < 1e-6);
  assert.ok(Math.abs(fluid.drainNs - 1000) < 1e-6);
  fluid.wait(400);
  assert.ok(Math.abs(fluid.drainNs - 600) < 1e-6);
});

test('a buffer that grows with what is delivered takes more before it holds the thread back', () => {
  const fluid = new SocketFluid({ initialBytes: 1000, growth: 0.5, mostBytes: 2000 }, 1, AT_ONCE);
  // Room shrinks by 0.5 a nanosecond: full at 2000 ns with 4000 bytes written, 2000 delivered, grown to 2000.
  assert.ok(Math.abs(fluid.write(4000, 2000) - 2000) < 1e-3);
  assert.ok(Math.abs(fluid.write(100, 1) - 100) < 1e-3);
});

test('slow start sends a window in the first round trip, two in the second, four in the third, until the path is used up', () => {
  const fluid = new SocketFluid({ initialBytes: 1e6, growth: 0, mostBytes: 1e6 }, 0.1, {
    windowBytes: 100,
    rttNs: 100,
  });
  fluid.write(5000, 1);
  // 100 + 200 + 400 + 800 bytes in four rounds, then 10 bytes a nanosecond: 3500 bytes more.
  assert.ok(Math.abs(1 + fluid.drainNs - (400 + 350)) < 1e-3, `${fluid.drainNs}`);
  fluid.wait(399);
  assert.ok(Math.abs(fluid.drainNs - 350) < 1e-3, `${fluid.drainNs}`);
});

test('bytes come out no faster than the path carries and no earlier than they were written', () => {
  fc.assert(
    fc.property(
      fc.array(
        fc.record({
          bytes: fc.double({ min: 1, max: 5000, noNaN: true }),
          workNs: fc.double({ min: 0.1, max: 5000, noNaN: true }),
          waitNs: fc.double({ min: 0, max: 3000, noNaN: true }),
        }),
        { minLength: 1, maxLength: 20 },
      ),
      fc.double({ min: 0.1, max: 3, noNaN: true }),
      fc.double({ min: 0, max: 2, noNaN: true }),
      (writes, byteNs, growth) => {
        const fluid = new SocketFluid({ initialBytes: 500, growth, mostBytes: 4000 }, byteNs, AT_ONCE);
        let [nowNs, written] = [0, 0];
        for (const { bytes, workNs, waitNs } of writes) {
          const takenNs = fluid.write(bytes, workNs);
          assert.ok(takenNs >= workNs * (1 - 1e-9) - 1e-2);
          written += bytes;
          nowNs += takenNs;
          const held = fluid.drainNs / byteNs;
          // The shortest step is a thousandth of a nanosecond, in which the thread goes on at its rate; sums are rounded.
          const mostHeld = (4000 + 1e-3 + 1e-3 * (bytes / workNs)) * (1 + 1e-12);
          assert.ok(held <= mostHeld && held >= 0, `${held}`);
          assert.ok(written - held <= nowNs / byteNs + 1, 'delivered more than the path carries');
          fluid.wait(waitNs);
          nowNs += waitNs;
        }
      },
    ),
  );
});

test('asking how much is in after a time agrees with writing that much', () => {
  fc.assert(
    fc.property(
      fc.double({ min: 10, max: 20_000, noNaN: true }),
      fc.double({ min: 1, max: 200, noNaN: true }),
      fc.double({ min: 0.1, max: 300, noNaN: true }),
      (ns, bytes, workNs) => {
        const make = (): SocketFluid =>
          new SocketFluid({ initialBytes: 500, growth: 0.3, mostBytes: 2000 }, 1, {
            windowBytes: 50,
            rttNs: 200,
          });
        const fluid = make();
        const pieces = fluid.piecesWithin(ns, bytes, workNs);
        if (pieces < 0.01) return;
        const takenNs = make().write(pieces * bytes, pieces * workNs);
        assert.ok(Math.abs(takenNs - ns) < 0.1 + ns * 1e-6, `${takenNs} of ${ns}`);
        assert.equal(fluid.drainNs, make().drainNs);
      },
    ),
  );
});
