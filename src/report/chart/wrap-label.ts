/** Breaks a label at spaces into lines of at most `columns` characters; longer words are broken, nothing is lost. */
export function wrapLabel(text: string, columns: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ').flatMap((whole) => breakWord(whole, columns))) {
    if (line !== '' && line.length + 1 + word.length > columns) {
      lines.push(line);
      line = '';
    }
    line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, line];
}

function breakWord(word: string, columns: number): string[] {
  const characters = [...word];
  const count = Math.max(1, Math.ceil(characters.length / columns));
  return Array.from({ length: count }, (_, i) => characters.slice(i * columns, (i + 1) * columns).join(''));
}
