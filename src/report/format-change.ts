import { formatShare } from './format-quantity.js';

/** `+2.4 %`, `-0.3 %`, `same` */
export function formatChange(change: number, of: number): string {
  if (change === 0) return 'same';
  return `${change > 0 ? '+' : '-'}${formatShare(Math.abs(change), of)}`;
}
