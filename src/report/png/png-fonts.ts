import { createRequire } from 'node:module';
import type { GlobalFonts } from '@napi-rs/canvas';

/** Not the font's own name: an installed Inter of another version must not take its place. */
export const PNG_FONT_FAMILY = 'Tare Inter';

const WEIGHTS = [400, 600] as const;
/** A file each, as browsers load them: together they hold Western and Eastern European Latin, Greek and Cyrillic. */
const SCRIPTS = ['latin', 'latin-ext', 'greek', 'cyrillic'] as const;

let isRegistered = false;

/**
 * Makes the font of the `@fontsource/inter` package known to the canvas, once. Pictures then look the same on every machine, and
 * have text where no font is installed at all.
 * @throws Error if a file is missing or is not a font
 */
export function registerPngFonts(fonts: typeof GlobalFonts): void {
  if (isRegistered) return;
  const require = createRequire(import.meta.url);
  for (const script of SCRIPTS) {
    for (const weight of WEIGHTS) {
      const path = require.resolve(`@fontsource/inter/files/inter-${script}-${weight}-normal.woff2`);
      if (fonts.registerFromPath(path, PNG_FONT_FAMILY) === null) {
        throw new Error(`${path} cannot be read as a font: install the npm packages again (npm ci)`);
      }
    }
  }
  isRegistered = true;
}
