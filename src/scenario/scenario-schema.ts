import { z } from 'zod';
import {
  ADDRESS_FAMILIES,
  CONGESTION_CONTROLS,
  IPSEC_MODES,
  PAGE_BYTES,
  SCENARIO_SCHEMA,
} from './scenario.js';
import {
  bitRate,
  byteRate,
  choice,
  duration,
  expected,
  memorySize,
  noneOf,
  orWord,
  packetCount,
  pageRate,
  partOfMemory,
  plainNumber,
  share,
  suiteName,
  text,
  wholeNumber,
  yesOrNo,
} from './scenario-codecs.js';
import { type Complaints, checkGuest, checkIpsec, checkMigration, checkNetwork } from './scenario-rules.js';

/**
 * The written form of a scenario, `tare.scenario/1` (docs/FORMATS.md): what each field may be, what it is when it is left
 * out, and how it is written back. Decoding gives numbers in the units of `Scenario`, still under the written names.
 *
 * Where a default comes from:
 * - QEMU, migration/options.c: max-bandwidth 128 MiB/s (MAX_THROTTLE), downtime-limit 300 ms, XBZRLE cache 64 MiB; multifd,
 *   auto-converge, XBZRLE and post-copy are off unless asked for.
 * - Linux: queue of 1000 packets (DEFAULT_TX_QUEUE_LEN, include/net/pkt_sched.h), CUBIC (net/ipv4/Kconfig), transport mode
 *   and no ESN (ip-xfrm(8)), MTU 1500 (ETH_DATA_LEN), MSS from the path MTU (`tcp_mtu_to_mss`).
 * - Neither knows these, and they are assumptions: all memory filled, an idle guest, 10 Gbit/s, a round trip of 200 us, no
 *   loss, two cores on each side, ten minutes until a migration counts as not converging.
 */

const MEBI = 2 ** 20;
const MAX_MEMORY = 2 ** 46;
/** MAX_MIGRATE_DOWNTIME of migration/options.c. */
const MAX_DOWNTIME_MS = 2_000_000;
const MAX_TIMEOUT_MS = 30 * 86_400_000;
/** Smallest datagram that every host must take: RFC 791 section 3.1. */
const MIN_MTU = 576;
const MAX_MTU = 65_535;
/** TCP_MIN_SND_MSS less 12 bytes of timestamps: net.ipv4.tcp_min_snd_mss. */
const MIN_MSS = 36;
const MAX_MSS = MAX_MTU - 20 - 32;

const rate = pageRate(1e9);
const workingSet = partOfMemory().optional();

const pageGroup = z.strictObject({
  pages: wholeNumber('pages', 1, MAX_MEMORY / PAGE_BYTES),
  writesPerSecond: plainNumber('a number of writes to each page', 1e9),
});

const WORKLOAD_KINDS = ['idle', 'uniform', 'sequential', 'hot-set', 'trace'] as const;

const workload = z.discriminatedUnion(
  'kind',
  [
    z.strictObject({ kind: z.literal('idle') }),
    z.strictObject({ kind: z.literal('uniform'), rate, workingSet }),
    z.strictObject({ kind: z.literal('sequential'), rate, workingSet }),
    z.strictObject({
      kind: z.literal('hot-set'),
      rate,
      workingSet,
      hotShare: share({ least: 1e-6 }).default(0.1),
      hotWrites: share().default(0.9),
    }),
    z.strictObject({
      kind: z.literal('trace'),
      groups: z.array(pageGroup, { error: expected('a list of groups of pages') }).min(1, {
        error: 'has no group of pages',
      }),
    }),
  ],
  { error: ({ input }) => wrongKind(input) },
);

function wrongKind(workload: unknown): string {
  const kind = isObject(workload) ? workload['kind'] : workload;
  if (typeof kind === 'string') return noneOf(kind, WORKLOAD_KINDS);
  return `write a kind: ${WORKLOAD_KINDS.join(', ')}`;
}

const guest = z
  .strictObject({
    memory: memorySize(PAGE_BYTES, MAX_MEMORY),
    filled: partOfMemory().optional(),
    workload: workload.prefault({ kind: 'idle' }),
  })
  .superRefine(rule(checkGuest), { when: always });

