import { SUITE_NAMES } from '../model/suite-names.js';
import { applyOverrides, type Overrides } from '../scenario/apply-overrides.js';
import { parseScenario } from '../scenario/parse-scenario.js';
import type { Scenario } from '../scenario/scenario.js';
import type { GuestSize } from './matrix.js';

/** What hosts are asked to do, to learn what they pay. Nothing of it is what validations are made of. */
export interface CalibrationCases {
  /** Bulk transfers, in the clear and with each suite alone, with packets of different sizes. */
  readonly transfers: readonly TransferCase[];
  /** Guests that write nothing. They are migrated in the clear. */
  readonly migrations: readonly Scenario[];
  /** Guests that are watched while they run at the source: one that writes nothing, and one that writes. */
  readonly guests: readonly [still: Scenario, writing: Scenario];
}

export interface TransferCase {
  readonly esp: string | null;
  readonly ah: string | null;
  readonly scenario: Scenario;
}

const MTUS = ['1500', '4000', '9000'];

/** Pages with content and zero pages in different proportions. */
const GUESTS: Readonly<
  Record<GuestSize, { readonly memory: string; readonly fills: readonly string[]; readonly rate: string }>
> = {
  small: { memory: '16MiB', fills: ['1MiB', '12MiB', '1MiB', '12MiB'], rate: '1000pages/s' },
  large: { memory: '1GiB', fills: ['64MiB', '768MiB', '64MiB', '768MiB'], rate: '20000pages/s' },
};

/** @param suites to learn the costs of */
export function calibrationCases(
  suites: { readonly esp: readonly string[]; readonly ah: readonly string[] },
  size: GuestSize,
): CalibrationCases {
  const protections: { esp: string | null; ah: string | null }[] = [
    { esp: null, ah: null },
    ...suites.esp.map((esp) => ({ esp, ah: null })),
    ...suites.ah.map((ah) => ({ esp: null, ah })),
  ];
  const transfers = protections.flatMap(({ esp, ah }) =>
    MTUS.map((mtu) => ({
      esp,
      ah,
      scenario: scenarioOf({ mtu, ...(esp !== null && { esp }), ...(ah !== null && { ah }) }),
    })),
  );
  const { memory, fills, rate } = GUESTS[size];
  const still = scenarioOf({ memory, filled: fills[1]! });
  const writing = scenarioOf({ memory, filled: fills[1]!, workload: 'sequential', rate, workingSet: '1MiB' });
  return {
    transfers,
    migrations: fills.map((filled) => scenarioOf({ memory, filled })),
    guests: [still, writing],
  };
}

function scenarioOf(changes: Overrides): Scenario {
  const base = parseScenario(JSON.stringify({ name: 'calibration', guest: { memory: '16MiB' } }), {
    suites: SUITE_NAMES,
  });
  return applyOverrides(base, changes, SUITE_NAMES);
}
