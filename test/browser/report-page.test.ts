import assert from 'node:assert/strict';
import { test } from 'node:test';
import { chartTheme } from '../../src/report/chart/chart-palette.js';
import { renderAnalysisHtml } from '../../src/report/html/render-analysis-html.js';
import { renderHtml } from '../../src/report/html/render-html.js';
import { renderPlanHtml } from '../../src/report/html/render-plan-html.js';
import { samplePlan } from '../unit/report/chart/sample-plan.js';
import { sampleTimeline } from '../unit/report/chart/sample-timeline.js';
import { sampleMigration } from '../unit/report/sample-migration.js';
import { sampleFlow, sampleSummary } from '../unit/report/sample-summary.js';
import { canvasColors, openReport, PHONE, sidewaysScroll, waitForGround } from './report-browser.js';

const HOSTILE = [
  '<img src=x onerror=alert(1)>',
  '</script><script>alert(2)</script>',
  '"><svg/onload=alert(3)>',
  'javascript:alert(4)',
];
const LIGHT = chartTheme('light').background;
const DARK = chartTheme('dark').background;

function analysisHtml(): string {
  const migrations = [sampleMigration()];
  return renderAnalysisHtml({ ...sampleSummary(), timeline: sampleTimeline(), migrations });
}

function hotPage(block: string) {
  return { block, offset: 0, sent: 9 };
}

for (const [name, html, charts] of [
  ['an analysis', analysisHtml(), 5],
  ['a plan', renderPlanHtml(samplePlan()), 6],
] as const) {
  test(`the report of ${name} draws its charts, asks for nothing and says nothing in the console`, async (t) => {
    const report = await openReport(t, html);
    if (report === null) return;
    const colors = await canvasColors(report.page);
    assert.equal(colors.length, charts);
    for (const drawn of colors) assert.ok(drawn.length > 20, `${drawn.length} colours`);
    assert.deepEqual(report.messages, []);
    assert.equal(report.requests.length, 1);
    assert.match(report.requests[0]!, /^file:/);
  });
}

test('text from a capture stays text', async (t) => {
  const summary = sampleSummary();
  for (const text of HOSTILE) {
    summary.inputs.push({ ...summary.inputs[0]!, path: text, linkTypes: [text] });
    summary.flows.push(sampleFlow({ source: text, destination: text, protocol: text }));
    summary.securityAssociations.push({ ...summary.securityAssociations[0]!, spi: text, source: text });
    summary.migrations.push(
      sampleMigration({ machine: text, blocks: [{ name: text, bytes: 1 }], hotPages: [hotPage(text)] }),
    );
    summary.errors.push({ kind: text, count: 1, examples: [{ file: text, packet: 1, message: text }] });
  }
  const report = await openReport(t, renderAnalysisHtml(summary));
  if (report === null) return;
  const { page, messages, requests } = report;
  const shown = await page.locator('main').textContent();
  for (const text of HOSTILE) assert.ok(shown!.includes(text), text);
  assert.equal(await page.locator('main :is(script, img, svg, iframe)').count(), 0);
  assert.deepEqual(messages, []);
  assert.equal(requests.length, 1);
});

test('the policy stops a script that got in all the same', async (t) => {
  const html = analysisHtml().replace('<body>', '<body><script>document.title = "got in"</script>');
  const report = await openReport(t, html);
  if (report === null) return;
  assert.notEqual(await report.page.title(), 'got in');
  assert.match(report.messages.join('\n'), /Content Security Policy/);
});

test('a series can be switched off and on again', async (t) => {
  const report = await openReport(t, analysisHtml());
  if (report === null) return;
  const { page } = report;
  const figure = page.locator('#sequence-numbers');
  const button = figure.getByRole('button', { name: 'Missing' });
  const color = chartTheme('light').colors.vermilion;
  const isDrawn = async () => {
    const index = await page.evaluate(() =>
      [...document.querySelectorAll('canvas')].findIndex((canvas) => canvas.closest('#sequence-numbers')),
    );
    return (await canvasColors(page))[index]!.includes(color);
  };
  assert.equal(await isDrawn(), true);
  await button.click();
  assert.equal(await button.getAttribute('aria-pressed'), 'false');
  assert.equal(await isDrawn(), false);
  await page.getByRole('button', { name: 'Dark colours' }).click();
  await page.getByRole('button', { name: 'Light colours' }).click();
  assert.equal(await isDrawn(), false, 'drawing anew must not switch it on');
  await button.press('Enter');
  assert.equal(await button.getAttribute('aria-pressed'), 'true');
  assert.equal(await isDrawn(), true);
});

test('tables sort by number and by text, both ways', async (t) => {
  const table = {
    caption: 'Sorted',
    columns: [{ title: 'Name' }, { title: 'Bytes', align: 'right' as const }],
    rows: [
      ['b10', { text: '2 kB', sort: 2000 }],
      ['b9', { text: '10 B', sort: 10 }],
      ['a', { text: '1 MB', sort: 1e6 }],
    ],
  };
  const html = renderHtml({ title: 't', lead: [], sections: [{ heading: 'h', tables: [table] }] });
  const report = await openReport(t, html);
  if (report === null) return;
  const { page } = report;
  const column = (index: number) => page.locator(`tbody td:nth-child(${index})`).allTextContents();
  const press = (name: string) => page.getByRole('button', { name, exact: true }).click();
  await press('Bytes');
  assert.deepEqual(await column(2), ['1 MB', '2 kB', '10 B']);
  await press('Bytes');
  assert.deepEqual(await column(2), ['10 B', '2 kB', '1 MB']);
  assert.equal(await page.locator('th').nth(1).getAttribute('aria-sort'), 'ascending');
  await press('Name');
  assert.deepEqual(await column(1), ['a', 'b9', 'b10']);
  assert.equal(await page.locator('th[aria-sort]').count(), 1);
});

