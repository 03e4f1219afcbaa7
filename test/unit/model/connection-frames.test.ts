import assert from 'node:assert/strict';
import { test } from 'node:test';
import { channelOf } from '../../../src/model/channel-of.js';
import { withConnections } from '../../../src/model/connection-frames.js';
import { emptyTotals, sumOfLayers } from '../../../src/plan/layer-totals.js';
import type { WireResult } from '../../../src/result/run-result.js';
import { calibrationWith, scenarioWith } from './drive-thread.js';

const NOTHING: WireResult = {
  packets: 0,
  bytes: 0,
  bytesByLayer: emptyTotals(),
  acknowledgements: 0,
  fragments: 0,
  retransmissions: 0,
};

/** The source's frames without payload as captures have them: SYN, then ACK, FIN and ACK (`tshark -T fields -e frame.len`). */
const CAPTURED = [
  { capture: 'ms-clear-1500.pcap.gz', ipsec: { esp: null, ah: null }, connections: 1, bytes: 74 + 3 * 66 },
  { capture: 'm-clear-multifd.pcap.gz', ipsec: { esp: null, ah: null }, connections: 5, bytes: 5 * 272 },
  {
    capture: 'ms-gcm-1500.pcap',
    ipsec: { esp: 'aes128gcm16', ah: null },
    connections: 1,
    bytes: 110 + 3 * 102,
  },
  {
    capture: 'ms-ahesp-1500.pcap',
    ipsec: { esp: 'aes128-sha256', ah: 'sha256' },
    connections: 1,
    bytes: 154 + 3 * 154,
  },
] as const;

const CALIBRATION = calibrationWith();
const CBC = { ...CALIBRATION, esp: CALIBRATION.esp.map((each) => ({ ...each, suite: 'aes128-sha256' })) };

for (const { capture, ipsec, connections, bytes } of CAPTURED) {
  test(`what opens and closes connections has as many packets and bytes as in ${capture}`, () => {
    const calibration = ipsec.esp === 'aes128-sha256' ? CBC : CALIBRATION;
    const wire = withConnections(NOTHING, channelOf(scenarioWith({ ipsec }), calibration), connections);
    assert.equal(wire.packets, 4 * connections);
    assert.equal(wire.bytes, bytes);
    assert.equal(wire.acknowledgements, 2 * connections);
    assert.equal(sumOfLayers(wire.bytesByLayer), bytes);
    assert.equal(wire.bytesByLayer.transport, (40 + 3 * 32) * connections);
    assert.equal(wire.bytesByLayer.payload, 0);
  });
}
