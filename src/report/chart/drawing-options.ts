import type { ChartTheme } from './chart-palette.js';

export interface DrawingOptions {
  readonly theme: ChartTheme;
  /** CSS font family list. */
  readonly fontFamily: string;
  /** CSS pixels: narrow charts break their labels earlier. */
  readonly width: number;
  /** Whether title, subtitle and legend are part of the picture; in HTML they are text around it. */
  readonly withHeading: boolean;
}

export const FONT_PX = 12;

/** Chart.js takes the family of titles from its global defaults, which are not ours to change: each font is given whole. */
export function chartFont({ fontFamily: family }: DrawingOptions, size = FONT_PX, weight: 400 | 600 = 400) {
  return { family, size, weight };
}
