/**
 * Colours by meaning, for white and for dark ground.
 *
 * Theory of operation: lines take the hues of Okabe and Ito (2008, "Color Universal Design"), which people with any of
 * the common colour deficiencies tell apart; lighter variants stand on dark ground. Thirteen hues that all can tell apart do
 * not exist, so byte owners come in three families, and inside a family in steps of lightness: payload blue, what every network adds
 * grey, what IPsec adds from yellow to dark red. Neighbours in a stack are also parted by a gap.
 */
type Pair = readonly [light: string, dark: string];

const COLORS = {
  blue: ['#0072b2', '#4ea8e6'],
  vermilion: ['#d55e00', '#ff8347'],
  green: ['#009e73', '#2bc194'],
  pink: ['#b8558f', '#dd6fb0'],
  orange: ['#d99000', '#f5b83d'],
  sky: ['#3d9bd1', '#9bd4f5'],
  graphite: ['#4a5058', '#dde2e8'],

  payload: ['#0072b2', '#4ea8e6'],
  transport: ['#3f464f', '#d8dde3'],
  innerIp: ['#6b737d', '#adb5bf'],
  ip: ['#98a0aa', '#868f9a'],
  link: ['#c3c9d0', '#626b76'],
  other: ['#e0e4e8', '#454d57'],
  udpEncap: ['#ffe08a', '#fff0bd'],
  ah: ['#fcc84c', '#ffdb7a'],
  espHeader: ['#f5a623', '#ffc04d'],
  espIv: ['#e57f12', '#fb9c3a'],
  espPadding: ['#cf5a0e', '#ea7837'],
  espTrailer: ['#a93c14', '#cf5732'],
  espIcv: ['#7a2415', '#a83e2c'],
} as const satisfies Record<string, Pair>;

export type ColorRole = keyof typeof COLORS;

export type ThemeName = 'light' | 'dark';

export interface ChartTheme {
  readonly background: string;
  readonly text: string;
  readonly faintText: string;
  readonly grid: string;
  readonly colors: Readonly<Record<ColorRole, string>>;
}

/** Hues that can be told apart as lines, most telling first. */
export const LINE_COLORS = [
  'blue',
  'vermilion',
  'green',
  'pink',
  'orange',
  'sky',
  'graphite',
] as const satisfies readonly ColorRole[];

const LIGHT: ChartTheme = {
  background: '#ffffff',
  text: '#1c2127',
  faintText: '#5a636e',
  grid: '#e3e7eb',
  colors: colorsOf(0),
};

const DARK: ChartTheme = {
  background: '#14181d',
  text: '#e8ebef',
  faintText: '#a3acb7',
  grid: '#2c333b',
  colors: colorsOf(1),
};

export function chartTheme(name: ThemeName): ChartTheme {
  return name === 'dark' ? DARK : LIGHT;
}

function colorsOf(index: 0 | 1): Record<ColorRole, string> {
  return Object.fromEntries(Object.entries(COLORS).map(([role, pair]) => [role, pair[index]])) as Record<
    ColorRole,
    string
  >;
}

/** `#rrggbb` with an opacity of 0 to 1: `#rrggbbaa`. */
export function withOpacity(color: string, opacity: number): string {
  return (
    color +
    Math.round(opacity * 255)
      .toString(16)
      .padStart(2, '0')
  );
}