const network = z
  .strictObject({
    link: bitRate(1e3, 1e13).default(1e10),
    rtt: duration('us', { least: 0, most: 60e6 }).default(200),
    loss: share().default(0),
    mtu: wholeNumber('bytes', MIN_MTU, MAX_MTU).default(1500),
    mss: orWord(
      wholeNumber('bytes', MIN_MSS, MAX_MSS),
      { auto: 'auto' },
      'auto or a number of bytes',
    ).default('auto'),
    queue: packetCount(1e9).default(1000),
    family: choice(ADDRESS_FAMILIES).default('ipv4'),
    congestionControl: choice(CONGESTION_CONTROLS).default('cubic'),
  })
  .superRefine(rule(checkNetwork), { when: always });

const ipsec = z
  .strictObject({
    esp: suiteName('a suite such as aes128gcm16, or null').default(null),
    ah: suiteName('an algorithm such as sha256, or null').default(null),
    mode: choice(IPSEC_MODES).default('transport'),
    encap: yesOrNo().default(false),
    esn: yesOrNo().default(false),
    align4: yesOrNo().default(false),
  })
  .superRefine(rule(checkIpsec), { when: always });

const xbzrle = z.strictObject({
  cache: memorySize(PAGE_BYTES, MAX_MEMORY).default(64 * MEBI),
  delta: share(),
});

const perPage = duration('ns', { least: 0, most: 1e9 });
const compression = z.strictObject({ ratio: share(), sourcePerPage: perPage, destinationPerPage: perPage });

const migration = z
  .strictObject({
    maxBandwidth: byteRate(1e3, 1e15).default(128 * MEBI),
    downtimeLimit: duration('ms', { least: 0, most: MAX_DOWNTIME_MS }).default(300),
    multifdChannels: wholeNumber('channels', 0, 255).default(0),
    autoConverge: yesOrNo().default(false),
    xbzrle: xbzrle.nullable().default(null),
    compression: compression.nullable().default(null),
    postcopyAfterIterations: orWord(
      wholeNumber('iterations', 1, 1e6),
      { off: null, none: null, null: null },
      'a number of iterations, or off',
    ).default(null),
    timeout: duration('ms', { least: 1, most: MAX_TIMEOUT_MS }).default(600_000),
  })
  .superRefine(rule(checkMigration), { when: always });

const host = z.strictObject({
  cores: wholeNumber('cores', 1, 1024).default(2),
  cpuShare: share({ least: 1e-3 }).default(1),
});

const hosts = z.strictObject({
  calibration: text('the name of a calibration, such as reference', 4096).default('reference'),
  source: host.prefault({}),
  destination: host.prefault({}),
});

export const scenarioSchema = z.strictObject({
  schema: z
    .literal(SCENARIO_SCHEMA, { error: `is not ${SCENARIO_SCHEMA}, which is all that this version reads` })
    .default(SCENARIO_SCHEMA),
  name: text('a name', 100).default('unnamed'),
  description: text('a sentence', 1000).default(''),
  guest,
  network: network.prefault({}),
  ipsec: ipsec.prefault({}),
  migration: migration.prefault({}),
  hosts: hosts.prefault({}),
  seed: wholeNumber('', 0, 2 ** 32 - 1).default(1),
  /** Read further by `uncertain-fields`, once it is known what the fields are. */
  uncertain: z.record(z.string(), text('a range such as 1500..2500pages/s', 100)).optional(),
});

/** As it is written, before anything is checked. */
export type WrittenScenario = z.input<typeof scenarioSchema>;
/** Numbers in the units of `Scenario` under the names of the written form. */
export type DecodedScenario = z.output<typeof scenarioSchema>;

/** Rules between fields are checked for those that are right, although others are wrong. */
function rule(check: (fields: Record<string, unknown>, complaints: Complaints) => void) {
  return <Fields extends object>(fields: Fields, context: z.core.$RefinementCtx<Fields>): void => {
    if (!isObject(fields)) return;
    check(withoutFaults(Object.fromEntries(Object.entries(fields)), context.issues), context);
  };
}

function always(): boolean {
  return true;
}

/** Fields that are wrong still hold what was written. */
function withoutFaults(
  fields: Record<string, unknown>,
  faults: readonly z.core.$ZodRawIssue[],
): Record<string, unknown> {
  if (faults.length === 0) return fields;
  const sound = structuredClone(fields);
  for (const { path = [], code } of faults) {
    if (code === 'unrecognized_keys') continue;
    const parent = path.slice(0, -1).reduce<unknown>(memberOf, sound);
    const last = path.at(-1);
    if (isObject(parent) && last !== undefined) delete parent[last];
  }
  return sound;
}

function memberOf(value: unknown, key: PropertyKey): unknown {
  return isObject(value) ? value[key] : undefined;
}

function isObject(value: unknown): value is Record<PropertyKey, unknown> {
  return typeof value === 'object' && value !== null;
}
