import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { parseAhSuite, parseEspSuite } from '../../../../src/ipsec/suite.js';
import {
  CalibrationError,
  calibrationSchema,
  parseCalibration,
} from '../../../../src/model/calibration/calibration.js';
import { calibrationNames, loadCalibration } from '../../../../src/model/calibration/load-calibration.js';
import { SHIPPED_CALIBRATIONS } from '../../../../src/model/calibration/shipped/shipped-calibrations.js';
import { costsOfThroughput } from '../../../../src/model/calibration/throughput-costs.js';
import { calibrationWith } from '../drive-thread.js';

function inFile(text: string, use: (path: string) => void): void {
  const folder = mkdtempSync(join(tmpdir(), 'tare-calibration-'));
  try {
    const path = join(folder, 'mine.json');
    writeFileSync(path, text);
    use(path);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

for (const calibration of SHIPPED_CALIBRATIONS) {
  test(`${calibration.name}: is a valid calibration that says where it is from, with suites that exist, each once`, () => {
    assert.deepEqual(calibrationSchema.parse(calibration), calibration);
    for (const [field, text] of Object.entries(calibration.origin)) assert.notEqual(text, '', field);
    const esp = calibration.esp.map(({ suite }) => parseEspSuite(suite).name);
    const ah = calibration.ah.map(({ suite }) => parseAhSuite(suite).name);
    assert.equal(new Set(esp).size, esp.length);
    assert.equal(new Set(ah).size, ah.length);
    assert.deepEqual(
      esp,
      calibration.esp.map(({ suite }) => suite),
    );
  });

  test(`${calibration.name}: what is measured costs something`, () => {
    for (const { suite, send, receive } of [...calibration.esp, ...calibration.ah]) {
      for (const { packetNs, byteNs } of [send, receive]) assert.ok(packetNs > 0 && byteNs > 0, suite);
    }
  });
}

test('a calibration is found by its name, or read from a file', () => {
  for (const name of calibrationNames()) assert.equal(loadCalibration(name).name, name);
  inFile(JSON.stringify(calibrationWith()), (path) => {
    assert.deepEqual(loadCalibration(path), calibrationWith());
  });
});

test('a name that is not shipped lists those that are', () => {
  assert.throws(
    () => loadCalibration('nonsense'),
    (error: unknown) =>
      error instanceof CalibrationError &&
      calibrationNames().every((name) => error.message.includes(name)) &&
      error.message.includes('"nonsense"'),
  );
});

test('a file that is missing or no JSON is named', () => {
  assert.throws(
    () => loadCalibration('/nowhere/at/all.json'),
    /\/nowhere\/at\/all\.json: no calibration can be read/,
  );
  inFile('{', (path) => assert.throws(() => loadCalibration(path), CalibrationError));
});

test('nothing of a file that is no calibration gets into the message', () => {
  inFile('0xdeadbeef', (path) =>
    assert.throws(
      () => loadCalibration(path),
      (error) =>
        error instanceof CalibrationError &&
        error.message === `${path}: no calibration can be read: it is not JSON`,
    ),
  );
});

test('a field that is wrong is named with its file', () => {
  const broken = structuredClone(calibrationWith()) as { qemu: { source: { pageNs: unknown } } };
  broken.qemu.source.pageNs = -1;
  assert.throws(() => parseCalibration(broken, 'mine.json'), /mine\.json: qemu\.source\.pageNs: /);
  assert.throws(
    () => parseCalibration({ ...calibrationWith(), surplus: 1 }, 'mine.json'),
    /mine\.json: .*surplus/,
  );
  assert.throws(() => parseCalibration(7, 'mine.json'), /mine\.json: the file: /);
});

test('costs from throughput give that throughput back', () => {
  const measured = {
    esp: 'aes128gcm16',
    ah: null,
    points: [
      { mtu: 1500, mbps: 38 },
      { mtu: 9000, mbps: 61 },
    ],
  };
  const { packetNs, byteNs } = costsOfThroughput(measured);
  for (const [mss, mbps] of [
    [1414, 38],
    [8914, 61],
  ] as const) {
    const segmentNs = 2 * (1 + 1 / 6) * packetNs + 2 * byteNs * mss;
    assert.ok(Math.abs((mss * 8000) / segmentNs - mbps) < 1e-9);
  }
  assert.throws(() => costsOfThroughput({ ...measured, points: measured.points.slice(1) }), RangeError);
});
