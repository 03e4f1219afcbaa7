import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, type TestContext } from 'node:test';
import { pathToFileURL } from 'node:url';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { findTool, PATIENCE_MS, requireTool } from '../tool.js';

/** The browser works for the test alone: nothing is fetched, updated or remembered. */
const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

export const DESKTOP = { width: 1200, height: 900 } as const;
export const PHONE = { width: 390, height: 844 } as const;

export interface OpenReport {
  readonly page: Page;
  /** Console messages, uncaught errors and policy violations. */
  readonly messages: readonly string[];
  /** Addresses of everything the page asked for, itself first. */
  readonly requests: readonly string[];
}

let browser: Browser | undefined;
const folder = mkdtempSync(join(tmpdir(), 'tare-browser-'));
let count = 0;

after(async () => {
  await browser?.close();
  rmSync(folder, { recursive: true, force: true });
});

/**
 * Opens a report from disk in a browser with an empty profile. The test is skipped, and the result null, without Chromium.
 */
export async function openReport(
  t: TestContext,
  html: string,
  options: BrowserContextOptions = {},
): Promise<OpenReport | null> {
  if (!requireTool(t, 'chromium')) return null;
  const path = join(folder, `${count++}.html`);
  writeFileSync(path, html);
  // Playwright starts it on an empty profile of its own and removes that in the end.
  browser ??= await chromium.launch({
    executablePath: findTool('chromium') ?? 'chromium',
    headless: true,
    args: FLAGS,
    timeout: PATIENCE_MS,
  });
  const context = await browser.newContext({ viewport: DESKTOP, ...options });
  context.setDefaultTimeout(PATIENCE_MS);
  t.after(() => context.close());
  const page = await context.newPage();
  const messages: string[] = [];
  const requests: string[] = [];
  page.on('console', (message) => messages.push(message.text()));
  page.on('pageerror', (error) => messages.push(error.message));
  page.on('dialog', (dialog) => {
    messages.push(`dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  page.on('request', (request) => requests.push(request.url()));
  await page.goto(pathToFileURL(path).href);
  await page.waitForSelector('main');
  return { page, messages, requests };
}

/** Different colours in each canvas, as `#rrggbb`, in the order of the document. */
export function canvasColors(page: Page): Promise<string[][]> {
  return page.evaluate(() =>
    [...document.querySelectorAll('canvas')].map((canvas) => {
      // Read from a copy: the browser warns of reading the same canvas often.
      const copy = new OffscreenCanvas(canvas.width, canvas.height).getContext('2d');
      copy?.drawImage(canvas, 0, 0);
      const data = copy?.getImageData(0, 0, canvas.width, canvas.height).data ?? [];
      const colors = new Set<string>();
      for (let at = 0; at < data.length; at += 4) {
        const rgb = [data[at], data[at + 1], data[at + 2]];
        colors.add(`#${rgb.map((value = 0) => value.toString(16).padStart(2, '0')).join('')}`);
      }
      return [...colors];
    }),
  );
}

/** Waits until all charts stand on ground of this colour: those in print follow the event that announces it. */
export async function waitForGround(page: Page, color: string): Promise<void> {
  while (!(await canvasColors(page)).every((colors) => colors.includes(color))) {
    await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(resolve)));
  }
}

/** How much wider the document is than the window. */
export function sidewaysScroll(page: Page): Promise<number> {
  return page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
}
