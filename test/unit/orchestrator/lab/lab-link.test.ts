import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DEFAULT_LINK, qdiscBatch } from '../../../../src/orchestrator/lab/lab-link.js';

test('half the round trip is spent at either end, loss and only loss at the source alone', () => {
  const link = { ...DEFAULT_LINK, rttUs: 10_000, loss: 0.001 };
  assert.equal(
    qdiscBatch(link, 'source'),
    'qdisc replace dev mig0 root netem limit 1407 delay 5000us loss 0.1% rate 1000000000bit 24\n',
  );
  assert.equal(
    qdiscBatch(link, 'destination'),
    'qdisc replace dev mig0 root netem limit 1407 delay 5000us rate 1000000000bit 24\n',
  );
});

test('the queue holds what waits and, besides, what is on its way', () => {
  // 1 Gbit/s for 5 ms are 625000 bytes: 407 frames of 1538 bytes, preamble and gap included.
  const limit = (rttUs: number) => /limit (\d+)/.exec(qdiscBatch({ ...DEFAULT_LINK, rttUs }, 'source'))?.[1];
  assert.deepEqual([limit(0), limit(10_000)], ['1000', '1407']);
});