test('each chart has its numbers as a table', async (t) => {
  const report = await openReport(t, analysisHtml());
  if (report === null) return;
  const { page } = report;
  for (const figure of await page.locator('figure').all()) {
    assert.match((await figure.locator('canvas').getAttribute('aria-label'))!, /^Chart: /);
    await figure.locator('summary').click();
    await figure.locator('tbody tr').first().waitFor();
  }
  assert.equal(await page.locator('#throughput tbody tr').count(), sampleTimeline().byClass.esp.length + 1);
});

for (const scheme of ['light', 'dark'] as const) {
  test(`a system in ${scheme} colours gets a ${scheme} report, and the button changes it`, async (t) => {
    const report = await openReport(t, analysisHtml(), { colorScheme: scheme });
    if (report === null) return;
    const [first, second] = scheme === 'light' ? [LIGHT, DARK] : [DARK, LIGHT];
    for (const colors of await canvasColors(report.page)) assert.ok(colors.includes(first));
    await report.page.locator('button.theme').click();
    for (const colors of await canvasColors(report.page)) assert.ok(colors.includes(second));
    const ground = await report.page.evaluate(
      () => getComputedStyle(document.documentElement).backgroundColor,
    );
    assert.equal(ground, rgb(second));
    assert.deepEqual(report.messages, []);
  });
}

for (const [name, html] of [
  ['an analysis', analysisHtml()],
  ['a plan', renderPlanHtml(samplePlan())],
] as const) {
  test(`the report of ${name} fits a phone without scrolling sideways`, async (t) => {
    const report = await openReport(t, html, { viewport: PHONE, deviceScaleFactor: 3, hasTouch: true });
    if (report === null) return;
    assert.equal(await sidewaysScroll(report.page), 0);
    const widths = await report.page
      .locator('canvas')
      .evaluateAll((all) => all.map((canvas) => canvas.getBoundingClientRect().width));
    for (const width of widths) assert.ok(width > 300 && width <= PHONE.width, `${width}`);
  });
}

test('a long word in a capture does not widen the page', async (t) => {
  const summary = sampleSummary();
  summary.inputs[0]!.path = 'x'.repeat(3000);
  summary.inputs[1]!.error = { message: 'y'.repeat(3000), offset: 1 };
  summary.securityAssociations[0]!.source = 'z'.repeat(3000);
  const report = await openReport(t, renderAnalysisHtml(summary), { viewport: PHONE });
  if (report === null) return;
  assert.equal(await sidewaysScroll(report.page), 0);
});

test('a narrower window redraws the charts to fit', async (t) => {
  const report = await openReport(t, analysisHtml());
  if (report === null) return;
  await report.page.setViewportSize(PHONE);
  await report.page.waitForFunction(
    (width) => [...document.querySelectorAll('canvas')].every((canvas) => canvas.clientWidth < width),
    PHONE.width,
  );
  assert.equal(await sidewaysScroll(report.page), 0);
});

test('on paper the report is light, without buttons, and nothing is cut off', async (t) => {
  const report = await openReport(t, analysisHtml(), { colorScheme: 'dark' });
  if (report === null) return;
  const { page, messages } = report;
  await page.setViewportSize({ width: 720, height: 1000 });
  await page.emulateMedia({ media: 'print' });
  await waitForGround(page, LIGHT);
  assert.equal(await page.locator('button.theme').isVisible(), false);
  assert.equal(await page.locator('nav').isVisible(), false);
  const overflow = await page
    .locator('.table-frame')
    .evaluateAll((frames) => frames.map((frame) => frame.scrollWidth - frame.clientWidth));
  assert.deepEqual(
    overflow,
    overflow.map(() => 0),
  );
  const pdf = await page.pdf({ format: 'A4' });
  assert.equal(pdf.toString('latin1', 0, 5), '%PDF-');
  assert.deepEqual(messages, []);
});

test('on paper no command is cut off and no number breaks', async (t) => {
  const report = await openReport(t, renderPlanHtml(samplePlan()));
  if (report === null) return;
  const { page } = report;
  // A4 without margins of 12 mm.
  await page.setViewportSize({ width: 703, height: 1032 });
  await page.emulateMedia({ media: 'print' });
  await waitForGround(page, LIGHT);
  const cut = await page.evaluate(() =>
    [...document.querySelectorAll('pre, .table-frame')].map(
      (element) => element.scrollWidth - element.clientWidth,
    ),
  );
  assert.deepEqual(
    cut,
    cut.map(() => 0),
  );
  const lines = await page.evaluate(() =>
    [...document.querySelectorAll('td.number')].map((cell) => {
      const range = document.createRange();
      range.selectNodeContents(cell);
      return range.getClientRects().length;
    }),
  );
  assert.ok(lines.length > 20 && lines.every((count) => count === 1), lines.join(' '));
});

function rgb(hex: string): string {
  return `rgb(${[1, 3, 5].map((at) => Number.parseInt(hex.slice(at, at + 2), 16)).join(', ')})`;
}
