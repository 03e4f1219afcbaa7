const EIGHTHS = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'] as const;

/**
 * A curve of one line: a column a value, oldest left. Nothing at all is a space, so that little can be told from nothing.
 * @param peak what a full column stands for
 */
export function sparkline(values: readonly number[], peak: number): string {
  return values
    .map((value) => {
      if (!(value > 0) || !(peak > 0)) return ' ';
      return EIGHTHS[Math.min(7, Math.max(0, Math.ceil((value / peak) * 8) - 1))];
    })
    .join('');
}
