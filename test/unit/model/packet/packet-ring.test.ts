import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AckRing, PacketRing } from '../../../../src/model/packet/packet-ring.js';
import fc from '../../../fast-check.js';

/** So many pushes and drops in turn that the ring grows while its head is anywhere. */
const steps = fc.array(fc.tuple(fc.nat(700), fc.nat(700)), { maxLength: 12 });

test('segments come out as they went in, however the ring grows', () => {
  fc.assert(
    fc.property(steps, (turns) => {
      const ring = new PacketRing();
      let pushed = 0;
      let dropped = 0;
      for (const [pushes, drops] of turns) {
        for (let count = 0; count < pushes; count++, pushed++)
          ring.push(pushed, pushed % 7, pushed * 2, pushed % 5);
        for (let count = 0; count < drops && ring.size > 0; count++, dropped++) {
          assert.deepEqual(
            [ring.timeNs, ring.connection, ring.segment, ring.payloadBytes],
            [dropped, dropped % 7, dropped * 2, dropped % 5],
          );
          ring.drop();
        }
        assert.equal(ring.size, pushed - dropped);
      }
    }),
  );
});

test('acknowledgements come out as they went in, however the ring grows', () => {
  fc.assert(
    fc.property(steps, (turns) => {
      const ring = new AckRing();
      let pushed = 0;
      let dropped = 0;
      for (const [pushes, drops] of turns) {
        for (let count = 0; count < pushes; count++, pushed++)
          ring.push(pushed, pushed % 7, pushed * 2, -1, pushed * 3);
        for (let count = 0; count < drops && ring.size > 0; count++, dropped++) {
          assert.deepEqual(
            [ring.timeNs, ring.connection, ring.nextSegment, ring.sacked, ring.windowEnd],
            [dropped, dropped % 7, dropped * 2, -1, dropped * 3],
          );
          ring.drop();
        }
      }
    }),
  );
});

test('an empty ring has no next time', () => {
  assert.equal(new PacketRing().timeNs, Number.POSITIVE_INFINITY);
  assert.equal(new AckRing().timeNs, Number.POSITIVE_INFINITY);
});
