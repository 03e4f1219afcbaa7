import assert from 'node:assert/strict';
import { test } from 'node:test';
import { renderRunHtml } from '../../src/report/html/render-run-html.js';
import { renderSweepHtml } from '../../src/report/html/render-sweep-html.js';
import { sampleClearRun, sampleEndlessRun, sampleRun, sampleSweep } from '../unit/report/sample-run.js';
import { canvasColors, openReport, PHONE, sidewaysScroll } from './report-browser.js';

const SWEEP = sampleSweep();
const RUN = {
  run: sampleRun(),
  base: sampleRun(),
  clear: sampleClearRun(),
  variants: [{ change: 'MTU 9000', run: sampleEndlessRun() }],
  overMtu: SWEEP,
  overRate: SWEEP,
};
const PAGES = [
  ['a run', renderRunHtml(RUN), 9],
  ['a sweep', renderSweepHtml(SWEEP), 7],
] as const;

for (const [name, html, charts] of PAGES) {
  test(`the report of ${name} draws its charts, asks for nothing and says nothing in the console`, async (t) => {
    const report = await openReport(t, html);
    if (report === null) return;
    const colors = await canvasColors(report.page);
    assert.equal(colors.length, charts);
    for (const drawn of colors) assert.ok(drawn.length > 20, `${drawn.length} colours`);
    assert.deepEqual(report.messages, []);
    assert.equal(report.requests.length, 1);
  });

  test(`the report of ${name} fits a phone without scrolling sideways`, async (t) => {
    const report = await openReport(t, html, { viewport: PHONE, deviceScaleFactor: 3, hasTouch: true });
    if (report === null) return;
    assert.equal(await sidewaysScroll(report.page), 0);
  });

  test(`every chart of the report of ${name} has its numbers as a table, in dark colours too`, async (t) => {
    const report = await openReport(t, html, { colorScheme: 'dark' });
    if (report === null) return;
    for (const figure of await report.page.locator('figure').all()) {
      await figure.locator('summary').click();
      await figure.locator('tbody tr').first().waitFor();
    }
    assert.deepEqual(report.messages, []);
  });
}

test('a map says in its table what does not converge', async (t) => {
  const report = await openReport(t, renderSweepHtml(SWEEP));
  if (report === null) return;
  const figure = report.page.locator('#convergence-3');
  await figure.locator('summary').click();
  // The table is made by an event that follows the click.
  await figure.locator('tbody tr').first().waitFor();
  const cells = await figure.locator('tbody td').allTextContents();
  assert.equal(cells.filter((text) => text === 'Does not converge').length, 6);
  assert.equal(cells.filter((text) => text === 'Cannot be').length, 5);
});

test('names from a scenario file stay text', async (t) => {
  const name = '<img src=x onerror=alert(1)>';
  const run = sampleRun();
  const hostile = { ...run, scenario: { ...run.scenario, name } };
  const report = await openReport(t, renderRunHtml({ ...RUN, run: hostile }));
  if (report === null) return;
  assert.ok((await report.page.locator('main').textContent())!.includes(name));
  assert.equal(await report.page.locator('main :is(script, img)').count(), 0);
  assert.deepEqual(report.messages, []);
});
