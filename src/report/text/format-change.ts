import { formatShare } from './format-quantity.js';

/** `+2.4 %`, `-0.3 %`, `same`; next to nothing is `< +0.1 %`, `> -0.1 %` */
export function formatChange(change: number, of: number): string {
  if (change === 0) return 'same';
  const [, limit = '', share = ''] = /^([<>] )?(.*)$/.exec(formatShare(Math.abs(change), of))!;
  if (change > 0) return `${limit}+${share}`;
  return `${limit === '' ? '' : limit === '< ' ? '> ' : '< '}-${share}`;
}
