/// <reference lib="dom" />
import type { Chart as ChartJs } from 'chart.js';
import { chartConfig, suggestedHeight } from '../../chart/chart-config.js';
import type { ChartDefinition } from '../../chart/chart-definition.js';
import { seriesLabel } from '../../chart/chart-heading.js';
import { chartTheme, type ThemeName } from '../../chart/chart-palette.js';
import { chartTable } from './chart-table.js';
import { createElement } from './create-element.js';
import { sortableTable } from './sortable-table.js';

/** The library's script stands before this one in the page. */
declare const Chart: typeof ChartJs;

/** Paper is short: what is drawn on it is less high, but for the axes, and as far as labels allow. */
const PAPER_SHARE = 0.76;
const AXES_PX = 70;

export interface ChartFigure {
  readonly element: HTMLElement;
  /** Draws anew: once the element is in the document, and whenever theme or width have changed. */
  draw(theme: ThemeName): void;
}

/** A chart with its heading, a legend that switches series off, and its numbers as a table that folds out. */
export function chartFigure(definition: ChartDefinition): ChartFigure {
  const hidden = new Set<number>();
  const swatches: HTMLElement[] = [];
  const frame = createElement('div', 'chart');
  let chart: ChartJs | undefined;
  const toggle = (index: number): boolean => {
    const isShown = hidden.delete(index);
    if (!isShown) hidden.add(index);
    chart?.setDatasetVisibility(index, isShown);
    chart?.update();
    return isShown;
  };
  const element = createElement('figure', '', [
    ...heading(definition),
    frame,
    legend(definition, swatches, toggle),
    numbers(definition),
  ]);
  element.id = definition.id;
  const draw = (theme: ThemeName) => {
    chart?.destroy();
    for (const [i, swatch] of swatches.entries()) {
      swatch.style.setProperty('--series', colorOf(definition, i, theme));
    }
    const canvas = createCanvas(definition, frame.clientWidth);
    frame.replaceChildren(canvas);
    chart = new Chart(canvas, {
      ...chartConfig(definition, {
        theme: chartTheme(theme),
        fontFamily: getComputedStyle(frame).fontFamily,
        width: canvas.width,
        withHeading: false,
      }),
    });
    for (const index of hidden) chart.setDatasetVisibility(index, false);
    if (hidden.size > 0) chart.update();
  };
  return { element, draw };
}

function heading({ title, subtitle }: ChartDefinition): HTMLElement[] {
  const lines = [createElement('h3', '', title)];
  return subtitle === undefined ? lines : [...lines, createElement('p', 'subtitle', subtitle)];
}

function createCanvas(definition: ChartDefinition, width: number): HTMLCanvasElement {
  const canvas = createElement('canvas');
  canvas.width = Math.max(200, width);
  canvas.height = heightOnMedium(suggestedHeight(definition, canvas.width, false));
  canvas.setAttribute('role', 'img');
  canvas.setAttribute('aria-label', `Chart: ${definition.title}. Its numbers are in the table that follows.`);
  return canvas;
}

function heightOnMedium(height: number): number {
  if (!matchMedia('print').matches) return height;
  return Math.round(AXES_PX + (height - AXES_PX) * PAPER_SHARE);
}

function legend(
  definition: ChartDefinition,
  swatches: HTMLElement[],
  toggle: (index: number) => boolean,
): HTMLElement {
  const { series, kind } = definition;
  const isUseful = series.length > 1 || series.some(({ certainty }) => certainty !== 'measured');
  if (!isUseful) return createElement('div');
  const buttons = series.map((entry, index) => {
    const swatch = createElement('span', `swatch ${kind === 'line' ? 'line' : 'area'} ${entry.certainty}`);
    swatches[index] = swatch;
    const button = createElement('button', '', [swatch, createElement('span', '', seriesLabel(entry))]);
    button.type = 'button';
    button.setAttribute('aria-pressed', 'true');
    button.addEventListener('click', () => button.setAttribute('aria-pressed', String(toggle(index))));
    return button;
  });
  const group = createElement('div', 'legend', buttons);
  group.setAttribute('role', 'group');
  group.setAttribute('aria-label', `Series of ${definition.title}: press to switch off or on`);
  return group;
}

/** The table is made when it is first opened: a saw-tooth has thousands of points. */
function numbers(definition: ChartDefinition): HTMLElement {
  const details = createElement('details', '', [createElement('summary', '', 'Numbers of this chart')]);
  details.addEventListener('toggle', () => {
    if (details.childElementCount === 1) details.append(sortableTable(chartTable(definition)));
  });
  return details;
}

function colorOf({ series }: ChartDefinition, index: number, theme: ThemeName): string {
  const color = series[index]?.color;
  return color === undefined ? '' : chartTheme(theme).colors[color];
}
