/** Shorter texts show nothing of themselves. */
const LEAST_TO_SHOW = 12;
const SHOWN = 4;
const MOST_DOTS = 24;

/** What can be said of recovered content without giving it away: how it begins, and how long it is. */
export function maskText(text: string): string {
  const characters = [...text];
  const shown = characters.length >= LEAST_TO_SHOW ? characters.slice(0, SHOWN).join('') : '';
  const rest = characters.length - [...shown].length;
  return `${shown}${'•'.repeat(Math.min(rest, MOST_DOTS))} (${characters.length} characters)`;
}
