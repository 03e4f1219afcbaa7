import { PICTURE_KINDS, type PictureLetter } from '../exposure/exposure-columns.js';
import { encodeIndexedPng } from './indexed-png.js';

/** Of pictures in a page: they stand on light and on dark ground, and are told apart with the common colour deficiencies. */
export const PICTURE_COLORS: Readonly<Record<PictureLetter, string>> = {
  t: '#1fb489',
  c: '#0072b2',
  d: '#e8a317',
  r: '#c5579a',
  z: '#c9d3dc',
  '?': '#d55e00',
  '.': '#3a424b',
};

const LETTERS = PICTURE_KINDS.map(({ letter }) => letter);
const LEAST_SIDE = 16;

export interface MemoryPng {
  readonly png: Buffer;
  readonly width: number;
  readonly height: number;
}

/** One pixel a cell, line by line, in a picture about as wide as high. */
export function memoryPng(cells: string): MemoryPng {
  const width = Math.max(LEAST_SIDE, 2 ** Math.ceil(Math.log2(Math.max(1, cells.length)) / 2));
  const height = Math.max(1, Math.ceil(cells.length / width));
  const unseen = LETTERS.indexOf('.');
  const pixels = new Uint8Array(width * height).fill(unseen);
  for (let i = 0; i < cells.length; i++) pixels[i] = Math.max(0, LETTERS.indexOf(cells[i] as PictureLetter));
  const palette = LETTERS.map((letter) => PICTURE_COLORS[letter]);
  return { png: encodeIndexedPng(width, height, pixels, palette), width, height };
}
