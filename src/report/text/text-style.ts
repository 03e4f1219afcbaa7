import { styleText } from 'node:util';

/** Marks text by what it means; without colour every function returns its argument. */
export interface TextStyle {
  heading(text: string): string;
  faint(text: string): string;
  good(text: string): string;
  caution(text: string): string;
  bad(text: string): string;
}

/** @param color whether to write ANSI escape sequences at all; who prints decides (NO_COLOR, a terminal or not) */
export function createTextStyle(color: boolean): TextStyle {
  const mark = (format: Parameters<typeof styleText>[0]) => (text: string) =>
    // Newer versions of Node ask stdout whether it wants colour unless told not to.
    color ? styleText(format, text, { validateStream: false }) : text;
  return {
    heading: mark('bold'),
    faint: mark('dim'),
    good: mark('green'),
    caution: mark('yellow'),
    bad: mark('red'),
  };
}
