import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fitTransfers } from '../../../../src/model/calibration/fit-transfers.js';

/** A host that needs 20 us and 10 ns a byte to send a packet, 30 us and 5 ns a byte to receive one. */
function transfer(segments: number, payloadBytes: number, acknowledgements: number) {
  const bytes = segments * payloadBytes;
  return {
    segments,
    bytes,
    acknowledgements,
    sourceSeconds: (segments * 20_000 + bytes * 10 + acknowledgements * 30_000) / 1e9,
    destinationSeconds: (segments * 30_000 + bytes * 5 + acknowledgements * 20_000) / 1e9,
  };
}

test('costs in either direction come out of transfers with segments of two sizes, acknowledgements accounted for', () => {
  const { send, receive, worstResidual } = fitTransfers([
    transfer(10_000, 1448, 1700),
    transfer(3000, 8948, 1500),
  ]);
  assert.ok(
    Math.abs(send.packetNs - 20_000) < 0.1 && Math.abs(send.byteNs - 10) < 1e-4,
    JSON.stringify(send),
  );
  assert.ok(Math.abs(receive.packetNs - 30_000) < 0.1 && Math.abs(receive.byteNs - 5) < 1e-4);
  assert.ok(worstResidual < 1e-9);
});

test('what does not fit shows as the worst residual', () => {
  const slow = { ...transfer(5000, 4000, 900), sourceSeconds: 1 };
  const samples = [transfer(10_000, 1448, 1700), slow, transfer(3000, 8948, 1500)];
  assert.ok(fitTransfers(samples).worstResidual > 0.1);
});
