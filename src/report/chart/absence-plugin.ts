import type { Chart, Plugin } from 'chart.js';
import type { ChartDefinition } from './chart-definition.js';
import type { ChartTheme } from './chart-palette.js';

const CROSS_PX = 4;
const ROW_PX = 13;

/** Crosses at the upper edge where a line has no value: a row for each series, in its colour. */
export function absencePlugin(definition: ChartDefinition, theme: ChartTheme): Plugin {
  return {
    id: 'absence',
    afterDatasetDraw: (chart, { index }) => {
      if (definition.kind !== 'line') return;
      const series = definition.series[index];
      const rows = definition.series.filter(({ absent = [] }) => absent.length > 0);
      if (series === undefined || !rows.includes(series)) return;
      const middle = chart.chartArea.top + ROW_PX * (rows.indexOf(series) + 0.5) + 2;
      drawCrosses(chart, series.absent ?? [], middle, theme.colors[series.color]);
    },
  };
}

/** Room that the crosses take above the lines, in CSS pixels. */
export function absenceHeight(definition: ChartDefinition): number {
  if (definition.kind !== 'line') return 0;
  return ROW_PX * definition.series.filter(({ absent = [] }) => absent.length > 0).length;
}

function drawCrosses(chart: Chart, xs: readonly number[], middle: number, color: string): void {
  const { x } = chart.scales;
  if (x === undefined) return;
  const { ctx } = chart;
  ctx.save();
  ctx.strokeStyle = color;
  ctx.lineWidth = 2;
  ctx.beginPath();
  for (const at of xs) {
    const pixel = x.getPixelForValue(at);
    ctx.moveTo(pixel - CROSS_PX, middle - CROSS_PX);
    ctx.lineTo(pixel + CROSS_PX, middle + CROSS_PX);
    ctx.moveTo(pixel - CROSS_PX, middle + CROSS_PX);
    ctx.lineTo(pixel + CROSS_PX, middle - CROSS_PX);
  }
  ctx.stroke();
  ctx.restore();
}
