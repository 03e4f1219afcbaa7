/**
 * Controls (C0, DEL, C1), format characters (bidirectional overrides, zero-width characters), line and paragraph
 * separators, lone surrogates: whatever could steer a terminal or make text look like other text.
 */
const UNSAFE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu;

/**
 * Makes text from a capture, a file name or an error message safe to print on one line of a terminal.
 * @returns the text with unsafe characters written as `\x1b`, `\u202e` or `\u{e0001}`
 */
export function escapeTerminal(text: string): string {
  return text.replace(UNSAFE, escapeCharacter);
}

function escapeCharacter(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  const hex = code.toString(16);
  if (code < 0x100) return `\\x${hex.padStart(2, '0')}`;
  return code < 0x1_0000 ? `\\u${hex.padStart(4, '0')}` : `\\u{${hex}}`;
}
