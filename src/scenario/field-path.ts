/** Keys from the outermost to a field. */
export type FieldPath = readonly (string | number)[];

/** Something wrong with a written value, and where in it. */
export interface Fault {
  readonly path: FieldPath;
  readonly message: string;
  /** The key itself is wrong, not its value. */
  readonly isKey?: boolean;
}

/** More than anybody reads. */
export const MAX_FAULTS = 200;

/** `guest.workload.groups[3].pages` */
export function dotted(path: FieldPath): string {
  return path
    .map((key) => (typeof key === 'number' ? `[${key}]` : `.${key}`))
    .join('')
    .replace(/^\./, '');
}

/** What stands at `path`; undefined if nothing does. */
export function memberAt(value: unknown, path: FieldPath): unknown {
  return path.reduce<unknown>(
    (parent, key) =>
      typeof parent === 'object' && parent !== null && Object.hasOwn(parent, key)
        ? (parent as Record<string | number, unknown>)[key]
        : undefined,
    value,
  );
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
