import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import {
  parseSendingEnd,
  parseTakingEnd,
  TRANSFER_SCRIPT,
} from '../../../../src/orchestrator/calibrate/transfer-script.js';
import { freePort } from '../../../free-port.js';
import { requireTool } from '../../../tool.js';

for (const address of ['127.0.0.1', '::1']) {
  test(`both ends of a transfer to ${address} tell what went over the connection`, async (t) => {
    if (!requireTool(t, 'perl')) return;
    const port = await freePort(address);
    const taking = perl('take', address, port);
    await once(taking.stdout, 'data');
    let taken = '';
    taking.stdout.on('data', (chunk: Buffer) => (taken += chunk.toString()));
    const sending = perl('send', address, port);
    let sent = '';
    sending.stdout.on('data', (chunk: Buffer) => (sent += chunk.toString()));
    await Promise.all([once(sending, 'close'), once(taking, 'close')]);
    const { seconds, bytes, segments, received, retransmissions } = parseSendingEnd(sent);
    assert.ok(seconds >= 0.2 && bytes > 0 && bytes % 131_072 === 0, sent);
    // The loopback device carries segments of up to 64 KiB.
    assert.ok(segments >= bytes / 65_536 && received > 0 && retransmissions <= segments, sent);
    assert.ok(parseTakingEnd(taken).busySeconds >= 0);
  });
}

test('anything but the numbers expected is refused', () => {
  assert.throws(() => parseSendingEnd('1.0 2.0\n'), /was told as "1.0 2.0"/);
  assert.throws(() => parseTakingEnd('read: Connection reset by peer\n'), RangeError);
});

function perl(role: string, address: string, port: number) {
  const args = ['-e', TRANSFER_SCRIPT, role, address, String(port), '0.2'];
  return spawn('perl', args, { stdio: ['ignore', 'pipe', 'inherit'] });
}
