import stringWidth from 'string-width';

export interface WrapOptions {
  /** Columns of the terminal. */
  readonly width: number;
  /** Put before the first line; default nothing. */
  readonly first?: string;
  /** Put before every other line; default as many spaces as `first` takes. */
  readonly rest?: string;
}

/**
 * Breaks text at spaces into lines of at most `width` columns, but not between a number and its unit; words longer than a line are
 * broken, behind a hyphen, colon or slash if one is near. Words with ANSI sequences stay whole, and a colour goes on in the next line: where
 * that is not wanted, style the lines afterwards.
 */
export function wrapText(text: string, options: WrapOptions): string[] {
  const first = options.first ?? '';
  const rest = options.rest ?? ' '.repeat(stringWidth(first));
  const lines: string[] = [];
  let line = first;
  let isEmpty = true;
  for (const word of splitWords(text)) {
    const room = options.width - stringWidth(rest);
    for (const piece of breakWord(word, Math.max(room, 2))) {
      const joined = isEmpty ? line + piece : `${line} ${piece}`;
      if (isEmpty || stringWidth(joined) <= options.width) {
        line = joined;
      } else {
        lines.push(line);
        line = rest + piece;
      }
      isEmpty = false;
    }
  }
  return [...lines, line];
}

/** What a line break may stand between. */
export function splitWords(text: string): string[] {
  return text.split(/(?<!\d) | (?!(?:%|[kMGTPE]?i?B|[kMGTPE]?bit|ns|us|ms|s|min|h)(?![a-zA-Z]))/);
}

function breakWord(word: string, width: number): string[] {
  if (stringWidth(word) <= width || word.includes('\u001b')) return [word];
  const pieces: string[] = [];
  let piece = '';
  for (const character of word) {
    if (stringWidth(piece + character) > width) {
      const kept = naturalBreak(piece, character);
      pieces.push(piece.slice(0, kept));
      piece = piece.slice(kept);
    }
    piece += character;
  }
  return [...pieces, piece];
}

/**
 * @param next character behind `piece`
 * @returns how much of `piece` to keep in its line: up to the last hyphen, colon or slash if that is most of it, or else a number would break
 */
function naturalBreak(piece: string, next: string): number {
  const end = Math.max(piece.lastIndexOf('-'), piece.lastIndexOf(':'), piece.lastIndexOf('/')) + 1;
  const isInNumber = /[\d.,]$/.test(piece) && /[\d.,]/.test(next);
  return end * 2 >= piece.length || (isInNumber && end > 0) ? end : piece.length;
}

/** Takes the middle out of text wider than `width` columns: `/very/long…/name.pcap`. */
export function shortenMiddle(text: string, width: number): string {
  if (stringWidth(text) <= width) return text;
  const characters = [...text];
  let head = '';
  let tail = '';
  for (let i = 0; i < characters.length; i++) {
    const longer = i % 2 === 0 ? `${characters[characters.length - 1 - i / 2]}${tail}` : tail;
    const longerHead = i % 2 === 1 ? `${head}${characters[(i - 1) / 2]}` : head;
    if (stringWidth(longerHead) + 1 + stringWidth(longer) > width) break;
    head = longerHead;
    tail = longer;
  }
  return `${head}…${tail}`;
}
