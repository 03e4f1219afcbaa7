/**
 * Writes words as a command line of a POSIX shell. ssh knows nothing better than a line that the login shell of the other side
 * takes apart; this is the only place where one is put together.
 */

/** The kernel's MAX_ARG_STRLEN: the whole line reaches the login shell as one argument, with a NUL behind it. */
const MAX_LINE_BYTES = 131_071;

/**
 * @returns a line that a POSIX shell (sh, dash, bash, ksh, zsh, busybox) splits into exactly these words
 * @throws TypeError if a word contains NUL, which no argument can
 * @throws RangeError if the line would be longer than Linux takes
 */
export function quoteCommand(words: readonly string[]): string {
  const line = words.map(quoteWord).join(' ');
  const bytes = Buffer.byteLength(line);
  if (bytes > MAX_LINE_BYTES) {
    throw new RangeError(
      `arguments of ${bytes} bytes are more than the ${MAX_LINE_BYTES} that fit a command: hand them over on standard input`,
    );
  }
  return line;
}

/** Within single quotes every byte stands for itself, only the quote cannot occur. */
function quoteWord(word: string): string {
  if (word.includes('\0')) throw new TypeError('an argument cannot contain NUL');
  return `'${word.replaceAll("'", "'\\''")}'`;
}
