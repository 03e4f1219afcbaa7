import assert from 'node:assert/strict';
import { test } from 'node:test';
import { exposurePage } from '../../src/report/exposure/exposure-page.js';
import { renderHtml } from '../../src/report/html/render-html.js';
import { sampleExposure } from '../unit/report/sample-exposure.js';
import { canvasColors, openReport, PHONE, sidewaysScroll } from './report-browser.js';

const HTML = renderHtml(exposurePage(sampleExposure()));

test('the page of the proof shows its pictures and charts and says nothing in the console', async (t) => {
  const report = await openReport(t, HTML);
  if (report === null) return;
  const widths = await report.page.evaluate(() =>
    [...document.querySelectorAll('img')].map(({ naturalWidth, alt }) => [naturalWidth, alt.length > 0]),
  );
  assert.deepEqual(widths, [
    [16, true],
    [64, true],
  ]);
  assert.equal((await canvasColors(report.page)).length, 4);
  assert.deepEqual(report.messages, []);
  assert.equal(report.requests.filter((address) => !address.startsWith('data:')).length, 1);
});

test('the page of the proof fits a phone without scrolling sideways, in dark colours too', async (t) => {
  const report = await openReport(t, HTML, { viewport: PHONE, hasTouch: true, colorScheme: 'dark' });
  if (report === null) return;
  assert.equal(await sidewaysScroll(report.page), 0);
  assert.deepEqual(report.messages, []);
});
