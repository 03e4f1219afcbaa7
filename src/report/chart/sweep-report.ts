import type { SweepRow } from '../../result/sweep-row.js';
import { protectionName } from '../run/protection-name.js';

/** What a report of `tare sweep` is made of. */
export interface SweepReport {
  /** Names of the scenarios that were varied. */
  readonly scenarios: readonly string[];
  readonly axes: readonly { readonly name: string; readonly values: readonly string[] }[];
  /** In the grid's order. */
  readonly rows: readonly SweepRow[];
  readonly level: 'analytic' | 'packet';
  /** Of each point. */
  readonly samples: number;
}

/** What distinguishes a point: the scenario where there are several, and what the grid set. */
export function pointLabel(
  row: SweepRow,
  { scenarios, axes }: SweepReport,
  without: readonly string[] = [],
): string {
  const names = axes
    .filter(({ name, values }) => values.length > 1 && !without.includes(name))
    .map(({ name }) => name);
  const isBoth = names.includes('esp') && names.includes('ah');
  const settings = names
    .filter((name) => !(isBoth && name === 'ah'))
    .map((name) =>
      isBoth && name === 'esp' ? protectionText(row.settings) : settingText(name, row.settings[name] ?? ''),
    );
  return [...(scenarios.length > 1 ? [row.scenario] : []), ...settings].join(', ');
}

/** `aes128gcm16 in AH sha256` */
function protectionText({ esp = 'none', ah = 'none' }: SweepRow['settings']): string {
  const orNull = (name: string) => (name === 'none' ? null : name);
  return protectionName({ esp: orNull(esp), ah: orNull(ah) });
}

const SPEAKS_FOR_ITSELF = new Set(['esp', 'protection']);

function settingText(name: string, value: string): string {
  if (SPEAKS_FOR_ITSELF.has(name)) return value === 'none' ? `no ${name.toUpperCase()}` : value;
  return `${name} ${value}`;
}

/** What the values of an axis count, as numbers; null if they are names or differ in their unit. */
export function axisNumbers(
  { axes }: SweepReport,
  name: string,
): { readonly numbers: ReadonlyMap<string, number>; readonly unit: string } | null {
  const values = axes.find((axis) => axis.name === name)?.values ?? [];
  const parts = values.map((value) => /^(\d+(?:\.\d+)?)\s*([a-z%/]*)$/i.exec(value));
  const unit = parts[0]?.[2];
  if (values.length < 2 || unit === undefined) return null;
  if (parts.some((part) => part === null || part[2] !== unit)) return null;
  return { numbers: new Map(values.map((value, i) => [value, Number(parts[i]![1])])), unit };
}
