import { SUITE_NAMES } from '../model/suite-names.js';
import { applyOverrides, type Overrides } from '../scenario/apply-overrides.js';
import { PUBLISHED_MSSS, PUBLISHED_PROTECTIONS } from '../scenario/catalogue.js';
import { parseScenario } from '../scenario/parse-scenario.js';
import type { Scenario } from '../scenario/scenario.js';

export const MATRIX_NAMES = ['quick', 'published', 'full'] as const;
export type MatrixName = (typeof MATRIX_NAMES)[number];

/** A migration that is predicted and carried out. Its scenario's name is unique in a matrix. */
export interface PlannedCase {
  /** To be read in tables: `AH+ESP, MTU 9000`. */
  readonly title: string;
  readonly scenario: Scenario;
}

/** `small` is for emulated machines, which carry some megabytes a second; `large` for real ones. */
export type GuestSize = 'small' | 'large';

interface GuestProfile {
  readonly base: Overrides;
  /** Rates of writing to a large working set. */
  readonly dirty: Overrides;
  readonly dirtyRates: readonly string[];
  readonly limit: string;
  /** Writes faster than it is allowed to send. */
  readonly endless: Overrides;
}

/**
 * The small guest rewrites a working set so small that it makes little difference how often it is sent: what is asked of most
 * cases is what the channel costs, and a machine that is slow for a moment should not change the answer. None is idle: guests that write
 * nothing are what calibrations are made with.
 */
const GUESTS: Readonly<Record<GuestSize, GuestProfile>> = {
  small: {
    base: {
      memory: '16MiB',
      filled: '8MiB',
      workload: 'sequential',
      rate: '100pages/s',
      workingSet: '64KiB',
      downtimeLimit: '1s',
      timeout: '120s',
    },
    dirty: { workingSet: '2MiB', downtimeLimit: '300ms' },
    dirtyRates: ['50pages/s', '100pages/s', '400pages/s'],
    limit: '4MB/s',
    endless: {
      rate: '1000pages/s',
      workingSet: '2MiB',
      maxBandwidth: '1MB/s',
      downtimeLimit: '300ms',
      timeout: '15s',
    },
  },
  large: {
    base: {
      memory: '1GiB',
      filled: '512MiB',
      workload: 'sequential',
      rate: '1000pages/s',
      workingSet: '64MiB',
      timeout: '300s',
    },
    dirty: { workingSet: '256MiB' },
    dirtyRates: ['1000pages/s', '4000pages/s', '16000pages/s'],
    limit: '50MB/s',
    endless: { rate: '20000pages/s', workingSet: '256MiB', maxBandwidth: '20MB/s', timeout: '60s' },
  },
};

const MTUS = ['1500', '9000'];
const PUBLISHED_MTUS = ['1500', '3000', '6000', '9000'];
const GCM = { esp: 'aes128gcm16' };
const CBC = { esp: 'aes128-sha256' };

/** What `full` tries if nothing is said. */
const SUITES = ['aes128gcm16', 'aes256gcm16', 'chacha20poly1305', 'null-sha1'];

/**
 * The cases of a matrix.
 * @param suites ESP suites that can be predicted; `full` tries them all
 */
export function matrixCases(
  name: MatrixName,
  size: GuestSize,
  suites: readonly string[] = SUITES,
): PlannedCase[] {
  const guest = GUESTS[size];
  if (name === 'quick') return quickCases(guest);
  if (name === 'published') return publishedCases(guest);
  return [...quickCases(guest), ...suiteCases(guest, suites), ...otherCases(guest), ...guestCases(guest)];
}

/** Suites that costs are needed of, once each. */
export function suitesToCalibrate(cases: readonly PlannedCase[]): { esp: string[]; ah: string[] } {
  const named = (of: (scenario: Scenario) => string | null) => [
    ...new Set(cases.flatMap(({ scenario }) => of(scenario) ?? [])),
  ];
  return { esp: named(({ ipsec }) => ipsec.esp), ah: named(({ ipsec }) => ipsec.ah) };
}

function quickCases(guest: GuestProfile): PlannedCase[] {
  return PUBLISHED_PROTECTIONS.flatMap(({ key, title, ipsec }) =>
    MTUS.map((mtu) => plan(guest, `${key}-${mtu}`, `${short(title)}, MTU ${mtu}`, { ...ipsec, mtu })),
  );
}

/** The questions of the published experiment: with and without IPsec, MTU by MTU, default and maximal MSS. */
function publishedCases(guest: GuestProfile): PlannedCase[] {
  return PUBLISHED_PROTECTIONS.flatMap(({ key, title, ipsec }) =>
    PUBLISHED_MTUS.flatMap((mtu) =>
      PUBLISHED_MSSS.map(({ key: mssKey, mss }) =>
        plan(
          guest,
          `published-${key}-${mtu}-${mssKey}`,
          `${short(title)}, MTU ${mtu}${mss === 'auto' ? '' : `, MSS ${mss}`}`,
          {
            ...ipsec,
            mtu,
            mss: String(mss),
          },
        ),
      ),
    ),
  );
}

function suiteCases(guest: GuestProfile, suites: readonly string[]): PlannedCase[] {
  return suites
    .filter((esp) => esp !== CBC.esp)
    .map((esp) => plan(guest, `suite-${esp}`, `ESP ${esp}, MTU 1500`, { esp, mtu: '1500' }));
}

function otherCases(guest: GuestProfile): PlannedCase[] {
  return [
    plan(guest, 'tunnel', 'ESP in tunnel mode', { ...CBC, mode: 'tunnel' }),
    plan(guest, 'nat-t', 'ESP in UDP, tunnel mode', { ...GCM, mode: 'tunnel', encap: 'true' }),
    plan(guest, 'ipv6', 'ESP over IPv6', { ...CBC, family: 'ipv6' }),
    plan(guest, 'multifd', 'ESP, two multifd channels', { ...GCM, channels: '2', mtu: '9000' }),
    plan(guest, 'loss', 'ESP, 0.5 % of packets lost', { ...GCM, loss: '0.5%' }),
    plan(guest, 'delay', 'ESP, 20 ms round trip', { ...GCM, rtt: '20ms' }),
    plan(guest, 'max-bandwidth', `ESP, at most ${spaced(guest.limit)}`, {
      ...GCM,
      maxBandwidth: guest.limit,
    }),
  ];
}

function guestCases(guest: GuestProfile): PlannedCase[] {
  return [
    ...guest.dirtyRates.map((rate) =>
      plan(guest, `writes-${Number.parseInt(rate, 10)}`, `ESP, guest writes ${spaced(rate)}`, {
        ...guest.dirty,
        ...GCM,
        rate,
      }),
    ),
    plan(guest, 'endless', 'ESP, guest writes faster than is sent', { ...GCM, ...guest.endless }),
  ];
}

function plan(guest: GuestProfile, name: string, title: string, changes: Overrides): PlannedCase {
  const base = parseScenario(JSON.stringify({ name, description: `${title}.`, guest: { memory: '4GiB' } }), {
    suites: SUITE_NAMES,
  });
  return { title, scenario: applyOverrides(base, { ...guest.base, ...changes }, SUITE_NAMES) };
}

/** `4MB/s` as people read it. */
function spaced(quantity: string): string {
  return quantity.replace(/^\d+/, '$& ');
}

/** As a table has room for it. */
function short(title: string): string {
  return title === 'in the clear' ? 'Clear' : title;
}
