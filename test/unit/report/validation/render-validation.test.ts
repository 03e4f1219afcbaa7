import assert from 'node:assert/strict';
import { test } from 'node:test';
import stringWidth from 'string-width';
import { validationCharts } from '../../../../src/report/chart/validation-charts.js';
import { validationPage } from '../../../../src/report/html/render-validation-html.js';
import { renderValidation } from '../../../../src/report/validation/render-validation.js';
import { validationQuestions } from '../../../../src/report/validation/validation-questions.js';
import type { RunResult } from '../../../../src/result/run-result.js';
import type { Validation, ValidationCase } from '../../../../src/result/validation.js';
import type { Scenario } from '../../../../src/scenario/scenario.js';
import { matrixCases } from '../../../../src/validation/matrix.js';
import { sampleEndlessRun, sampleRun, sampleScenario } from '../sample-run.js';
import { sampleValidation } from '../sample-validation.js';

const QUICK = sampleValidation();
const PUBLISHED = sampleValidation(matrixCases('published', 'small'), 'published');
const ESC = String.fromCharCode(27);

interface Figures {
  readonly ms: number;
  readonly packets: number;
  readonly cpu: number;
}

function runOf(scenario: Scenario, { ms, packets, cpu }: Figures): RunResult {
  const run = sampleRun({ scenario, totalTimeMs: ms });
  const seconds = { seconds: cpu / 2 };
  return { ...run, wire: { ...run.wire, packets }, cpu: { source: seconds, destination: seconds } };
}

function caseOf(title: string, scenario: Scenario, measured: Figures, predicted: Figures): ValidationCase {
  const prediction = { run: runOf(scenario, predicted), error: null };
  return {
    name: title,
    title,
    scenario,
    predictions: { analytic: prediction, packet: prediction },
    measured: [runOf(scenario, measured)],
    failures: [],
  };
}

function scenarioOf(esp: string | null, mtu: number, mss: 'auto' | number = 'auto'): Scenario {
  const scenario = sampleScenario();
  return {
    ...scenario,
    name: `${esp} ${mtu} ${mss}`,
    network: { ...scenario.network, mtu, mss },
    ipsec: { ...scenario.ipsec, esp },
  };
}

const CLEAR_SMALL = { ms: 1000, packets: 1000, cpu: 2 };
const CLEAR_LARGE = { ms: 800, packets: 200, cpu: 1 };
const ESP_SMALL = { ms: 2500, packets: 1100, cpu: 6 };
const ESP_LARGE = { ms: 1600, packets: 220, cpu: 4 };
const ESP_DEFAULT_MSS = { ms: 4000, packets: 2750, cpu: 8 };

/** Predicted is what was measured, but for ESP at the large MTU. */
const ASKED: Validation = {
  ...QUICK,
  matrix: null,
  repeat: 1,
  cases: [
    caseOf('clear 1500', scenarioOf(null, 1500), CLEAR_SMALL, CLEAR_SMALL),
    caseOf('clear 9000', scenarioOf(null, 9000), CLEAR_LARGE, CLEAR_LARGE),
    caseOf('esp 1500', scenarioOf('aes128gcm16', 1500), ESP_SMALL, ESP_SMALL),
    caseOf('esp 9000', scenarioOf('aes128gcm16', 9000), ESP_LARGE, { ms: 2000, packets: 220, cpu: 4 }),
    caseOf('esp 1500 small', scenarioOf('aes128gcm16', 1500, 524), ESP_DEFAULT_MSS, ESP_DEFAULT_MSS),
  ],
};

function near(actual: number | null, expected: number): void {
  assert.ok(actual !== null && Math.abs(actual - expected) < 1e-9, `${actual}, not ${expected}`);
}

test('what IPsec costs and what MTU and MSS win back comes of cases that differ in that alone', () => {
  const [cost, mtu, mss, ...more] = validationQuestions(ASKED);
  assert.deepEqual(more, []);
  const titles = (question: typeof cost) => question!.answers.map(({ title }) => title);
  assert.deepEqual(titles(cost), ['esp 1500', 'esp 9000']);
  near(cost!.answers[0]!.time.measured, 1.5);
  near(cost!.answers[0]!.packets.measured, 0.1);
  near(cost!.answers[0]!.cpu.measured, 2);
  near(cost!.answers[1]!.time.measured, 1);
  near(cost!.answers[1]!.time.predicted, 1.5);
  assert.deepEqual(titles(mtu), ['clear 9000', 'esp 9000']);
  near(mtu!.answers[0]!.packets.measured, -0.8);
  near(mtu!.answers[1]!.time.measured, -0.36);
  near(mtu!.answers[1]!.time.predicted, -0.2);
  assert.deepEqual(titles(mss), ['esp 1500']);
  near(mss!.answers[0]!.packets.measured, -0.6);
});

test('the verdict says how far off the total times were, at worst where, and the noise', () => {
  const text = renderValidation(ASKED, { width: 400, color: false });
  const [first] = text.split('\n');
  assert.match(
    first!,
    /^Predicted packet by packet, total times are off by 0 % in the median and 25.0 % at worst \(esp 9000\); by formulas by 0 % .*\. Each was measured once, so the noise is not known/,
  );
  const repeated = renderValidation(QUICK, { width: 400, color: false });
  assert.match(
    repeated,
    /Measured 3 times, the same migration itself differs by 8\.5 % in the median and 11\.0 % at worst\./,
  );
});

