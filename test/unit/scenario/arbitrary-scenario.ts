import { AH_SUITES, ESP_SUITES } from '../../../src/ipsec/suite-table.js';
import {
  ADDRESS_FAMILIES,
  CONGESTION_CONTROLS,
  IPSEC_MODES,
  PAGE_BYTES,
  type Scenario,
  type UncertainField,
  type Workload,
} from '../../../src/scenario/scenario.js';
import fc from '../../fast-check.js';

const TEXT = fc.oneof(fc.string({ maxLength: 20 }), fc.string({ maxLength: 20, unit: 'binary' }));
/** Zero is zero: -0 is written as 0. */
const SHARE = fc.oneof(
  fc.double({ min: 0, max: 1, noNaN: true }).map((share) => share + 0),
  fc.integer({ min: 0, max: 100 }).map((percent) => percent / 100),
);
const POSITIVE_SHARE = SHARE.map((share) => Math.max(0.001, share));
/** Something arrives. */
const LOSS = SHARE.map((share) => Math.min(0.999, share));

/** Round numbers of a unit, as people choose them, and any others. */
function amount(least: number, most: number, units: readonly number[]): fc.Arbitrary<number> {
  const round = fc
    .tuple(fc.constantFrom(...units), fc.integer({ min: 1, max: 2000 }))
    .map(([unit, count]) => Math.min(most, Math.max(least, unit * count)));
  return fc.oneof(round, fc.integer({ min: least, max: most }));
}

const pages = (most: number) => amount(1, most, [1, 256, 2 ** 18]).filter((count) => count <= most);

function workload(filledPages: number): fc.Arbitrary<Workload> {
  const pagesPerSecond = fc.oneof(
    fc.integer({ min: 0, max: 1e6 }),
    fc.double({ min: 0, max: 1e9, noNaN: true }).map((rate) => rate + 0),
  );
  const workingSetBytes = pages(filledPages).map((count) => count * PAGE_BYTES);
  const kind = fc.constantFrom('uniform' as const, 'sequential' as const);
  const groups = fc.array(
    fc.record({
      pages: fc.integer({ min: 1, max: 10 }),
      writesPerSecond: fc.oneof(fc.nat({ max: 1e9 }), SHARE),
    }),
    { minLength: 1, maxLength: Math.max(1, Math.min(5, filledPages)) },
  );
  return fc.oneof(
    fc.constant({ kind: 'idle' as const }),
    fc.record({ kind, pagesPerSecond, workingSetBytes }),
    fc.record({
      kind: fc.constant('hot-set' as const),
      pagesPerSecond,
      workingSetBytes,
      hotShare: POSITIVE_SHARE,
      hotWrites: SHARE,
    }),
    groups
      .filter((list) => list.reduce((sum, group) => sum + group.pages, 0) <= filledPages)
      .map((list) => ({ kind: 'trace' as const, groups: list })),
  );
}

const GUEST = pages(2 ** 30).chain((memoryPages) =>
  pages(memoryPages).chain((filledPages) =>
    fc.record({
      memoryBytes: fc.constant(memoryPages * PAGE_BYTES),
      filledBytes: fc.constant(filledPages * PAGE_BYTES),
      workload: workload(filledPages),
    }),
  ),
);

const NETWORK = fc
  .record({
    linkBps: amount(1e3, 1e13, [1e3, 1e6, 1e9]),
    rttUs: fc.oneof(amount(0, 60e6, [1, 1e3]), fc.double({ min: 0.001, max: 1e6, noNaN: true })),
    loss: LOSS,
    mtu: fc.integer({ min: 576, max: 65_535 }),
    mss: fc.oneof(fc.constant('auto' as const), fc.integer({ min: 36, max: 65_483 })),
    queuePackets: fc.integer({ min: 1, max: 1e6 }),
    family: fc.constantFrom(...ADDRESS_FAMILIES),
    congestionControl: fc.constantFrom(...CONGESTION_CONTROLS),
  })
  .map((network) => ({
    ...network,
    mtu: network.family === 'ipv6' ? Math.max(1280, network.mtu) : network.mtu,
  }));

