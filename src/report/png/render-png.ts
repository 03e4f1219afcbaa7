import { chartConfig, suggestedHeight } from '../chart/chart-config.js';
import type { ChartDefinition } from '../chart/chart-definition.js';
import { chartTheme, type ThemeName } from '../chart/chart-palette.js';
import { PNG_FONT_FAMILY, registerPngFonts } from './png-fonts.js';

export interface PngOptions {
  /** Size of the layout in CSS pixels; the picture has `pixelRatio` times as many. Default 960. */
  readonly width?: number;
  /** Default: what suits the chart. */
  readonly height?: number;
  /** Default `light`. */
  readonly theme?: ThemeName;
  /** Default 2: sharp on paper and on dense screens. */
  readonly pixelRatio?: number;
}

const DEFAULT_WIDTH = 960;
const MIN_SIDE = 200;
const MAX_SIDE = 8000;

/**
 * A chart as PNG, with title and legend. Needs no display and no installed fonts.
 * @throws RangeError for a side below 200 or above 8000 pixels
 * @throws Error if the canvas' binary is not installed for this platform
 */
export async function renderPng(definition: ChartDefinition, options: PngOptions = {}): Promise<Buffer> {
  const width = requireSide('width', options.width ?? DEFAULT_WIDTH);
  const height = requireSide('height', options.height ?? suggestedHeight(definition, width, true));
  const { Chart, createCanvas } = await loadDrawing();
  const canvas = createCanvas(width, height);
  const config = chartConfig(definition, {
    theme: chartTheme(options.theme ?? 'light'),
    fontFamily: PNG_FONT_FAMILY,
    width,
    withHeading: true,
  });
  config.options = { ...config.options, devicePixelRatio: options.pixelRatio ?? 2 };
  // Chart.js asks for a browser's canvas and uses what both have.
  const chart = new Chart(canvas as unknown as ConstructorParameters<typeof Chart>[0], config);
  try {
    return await canvas.encode('png');
  } finally {
    chart.destroy();
  }
}

/** Loaded when the first picture is drawn: 30 MB of binary that other reports do without. */
async function loadDrawing() {
  const [{ Chart, registerables }, canvas] = await Promise.all([import('chart.js'), loadCanvas()]);
  Chart.register(...registerables);
  registerPngFonts(canvas.GlobalFonts);
  return { Chart, createCanvas: canvas.createCanvas };
}

async function loadCanvas() {
  try {
    return await import('@napi-rs/canvas');
  } catch (cause) {
    throw new Error(
      `PNG needs the binary of @napi-rs/canvas for ${process.platform} ${process.arch}, which is not installed: ` +
        'run npm ci without --omit=optional, or take the HTML report',
      { cause },
    );
  }
}

function requireSide(name: string, pixels: number): number {
  if (Number.isInteger(pixels) && pixels >= MIN_SIDE && pixels <= MAX_SIDE) return pixels;
  throw new RangeError(`${name} ${pixels}: give whole pixels from ${MIN_SIDE} to ${MAX_SIDE}`);
}
