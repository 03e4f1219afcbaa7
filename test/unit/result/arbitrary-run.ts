import { LIMITS, RUN_SOURCES, type RunResult, WIRE_LAYERS } from '../../../src/result/run-result.js';
import fc from '../../fast-check.js';
import { ARBITRARY_SCENARIO } from '../scenario/arbitrary-scenario.js';

const COUNT = fc.nat({ max: Number.MAX_SAFE_INTEGER });
/** -0 is not told from 0 in JSON. */
const AMOUNT = fc.double({ min: 0, max: 1e15, noNaN: true }).map((amount) => amount + 0);
const SHARE = fc.double({ min: 0, max: 1, noNaN: true }).map((share) => share + 0);
const INTERVAL = fc.record({ low: AMOUNT, median: AMOUNT, high: AMOUNT });

function each<Key extends string>(keys: readonly Key[], value: fc.Arbitrary<number>) {
  return fc.record(Object.fromEntries(keys.map((key) => [key, value]))) as fc.Arbitrary<Record<Key, number>>;
}

/** Any run of the right shape; its figures need not fit each other. */
export const ARBITRARY_RUN: fc.Arbitrary<RunResult> = fc.record({
  schema: fc.constant('tare.run/1' as const),
  scenario: ARBITRARY_SCENARIO,
  source: fc.constantFrom(...RUN_SOURCES),
  converged: fc.boolean(),
  totalTimeMs: AMOUNT,
  downtimeMs: fc.option(AMOUNT),
  standstillMs: fc.option(AMOUNT),
  setupMs: AMOUNT,
  iterations: fc.array(
    fc.record({
      index: fc.nat(),
      startMs: AMOUNT,
      durationMs: AMOUNT,
      pages: COUNT,
      zeroPages: COUNT,
      bytes: COUNT,
      remainingPages: COUNT,
    }),
    { maxLength: 5 },
  ),
  stream: fc.record({ bytes: COUNT, ramBytes: COUNT, normalPages: COUNT, zeroPages: COUNT }),
  wire: fc.record({
    packets: COUNT,
    bytes: COUNT,
    bytesByLayer: each(WIRE_LAYERS, COUNT),
    acknowledgements: COUNT,
    fragments: COUNT,
    retransmissions: COUNT,
  }),
  cpu: fc.record({ source: fc.record({ seconds: AMOUNT }), destination: fc.record({ seconds: AMOUNT }) }),
  throughputBps: AMOUNT,
  limitedBy: fc.constantFrom(...LIMITS),
  timeByLimit: each(LIMITS, SHARE),
  intervals: fc.option(
    fc.record({
      samples: fc.integer({ min: 1, max: 1e6 }),
      converged: SHARE,
      totalTimeMs: INTERVAL,
      downtimeMs: fc.option(INTERVAL),
      wirePackets: INTERVAL,
    }),
  ),
});
