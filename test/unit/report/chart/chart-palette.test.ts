import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ChartTheme, chartTheme, LINE_COLORS } from '../../../../src/report/chart/chart-palette.js';

type Rgb = readonly [number, number, number];

/** Linear light, 0 to 1 (IEC 61966-2-1). */
function linear(hex: string): Rgb {
  return [1, 3, 5].map((at) => {
    const value = Number.parseInt(hex.slice(at, at + 2), 16) / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  }) as unknown as Rgb;
}

/** WCAG 2.2, definition of contrast ratio. */
function contrast(a: string, b: string): number {
  const luminance = (hex: string) => {
    const [red, green, blue] = linear(hex);
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const [dark = 0, light = 0] = [luminance(a), luminance(b)].sort((x, y) => x - y);
  return (light + 0.05) / (dark + 0.05);
}

/** Severity 1 (Machado, Oliveira and Fernandes 2009, table 1), on linear light. */
const DEFICIENCIES = {
  none: [
    [1, 0, 0],
    [0, 1, 0],
    [0, 0, 1],
  ],
  protanopia: [
    [0.152286, 1.052583, -0.204868],
    [0.114503, 0.786281, 0.099216],
    [-0.003882, -0.048116, 1.051998],
  ],
  deuteranopia: [
    [0.367322, 0.860646, -0.227968],
    [0.280085, 0.672501, 0.047413],
    [-0.01182, 0.04294, 0.968881],
  ],
  tritanopia: [
    [1.255528, -0.076749, -0.178779],
    [-0.078411, 0.930809, 0.147602],
    [0.004733, 0.691367, 0.3039],
  ],
} as const;

/** CIE 1976 L*a*b*, D65. */
function lab([red, green, blue]: Rgb): Rgb {
  const x = (0.4124 * red + 0.3576 * green + 0.1805 * blue) / 0.9505;
  const y = 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  const z = (0.0193 * red + 0.1192 * green + 0.9505 * blue) / 1.089;
  const f = (t: number) => (t > 216 / 24389 ? Math.cbrt(t) : (t * 24389) / 27 / 116 + 16 / 116);
  return [116 * f(y) - 16, 500 * (f(x) - f(y)), 200 * (f(y) - f(z))];
}

function seenWith(deficiency: keyof typeof DEFICIENCIES, hex: string): Rgb {
  const color = linear(hex);
  const seen = DEFICIENCIES[deficiency].map((row) =>
    Math.min(
      1,
      Math.max(
        0,
        row.reduce<number>((sum, factor, i) => sum + factor * (color[i] ?? 0), 0),
      ),
    ),
  );
  return lab(seen as unknown as Rgb);
}

function distance(a: Rgb, b: Rgb): number {
  return Math.hypot(a[0] - b[0], a[1] - b[1], a[2] - b[2]);
}

const THEMES: readonly (readonly [string, ChartTheme])[] = [
  ['light', chartTheme('light')],
  ['dark', chartTheme('dark')],
];

for (const [name, theme] of THEMES) {
  test(`text is readable on ${name} ground`, () => {
    assert.ok(contrast(theme.text, theme.background) >= 7);
    assert.ok(contrast(theme.faintText, theme.background) >= 4.5);
  });

  // WCAG 2.2 success criterion 1.4.11 asks 3; lines of 2 pixels with a legend are allowed a little less.
  test(`lines stand out from ${name} ground`, () => {
    for (const color of LINE_COLORS) {
      const ratio = contrast(theme.colors[color], theme.background);
      assert.ok(ratio >= 2.5, `${color}: ${ratio.toFixed(2)}`);
    }
  });

  for (const deficiency of Object.keys(DEFICIENCIES) as (keyof typeof DEFICIENCIES)[]) {
    test(`the lines of a chart differ on ${name} ground for people with ${deficiency}`, () => {
      for (const [i, a] of LINE_COLORS.entries()) {
        for (const b of LINE_COLORS.slice(0, i)) {
          const apart = distance(
            seenWith(deficiency, theme.colors[a]),
            seenWith(deficiency, theme.colors[b]),
          );
          assert.ok(apart >= 10, `${a} and ${b}: ${apart.toFixed(1)}`);
        }
      }
    });
  }

  test(`what IPsec adds goes in steps of lightness on ${name} ground`, () => {
    const parts = ['udpEncap', 'ah', 'espHeader', 'espIv', 'espPadding', 'espTrailer', 'espIcv'] as const;
    const lightness = parts.map((part) => lab(linear(theme.colors[part]))[0]);
    for (const [i, value] of lightness.slice(1).entries()) {
      assert.ok(lightness[i]! - value >= 4, `${parts[i]} to ${parts[i + 1]}: ${lightness[i]} to ${value}`);
    }
  });
}
