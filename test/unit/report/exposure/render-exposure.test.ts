import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createCanvas, loadImage } from '@napi-rs/canvas';
import type { Exposure } from '../../../../src/exposure/exposure.js';
import { exposurePage } from '../../../../src/report/exposure/exposure-page.js';
import { renderExposure } from '../../../../src/report/exposure/render-exposure.js';
import { encodeIndexedPng } from '../../../../src/report/png/indexed-png.js';
import { memoryPng, PICTURE_COLORS } from '../../../../src/report/png/memory-png.js';
import { closedCapture, openCapture, sampleExposure } from '../sample-exposure.js';

function render(exposure: Exposure, width = 80): string {
  return renderExposure(exposure, { width, color: false });
}

test('no line is wider than the terminal', () => {
  const three: Exposure = {
    ...sampleExposure(),
    captures: [openCapture(), closedCapture(), openCapture('ah')],
  };
  for (const exposure of [sampleExposure(), three]) {
    for (const width of [40, 60, 80, 120, 200]) {
      for (const line of render(exposure, width).split('\n')) assert.ok(line.length <= width, line);
    }
  }
});

test('the two sides stand beside each other, everything against nothing', () => {
  const text = render(sampleExposure());
  assert.match(
    text,
    /An eavesdropper gets everything: all of the guest's memory, 16 KiB of 16 KiB,\s+and the planted secret\./,
  );
  assert.match(text, /An eavesdropper gets nothing of the guest's memory and not the planted secret:/);
  assert.match(text, /guest's memory rebuilt +100 %, 16 KiB +nothing\n/);
  assert.match(text, /planted secrets found +1 of 1 +0 of 1\n/);
  assert.match(text, /^ {2}t+c+·+d+ {2}░+$|^ {2}[tc·d]+ {2}░+$/m);
});

test('what traffic analysis tells is told of what stays closed, with the truth where it is known', () => {
  const text = render(sampleExposure());
  assert.match(
    text,
    /What traffic analysis still tells\n {2}10\.0\.0\.1 sends to 10\.0\.0\.2 from 2026-11-22T/,
  );
  assert.match(text, /at most 24 pages with content/);
  assert.match(text, /It pauses 1 time, for up to 250 ms: 2 bursts/);
  assert.ok(!text.includes('as the stream says'));
  const known: Exposure = {
    schema: 'tare.exposure/1',
    captures: [{ ...closedCapture(), keyHolder: openCapture().eavesdropper }],
  };
  assert.match(render(known), /There were 3 passes,\s+as the stream says/);
  assert.match(render(known), /ESP, keys: closed\.pcap\nWho has the keys gets everything/);
});

test('under AH alone the report says that AH does not encrypt', () => {
  const exposure: Exposure = { schema: 'tare.exposure/1', captures: [openCapture('ah')] };
  assert.match(render(exposure), /gets everything.*\nAH does not encrypt:|AH does not encrypt:/s);
});

test('closed payloads that are not random are no proof of anything', () => {
  const capture = closedCapture();
  capture.eavesdropper.payloads.esp!.uniformShare = 0.4;
  const text = render({ schema: 'tare.exposure/1', captures: [capture] });
  assert.match(text, /not as random as\s+encryption leaves\s+them/);
  assert.match(text, /something else than cipher text/);
});

test('secrets that stand in packets are bad news even without memory', () => {
  const capture = closedCapture();
  capture.eavesdropper.secrets[0]!.acrossPackets = 1;
  assert.match(
    render({ schema: 'tare.exposure/1', captures: [capture] }),
    /finds planted secrets in the packets/,
  );
});

test('text from a capture cannot steer the terminal', () => {
  const capture = openCapture();
  const [memory] = capture.eavesdropper.memories;
  memory!.strings.samples = ['evil \u001b[2Jtext'];
  memory!.keyMaterial = [{ id: 'password', count: 1, samples: ['password: \u202eabc\u0007'] }];
  capture.eavesdropper.secrets[0]!.foundAt = { block: '\u001b]0;x\u0007', offset: 0 };
  const exposure: Exposure = {
    schema: 'tare.exposure/1',
    captures: [{ ...capture, name: 'a\u001b[31m.pcap' }],
  };
  // Line feeds and what is printable.
  const isSafe = (text: string) => !/[^\n\P{Cc}]|\u202e/u.test(text);
  assert.ok(isSafe(render(exposure)));
  assert.ok(isSafe(JSON.stringify(exposurePage(exposure)).replaceAll('\\u', 'u')));
});

test('the page has the verdicts, a picture for each side and a cell for each column', () => {
  const page = exposurePage(sampleExposure());
  assert.deepEqual(
    page.lead.map(({ tone }) => tone),
    ['bad', 'good'],
  );
  const pictures = page.sections.flatMap((section) => section.pictures?.pictures ?? []);
  assert.equal(pictures.length, 2);
  assert.ok(pictures.every(({ png }) => png !== undefined));
  for (const { columns, rows } of page.sections.flatMap(({ tables = [] }) => tables)) {
    for (const row of rows) assert.equal(row.length, columns.length);
  }
  const ids = page.sections.flatMap(({ charts = [] }) => charts.map(({ id }) => id));
  assert.equal(new Set(ids).size, ids.length);
});

async function pixelsOf(png: Buffer): Promise<{ width: number; height: number; colors: string[] }> {
  const image = await loadImage(png);
  const context = createCanvas(image.width, image.height).getContext('2d');
  context.drawImage(image, 0, 0);
  const { data } = context.getImageData(0, 0, image.width, image.height);
  const colors = Array.from({ length: data.length / 4 }, (_, i) => {
    return `#${Buffer.from(data.subarray(4 * i, 4 * i + 3)).toString('hex')}`;
  });
  return { width: image.width, height: image.height, colors };
}

test('a picture is read by a decoder of PNG as it was drawn', async () => {
  const palette = ['#102030', '#ff0000', '#00ff7f'];
  const pixels = Uint8Array.from({ length: 7 * 5 }, (_, i) => (i * i) % 3);
  const { width, height, colors } = await pixelsOf(encodeIndexedPng(7, 5, pixels, palette));
  assert.deepEqual([width, height], [7, 5]);
  assert.deepEqual(
    colors,
    [...pixels].map((index) => palette[index]),
  );
});

test('the picture of memory has a pixel for each page, from the first one on', async () => {
  const cells = 'tczdr?.'.repeat(50);
  const { png } = memoryPng(cells);
  const { colors, width } = await pixelsOf(png);
  assert.equal(width, 32);
  [...cells].forEach((letter, i) => {
    assert.equal(colors[i], PICTURE_COLORS[letter as keyof typeof PICTURE_COLORS]);
  });
  assert.ok(colors.slice(cells.length).every((color) => color === PICTURE_COLORS['.']));
});
