import { SUITE_NAMES } from '../model/suite-names.js';
import { applyOverrides, type Overrides } from '../scenario/apply-overrides.js';
import { parseScenario } from '../scenario/parse-scenario.js';
import type { Scenario } from '../scenario/scenario.js';
import type { GuestSize } from './matrix.js';

/** What hosts are asked to do, to learn what they pay. Nothing of it is what validations are made of. */
export interface CalibrationCases {
  /** Bulk transfers, in the clear and with each suite alone, with packets of different sizes. */
  readonly transfers: readonly TransferCase[];
  /** Guests that write nothing: with few pages in use and with many in the clear, with many under each suite alone and under two. */
  readonly migrations: readonly Scenario[];
  /** Guests that are watched while they run at the source: one that writes nothing, and one that writes. */
  readonly guests: readonly [still: Scenario, writing: Scenario];
}

export interface TransferCase {
  readonly esp: string | null;
  readonly ah: string | null;
  readonly scenario: Scenario;
}

const IN_THE_CLEAR = { esp: null, ah: null };
const MTUS: readonly Overrides[] = [{ mtu: '1500' }, { mtu: '9000' }];
/** What a packet costs and what a byte costs is told apart best where the numbers of packets differ most. */
const SMALL: Overrides = { mtu: '1500', mss: '600' };

interface GuestProfile {
  readonly memory: string;
  /** Pages with content and zero pages in different proportions. */
  readonly few: string;
  readonly many: string;
  readonly rate: string;
}

const GUESTS: Readonly<Record<GuestSize, GuestProfile>> = {
  small: { memory: '16MiB', few: '1MiB', many: '12MiB', rate: '1000pages/s' },
  large: { memory: '1GiB', few: '64MiB', many: '768MiB', rate: '20000pages/s' },
};

/** @param suites to learn the costs of */
export function calibrationCases(
  suites: { readonly esp: readonly string[]; readonly ah: readonly string[] },
  size: GuestSize,
): CalibrationCases {
  const single: { esp: string | null; ah: string | null }[] = [
    ...suites.esp.map((esp) => ({ esp, ah: null })),
    ...suites.ah.map((ah) => ({ esp: null, ah })),
  ];
  const { memory, few, many, rate } = GUESTS[size];
  const still = { memory, filled: many };
  const transfers = [IN_THE_CLEAR, ...single].flatMap(({ esp, ah }) =>
    MTUS.map((mtu) => ({ esp, ah, scenario: scenarioOf({ ...mtu, ...overridesOf(esp, ah) }) })),
  );
  const both =
    suites.esp.length > 0 && suites.ah.length > 0 ? [{ esp: suites.esp[0]!, ah: suites.ah[0]! }] : [];
  const underSuites = [...single, ...both].flatMap(({ esp, ah }) =>
    [SMALL, ...MTUS].map((packets) => scenarioOf({ ...still, ...packets, ...overridesOf(esp, ah) })),
  );
  // In the clear twice: what QEMU takes of all migrations is learned from these, and they are the shortest.
  const inTheClear = [...MTUS, ...MTUS].map((mtu) => scenarioOf({ ...still, ...mtu }));
  const writing = { ...still, workload: 'sequential', rate, workingSet: '1MiB' };
  return {
    transfers,
    migrations: [...Array(2).fill(scenarioOf({ memory, filled: few })), ...inTheClear, ...underSuites],
    guests: [scenarioOf(still), scenarioOf(writing)],
  };
}

function overridesOf(esp: string | null, ah: string | null): Overrides {
  return { ...(esp !== null && { esp }), ...(ah !== null && { ah }) };
}

function scenarioOf(changes: Overrides): Scenario {
  const base = parseScenario(JSON.stringify({ name: 'calibration', guest: { memory: '16MiB' } }), {
    suites: SUITE_NAMES,
  });
  return applyOverrides(base, changes, SUITE_NAMES);
}