test('a prediction beyond the goal is no good news', () => {
  const isGood = (validation: Validation): boolean =>
    renderValidation(validation, { width: 400, color: true }).split('\n')[0]!.includes(`${ESC}[32m`);
  assert.equal(isGood(QUICK), true);
  assert.equal(isGood(ASKED), false);
});

test('a report fits 80 columns, and any others', () => {
  for (const validation of [QUICK, PUBLISHED, ASKED]) {
    for (const width of [40, 80, 120]) {
      for (const line of renderValidation(validation, { width, color: false }).split('\n')) {
        assert.ok(stringWidth(line) <= width, line);
      }
    }
  }
});

test('cases that do not converge are told as such, and give no times', () => {
  const endless = sampleEndlessRun();
  const told = { run: endless, error: null };
  const each: ValidationCase = {
    ...ASKED.cases[0]!,
    title: 'endless',
    predictions: { analytic: told, packet: told },
    measured: [endless],
  };
  const right = renderValidation({ ...ASKED, cases: [...ASKED.cases, each] }, { width: 100, color: false });
  assert.match(right, /endless +endless +endless +as said/);
  assert.match(right, /1 case did not converge, as predicted; all others did, as predicted\./);
  const wrong = { ...each, predictions: ASKED.cases[0]!.predictions };
  const text = renderValidation({ ...ASKED, cases: [wrong] }, { width: 100, color: false });
  assert.match(text, /Whether it converges was predicted wrongly in 1 of 1 case\./);
  assert.match(text, /^Nothing can be compared/);
});

test('what failed, what did not pass a check and what cannot be predicted is told with its case', () => {
  const [first] = ASKED.cases;
  const broken = {
    ...first!.measured[0]!,
    checks: [{ requirement: 'every packet verifies', ok: false, evidence: '3 failed' }],
  };
  const cases: ValidationCase[] = [
    { ...first!, measured: [], failures: [{ message: 'the link is cut', run: null }] },
    { ...first!, title: 'second', measured: [broken] },
    {
      ...first!,
      title: 'third',
      predictions: {
        analytic: { run: null, error: 'no costs of ESP null-sha1' },
        packet: { run: null, error: 'no costs of ESP null-sha1' },
      },
    },
  ];
  const validation = { ...ASKED, cases, complete: false };
  const text = renderValidation(validation, { width: 200, color: false });
  assert.match(text, /^clear 1500: a run failed: the link is cut$/m);
  assert.match(text, /^second: not so: every packet verifies \(3 failed\)$/m);
  assert.match(text, /^third: cannot be predicted: no costs of ESP null-sha1$/m);
  assert.match(text, /1 run failed\. Interrupted: some measurements are missing\./);
  assert.match(text, /clear 1500 +failed/);
  assert.deepEqual(validationPage(validation).sections[0]!.text!.length, 3);
});

test('names and messages from a file do nothing to a terminal', () => {
  const hostile = `${ESC}[31mred\u202e`;
  const cases = ASKED.cases.map((each) => ({
    ...each,
    title: hostile,
    failures: [{ message: hostile, run: null }],
  }));
  const calibration = { ...ASKED.calibration, name: hostile, machine: hostile, date: hostile };
  const text = renderValidation({ ...ASKED, cases, calibration }, { width: 80, color: false });
  assert.ok(!text.includes(ESC) && !text.includes('\u202e'));
  const charts = JSON.stringify(validationCharts({ ...ASKED, cases }));
  assert.ok(!charts.includes('\\u001b') && !charts.includes('\u202e'));
});

test('charts show what was measured beside what was predicted, and what was repeated with its limits', () => {
  const charts = validationCharts(PUBLISHED);
  assert.deepEqual(
    charts.map(({ id }) => id),
    [
      'validation-total-time',
      'validation-errors',
      'ipsec-cost',
      'time-over-mtu',
      'packets-over-mtu',
      'validation-packets',
      'validation-cpu',
    ],
  );
  const [time, , , overMtu] = charts;
  assert.ok(time?.kind === 'groupedBar' && overMtu?.kind === 'line');
  assert.equal(time.categories.length, 24);
  const seconds = PUBLISHED.cases[0]!.measured.map(({ totalTimeMs }) => totalTimeMs / 1000);
  assert.deepEqual(time.series[0]!.limits![0], [Math.min(...seconds), Math.max(...seconds)]);
  assert.deepEqual(
    overMtu.series.map(({ points }) => points.map(({ x }) => x)),
    Array(6).fill([1500, 3000, 6000, 9000]),
  );
  assert.deepEqual(validationCharts({ ...QUICK, cases: [] }), []);
});

test('the page has the questions of the published experiment', () => {
  const captions = validationPage(PUBLISHED).sections.flatMap(({ tables = [] }) =>
    tables.map(({ caption }) => caption),
  );
  for (const wanted of ['What IPsec costs', 'What MTU wins back', 'What MSS wins back']) {
    assert.ok(captions.includes(wanted), wanted);
  }
});
