import assert from 'node:assert/strict';
import { test } from 'node:test';
import { renderValidationHtml } from '../../src/report/html/render-validation-html.js';
import { matrixCases } from '../../src/validation/matrix.js';
import { sampleValidation } from '../unit/report/sample-validation.js';
import { canvasColors, openReport, PHONE, sidewaysScroll } from './report-browser.js';

const VALIDATION = sampleValidation(matrixCases('published', 'small'), 'published');
const HTML = renderValidationHtml(VALIDATION);

test('the report of a validation draws its charts, asks for nothing and says nothing in the console', async (t) => {
  const report = await openReport(t, HTML);
  if (report === null) return;
  const colors = await canvasColors(report.page);
  assert.equal(colors.length, 7);
  for (const drawn of colors) assert.ok(drawn.length > 20, `${drawn.length} colours`);
  assert.deepEqual(report.messages, []);
  assert.equal(report.requests.length, 1);
});

test('the report of a validation fits a phone without scrolling sideways', async (t) => {
  const report = await openReport(t, HTML, { viewport: PHONE, deviceScaleFactor: 3, hasTouch: true });
  if (report === null) return;
  assert.equal(await sidewaysScroll(report.page), 0);
});

test('its tables sort, and every chart has its numbers, in dark colours too', async (t) => {
  const report = await openReport(t, HTML, { colorScheme: 'dark' });
  if (report === null) return;
  for (const figure of await report.page.locator('figure').all()) {
    await figure.locator('summary').click();
    await figure.locator('tbody tr').first().waitFor();
  }
  const table = report.page.locator('table', { hasText: 'Total time and packets of each case' }).first();
  const measured = () => table.locator('tbody tr td:nth-child(2)').allTextContents();
  const before = await measured();
  await table.getByText('Measured', { exact: true }).click();
  const after = await measured();
  assert.notDeepEqual(after, before);
  assert.deepEqual(after.toSorted(), before.toSorted());
  assert.deepEqual(report.messages, []);
});

test('names from a file stay text', async (t) => {
  const title = '<img src=x onerror=alert(1)>';
  const cases = VALIDATION.cases.slice(0, 2).map((each) => ({ ...each, title }));
  const report = await openReport(t, renderValidationHtml({ ...VALIDATION, cases }));
  if (report === null) return;
  assert.ok((await report.page.locator('main').textContent())!.includes(title));
  assert.equal(await report.page.locator('main :is(script, img)').count(), 0);
  assert.deepEqual(report.messages, []);
});
