const UNSAFE = /[\p{Cf}\p{Zl}\p{Zp}\u007f-\u009f]/gu;

/**
 * JSON for stdout: indented by two, keys in the order of the value, ending in a line feed. What JSON would leave as it is
 * but a terminal could act on (C1 controls, bidirectional overrides) is written as `\u` escapes; it parses to the same.
 */
export function renderJson(value: unknown): string {
  return `${JSON.stringify(value, null, 2).replace(UNSAFE, escapeUnits)}\n`;
}

/** The same on one line, for streams of JSON. */
export function renderJsonLine(value: unknown): string {
  return `${JSON.stringify(value).replace(UNSAFE, escapeUnits)}\n`;
}

/** @returns one `\uXXXX` for each UTF-16 unit */
function escapeUnits(character: string): string {
  let escaped = '';
  for (let i = 0; i < character.length; i++) {
    escaped += `\\u${character.charCodeAt(i).toString(16).padStart(4, '0')}`;
  }
  return escaped;
}