const IPSEC = fc
  .record({
    esp: fc.constantFrom(null, ...ESP_SUITES.map(({ name }) => name)),
    ah: fc.constantFrom(null, ...AH_SUITES.map(({ name }) => name)),
    mode: fc.constantFrom(...IPSEC_MODES),
    encap: fc.boolean(),
    esn: fc.boolean(),
    align4: fc.boolean(),
  })
  .filter(({ ah, mode, encap }) => ah === null || (mode !== 'beet' && !encap));

const PER_PAGE_NS = amount(0, 1e9, [1, 1e3, 1e6]);
const MIGRATION = fc
  .record({
    maxBandwidth: amount(1e3, 1e15, [1e6, 2 ** 20, 2 ** 30]),
    downtimeLimitMs: amount(0, 2e6, [1, 1e3]),
    multifdChannels: fc.integer({ min: 0, max: 255 }),
    autoConverge: fc.boolean(),
    xbzrle: fc.option(
      fc.record({ cacheBytes: pages(2 ** 20).map((count) => count * PAGE_BYTES), deltaShare: SHARE }),
    ),
    compression: fc.option(
      fc.record({ ratio: SHARE, sourceNsPerPage: PER_PAGE_NS, destinationNsPerPage: PER_PAGE_NS }),
    ),
    postcopyAfterIterations: fc.option(fc.integer({ min: 1, max: 100 })),
    timeoutMs: amount(1, 2e9, [1, 1e3, 6e4]),
  })
  .map((migration) => ({
    ...migration,
    xbzrle: migration.multifdChannels > 0 ? null : migration.xbzrle,
    compression: migration.multifdChannels > 0 ? migration.compression : null,
  }));

const HOST = fc.record({ cores: fc.integer({ min: 1, max: 1024 }), cpuShare: POSITIVE_SHARE });

/** Any scenario that does not contradict itself, nothing of it uncertain. */
export const CERTAIN_SCENARIO: fc.Arbitrary<Scenario> = fc.record(
  {
    name: TEXT,
    description: TEXT,
    guest: GUEST,
    network: NETWORK,
    ipsec: IPSEC,
    migration: MIGRATION,
    hosts: fc.record({ calibration: TEXT, source: HOST, destination: HOST }),
    seed: fc.nat({ max: 2 ** 32 - 1 }),
  },
  { noNullPrototype: true },
);

/** Bounds of each kind of field, in the order in which they are drawn. */
const UNCERTAIN: Readonly<Record<string, fc.Arbitrary<number>>> = {
  'guest.workload.rate': fc.oneof(fc.nat({ max: 1e6 }), SHARE),
  'network.link': amount(1e3, 1e13, [1e6, 1e9]),
  'network.rtt': amount(0, 60e6, [1, 1e3]),
  'network.loss': LOSS,
  'network.queue': fc.integer({ min: 1, max: 1e6 }),
  'migration.maxBandwidth': amount(1e3, 1e15, [1e6, 2 ** 20]),
  'hosts.source.cpuShare': POSITIVE_SHARE,
};

function uncertainFields({ guest }: Scenario): fc.Arbitrary<UncertainField[]> {
  const fields = Object.entries(UNCERTAIN)
    .filter(([field]) => field !== 'guest.workload.rate' || 'pagesPerSecond' in guest.workload)
    .map(([field, value]) =>
      fc.option(
        fc
          .tuple(fc.array(value, { minLength: 3, maxLength: 3 }), fc.boolean())
          .map(([values, isTriangle]) => {
            const [low, mode, high] = values.toSorted((a, b) => a - b) as [number, number, number];
            return { field, low, high, mode: isTriangle ? mode : null };
          }),
      ),
    );
  return fc.tuple(...fields).map((list) => list.filter((each) => each !== null));
}

/** Any scenario that does not contradict itself. */
export const ARBITRARY_SCENARIO: fc.Arbitrary<Scenario> = CERTAIN_SCENARIO.chain((scenario) =>
  uncertainFields(scenario).map((uncertain) =>
    uncertain.length > 0 ? { ...scenario, uncertain } : scenario,
  ),
);
