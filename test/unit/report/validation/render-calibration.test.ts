import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type CalibrationSummary,
  renderCalibration,
} from '../../../../src/report/validation/render-calibration.js';

const PAGE = { pageNs: 54_321, zeroPageNs: 987 };
const SUMMARY: CalibrationSummary = {
  description: 'Measured between two hosts.',
  origin: { kernel: '6.1.0', qemu: '7.2.0', method: 'Least squares.' },
  packets: [
    {
      what: 'TCP in the clear',
      send: { packetNs: 1000, byteNs: 0.5 },
      receive: { packetNs: 1500, byteNs: 0.25 },
    },
    {
      what: 'ESP aes128gcm16, besides',
      send: { packetNs: 2400, byteNs: 1 },
      receive: { packetNs: 123_456, byteNs: 1 },
    },
  ],
  pages: { source: PAGE, destination: PAGE },
};

test('times are told in microseconds, for a packet, a kilobyte, and a full segment', () => {
  const text = renderCalibration(SUMMARY, { width: 80, color: false });
  assert.match(text, /TCP in the clear +1\.00 +0\.50 +1\.50 +0\.25 +1\.72$/m);
  assert.match(text, /ESP aes128gcm16, besides +2\.40 +1\.00 +123 +1\.00 +3\.85$/m);
  assert.match(text, /QEMU, source +54\.3 +0\.99$/m);
});

test('80 columns are enough, and 40 are made do with', () => {
  for (const width of [40, 80]) {
    const lines = renderCalibration(SUMMARY, { width, color: false }).split('\n');
    assert.ok(
      lines.every((line) => line.length <= width),
      lines.join('\n'),
    );
  }
});
