import assert from 'node:assert/strict';
import { test } from 'node:test';
import stringWidth from 'string-width';
import { pointLabel, type SweepReport } from '../../../../src/report/chart/sweep-report.js';
import { sweepCsvHeader, sweepCsvLine } from '../../../../src/report/run/render-run-csv.js';
import { renderSweep } from '../../../../src/report/run/render-run-sweep.js';
import { sampleSweep } from '../sample-run.js';

function render(report: SweepReport, width = 80): string {
  return renderSweep(report, { width, color: false });
}

test('how many points converge comes first, then the best and the worst', () => {
  const lines = render(sampleSweep()).split('\n');
  assert.equal(lines[0], '60 points: 39 converge, 16 do not, 5 cannot be.');
  assert.match(lines[1]!, /^Soonest: no ESP, mtu 9000, rate 0, 1\.53 s with 100 ms downtime\.$/);
  assert.match(lines[2]!, /^Latest that converges: aes128gcm16, mtu 576, rate 4000, 11\.9 s/);
});

test('a point that cannot be says why', () => {
  assert.match(
    render(sampleSweep()),
    /Cannot be, for instance: aes128-sha256, mtu 576, rate 0: MTU 576 leaves no/,
  );
});

test('what does not converge is no number', () => {
  const line = render(sampleSweep())
    .split('\n')
    .find((each) => /^ {2}none +576 +16000 /.test(each))!;
  assert.match(line, /does not converge +- /);
});

test('ESP and AH together are named as one protection', () => {
  const sweep = sampleSweep();
  const axes = [...sweep.axes.slice(0, 1), { name: 'ah', values: ['none', 'sha256'] }];
  const rows = sweep.rows
    .slice(15, 25)
    .map((row, i) => ({ ...row, settings: { ...row.settings, ah: i % 2 === 0 ? 'none' : 'sha256' } }));
  const labels = rows.map((row) => pointLabel(row, { ...sweep, axes }));
  assert.deepEqual(labels.slice(0, 2), ['no IPsec', 'AH sha256']);
  assert.deepEqual(labels.slice(-2), ['aes128gcm16', 'aes128gcm16 in AH sha256']);
});

test('of many points a screen is shown', () => {
  const text = render(sampleSweep());
  assert.match(text, /… and 20 more \(--out and --csv have all\)/);
});

test('no line is wider than the terminal', () => {
  for (let width = 40; width <= 140; width += 10) {
    for (const line of render(sampleSweep(), width).split('\n')) {
      assert.ok(stringWidth(line) <= width, `${stringWidth(line)} columns of ${width}: ${line}`);
    }
  }
});

test('CSV has as many cells in each line as in its header', () => {
  const { rows } = sampleSweep();
  const columns = sweepCsvHeader(['esp', 'mtu', 'rate']).split(',').length;
  for (const row of rows) assert.equal(sweepCsvLine(row).split(',').length, columns, row.error ?? '');
});

test('text with commas and quotes is quoted as in RFC 4180', () => {
  const [row] = sampleSweep().rows;
  const line = sweepCsvLine({ ...row!, figures: null, error: 'MTU 576: "no", room' });
  assert.match(line, /,"MTU 576: ""no"", room"\n$/);
});
