import assert from 'node:assert/strict';
import { test } from 'node:test';
import stringWidth from 'string-width';
import type { RunReport } from '../../../../src/report/chart/run-report.js';
import { renderRun } from '../../../../src/report/run/render-run.js';
import type { RunResult } from '../../../../src/result/run-result.js';
import { sampleClearRun, sampleEndlessRun, sampleRun } from '../sample-run.js';

function reportOf(run: RunResult, more: Partial<RunReport> = {}): RunReport {
  return { run, clear: sampleClearRun(), base: run, variants: [], overMtu: null, overRate: null, ...more };
}

function render(report: RunReport, width = 80): string {
  return renderRun(report, { width, color: false });
}

/** As one line, so that line breaks do not matter. */
function flat(text: string): string {
  return text.replace(/\s+/g, ' ');
}

test('the verdict comes first: time, downtime, and the same in the clear', () => {
  const [first] = render(reportOf(sampleRun())).split('\n');
  assert.equal(first, 'Migrates in 11.2 s with 210 ms downtime; in the clear 8.11 s with 160 ms.');
});

test('without IPsec there is nothing to compare with', () => {
  const text = render(reportOf(sampleClearRun(), { clear: null }));
  assert.match(text, /^Migrates in 8\.11 s with 160 ms downtime\.\n/);
  assert.doesNotMatch(text, /in the clear|difference/);
});

test('what does not converge says why, and what would help', () => {
  const report = reportOf(sampleEndlessRun(), {
    variants: [
      { change: 'MTU 9000', run: sampleRun() },
      { change: 'auto-converge', run: sampleEndlessRun() },
    ],
  });
  const text = flat(render(report));
  assert.match(
    text,
    /^Does not converge in 1 min 0 s: the guest writes up to 942 MB\/s, the channel carries 57\.0 MB\/s\./,
  );
  assert.match(text, /In the clear it migrates in 8\.11 s with 160 ms downtime\./);
  assert.match(text, /What would: MTU 9000 \(11\.2 s\)\./);
  assert.match(text, /auto-converge does not converge/);
});

test('what does not converge has no total time to compare', () => {
  const text = render(reportOf(sampleEndlessRun()));
  assert.match(text, /^ {2}total time +> 1 min 0 s +8\.11 s$/m);
  assert.doesNotMatch(text, /difference/);
});

test('a guest that writes slower than the channel carries is said not to fit into the downtime', () => {
  const run = sampleEndlessRun();
  const { guest, migration } = run.scenario;
  const workload = { kind: 'uniform', pagesPerSecond: 5000, workingSetBytes: 2 ** 30 } as const;
  const scenario = {
    ...run.scenario,
    guest: { ...guest, workload },
    migration: { ...migration, downtimeLimitMs: 50 },
  };
  const text = flat(render(reportOf({ ...run, scenario })));
  assert.match(text, /never below the 2\.85 MB that fit into 50 ms of downtime/);
});

test('if nothing that was tried helps, that is said', () => {
  const variants = [{ change: 'MTU 9000', run: sampleEndlessRun() }];
  assert.match(
    flat(render(reportOf(sampleEndlessRun(), { variants }))),
    /Nothing that was tried makes it converge/,
  );
});

test('of many iterations the first and the last are shown', () => {
  const lines = render(reportOf(sampleEndlessRun(52))).split('\n');
  const from = lines.findIndex((line) => line.includes('iteration '));
  const table = lines.slice(from + 1, lines.indexOf('', from));
  assert.deepEqual(
    table.map((line) => line.trim().split(/ {2,}/)[0]),
    ['1', '2', '3', '4', '5', '6', '… 43 more', '50', '51', '52'],
  );
});

test('the last iteration of what converges is the one with the guest stopped', () => {
  assert.match(render(reportOf(sampleRun())), /^ {2}4 stopped +11\.0 s +210 ms/m);
  assert.doesNotMatch(render(reportOf(sampleEndlessRun())), /stopped/);
});

test('intervals of samples are told, and how many converge', () => {
  const interval = { low: 11_000, median: 11_200, high: 12_000 };
  const intervals = {
    samples: 100,
    converged: 0.97,
    totalTimeMs: interval,
    downtimeMs: null,
    wirePackets: interval,
  };
  const text = flat(render(reportOf(sampleRun({ intervals }))));
  assert.match(text, /Only 97 of 100 samples converge\. Nine in ten of 100 samples: 11\.0 s to 12\.0 s\./);
});

test('samples that are all alike are said to be, instead of an interval without width', () => {
  const same = (value: number) => ({ low: value, median: value, high: value });
  const intervals = {
    samples: 20,
    converged: 1,
    totalTimeMs: same(4000),
    downtimeMs: same(30),
    wirePackets: same(1000),
  };
  const text = flat(render(reportOf(sampleRun({ intervals }))));
  assert.match(text, /All 20 samples are alike: by formulas nothing is random/);
  assert.doesNotMatch(text, /Nine in ten/);
});

test('no line is wider than the terminal', () => {
  const variants = [
    { change: 'all of these together: MTU 9000, aes128gcm16, 8 multifd channels', run: sampleRun() },
  ];
  for (const run of [sampleRun(), sampleEndlessRun()]) {
    for (let width = 40; width <= 120; width += 5) {
      for (const line of render(reportOf(run, { variants }), width).split('\n')) {
        assert.ok(stringWidth(line) <= width, `${stringWidth(line)} columns of ${width}: ${line}`);
      }
    }
  }
});

test('names from a scenario file cannot act on the terminal', () => {
  const run = sampleRun();
  const text = render(reportOf({ ...run, scenario: { ...run.scenario, name: 'a\u001b[2J\u202e' } }));
  assert.match(text, /a\\x1b\[2J\\u202e: aes128gcm16/);
});
