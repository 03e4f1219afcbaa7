import type { PlanResult } from '../../plan/plan-result.js';
import { weaknessOf } from '../../plan/plan-settings.js';
import type { PlanRow } from '../../plan/rows.js';

/** Protections that cost the same at every MTU and MSS of a plan, and protect alike. */
export interface AlikeSuites {
  /** In the order asked for: the first stands for all. */
  readonly names: readonly string[];
  /** Of the first. */
  readonly rows: readonly PlanRow[];
  /** What they leave open: `readable`, `can be forged`; empty if nothing. */
  readonly weakness: string;
  /** Index of the first in the settings' protections. */
  readonly index: number;
}

/** The one asked for comes first, then those with the fewest bytes. */
export function groupAlikeSuites({ settings, rows }: PlanResult): AlikeSuites[] {
  const { protections } = settings;
  const rowsEach = rows.length / protections.length;
  const groups = new Map<string, AlikeSuites & { names: string[] }>();
  protections.forEach((protection, index) => {
    const own = rows.slice(index * rowsEach, (index + 1) * rowsEach);
    const weakness = weaknessOf(protection);
    const key = `${weakness} ${protection.esp === null} ${own.map(({ wireBytes, mssBytes }) => `${wireBytes}/${mssBytes}`).join()}`;
    const names = [protection.esp?.name ?? protection.ah!.name, ...(protection.alike ?? [])].map((name) =>
      protection.esp === null ? `AH ${name}` : name,
    );
    const group = groups.get(key);
    if (group === undefined) groups.set(key, { names, rows: own, weakness, index });
    else group.names.push(...names.filter((name) => !group.names.includes(name)));
  });
  const [asked, ...others] = groups.values();
  return [asked!, ...others.sort((a, b) => a.rows[0]!.wireBytes - b.rows[0]!.wireBytes)];
}
