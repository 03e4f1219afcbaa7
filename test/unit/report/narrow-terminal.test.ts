import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseAhSuite, parseEspSuite } from '../../../src/ipsec/suite.js';
import { calculatePlan } from '../../../src/plan/plan-result.js';
import { renderAnalysis } from '../../../src/report/analysis/render-analysis.js';
import { renderExposure } from '../../../src/report/exposure/render-exposure.js';
import { renderPlan } from '../../../src/report/plan/render-plan.js';
import { renderRun } from '../../../src/report/run/render-run.js';
import { renderSweep } from '../../../src/report/run/render-run-sweep.js';
import { renderValidation } from '../../../src/report/validation/render-validation.js';
import { matrixCases } from '../../../src/validation/matrix.js';
import { sampleExposure } from './sample-exposure.js';
import { sampleMigration } from './sample-migration.js';
import { sampleClearRun, sampleEndlessRun, sampleRun, sampleSweep } from './sample-run.js';
import { sampleAssociation, sampleFlow, sampleSummary } from './sample-summary.js';
import { sampleValidation } from './sample-validation.js';

const WIDTHS = [40, 52, 66, 80, 100, 140];
const WIDEST = 400;

const plan = calculatePlan({
  payloadBytes: 1_234_567_890_123,
  linkBps: 1e10,
  protections: [
    { esp: parseEspSuite('chacha20poly1305'), ah: parseAhSuite('sha512') },
    { esp: parseEspSuite('aes256-sha512'), ah: null },
  ],
  mode: 'tunnel',
  udpEncap: true,
  esn: true,
  align4: false,
  family: 6,
  linkMtus: [{ from: 1500, to: 9000, step: 2500 }],
  mss: 'auto',
});

const summary = {
  ...sampleSummary(),
  securityAssociations: [
    sampleAssociation({
      suite: { ...sampleAssociation().suite, name: 'aes256-sha512' },
      sequence: { ...sampleAssociation().sequence, missing: 12_345_678, duplicate: 4_321 },
      integrity: { verified: 123_456_789, failed: 98_765, unchecked: 4_294_967_295 },
    }),
  ],
  flows: [
    sampleFlow({ source: '2001:db8:1234:5678:9abc:def0:1234:5678', destination: '2001:db8::1', bytes: 9e11 }),
    sampleFlow(),
  ],
  migrations: [sampleMigration()],
};

const run = sampleRun();
const variants = [
  { change: 'MTU 9000 and four multifd channels', run: sampleClearRun() },
  { change: 'auto-converge', run: sampleEndlessRun() },
];
const runReport = { run, clear: sampleClearRun(), base: run, variants, overMtu: null, overRate: null };

type Render = (options: { width: number; color: boolean }) => string;

const REPORTS: Readonly<Record<string, Render>> = {
  plan: (options) => renderPlan(plan, options),
  analysis: (options) => renderAnalysis(summary, options),
  run: (options) => renderRun(runReport, options),
  sweep: (options) => renderSweep(sampleSweep(), options),
  validation: (options) =>
    renderValidation(sampleValidation(matrixCases('published', 'small'), 'published'), options),
  exposure: (options) => renderExposure(sampleExposure(), options),
};

/** Numbers in all lines but those in which a file name was shortened. */
function numbersIn(text: string): Set<string> {
  const lines = text.split('\n').filter((line) => !line.includes('…'));
  return new Set(lines.flatMap((line) => line.match(/\d[\d,.]*\d|\d/g) ?? []));
}

for (const [name, render] of Object.entries(REPORTS)) {
  test(`on a narrow terminal no number breaks: ${name}`, () => {
    const whole = numbersIn(render({ width: WIDEST, color: false }));
    for (const width of WIDTHS) {
      const text = render({ width, color: false });
      for (const number of numbersIn(text)) assert.ok(whole.has(number), `${number} at ${width}:\n${text}`);
    }
  });

  test(`on a narrow terminal colour changes no line break: ${name}`, () => {
    for (const width of WIDTHS) {
      const plain = render({ width, color: false });
      // biome-ignore lint/suspicious/noControlCharactersInRegex: that is how colours are written
      assert.equal(render({ width, color: true }).replace(/\u001b\[[\d;]*m/g, ''), plain);
    }
  });
}
