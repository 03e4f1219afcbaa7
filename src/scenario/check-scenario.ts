import { z } from 'zod';
import { ADDRESS_FAMILIES, CONGESTION_CONTROLS, IPSEC_MODES, type Scenario } from './scenario.js';

/**
 * A `Scenario` that was JSON in between: every field is there and of the right type, and the numbers are some that a scenario
 * can have. Fields it does not know are left out, so that later versions may add some. The written form is another:
 * `parseScenario`.
 */

const amount = z.number().nonnegative();
const count = z.int().nonnegative();
const share = z.number().min(0).max(1);

const pageRate = { pagesPerSecond: amount, workingSetBytes: count };
const workload = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('idle') }),
  z.object({ kind: z.literal('uniform'), ...pageRate }),
  z.object({ kind: z.literal('sequential'), ...pageRate }),
  z.object({ kind: z.literal('hot-set'), ...pageRate, hotShare: share, hotWrites: share }),
  z.object({
    kind: z.literal('trace'),
    groups: z.array(z.object({ pages: amount, writesPerSecond: amount })),
  }),
]);

const host = z.object({ cores: count.min(1), cpuShare: share });

/** Of `Scenario` as it stands in `tare.run/1`. */
export const resolvedScenarioSchema: z.ZodType<Scenario> = z.object({
  name: z.string(),
  description: z.string(),
  guest: z.object({ memoryBytes: count, filledBytes: count, workload }),
  network: z.object({
    linkBps: amount,
    rttUs: amount,
    loss: share,
    mtu: count,
    mss: z.union([z.literal('auto'), count]),
    queuePackets: count,
    family: z.enum(ADDRESS_FAMILIES),
    congestionControl: z.enum(CONGESTION_CONTROLS),
  }),
  ipsec: z.object({
    esp: z.string().nullable(),
    ah: z.string().nullable(),
    mode: z.enum(IPSEC_MODES),
    encap: z.boolean(),
    esn: z.boolean(),
    align4: z.boolean(),
  }),
  migration: z.object({
    maxBandwidth: amount,
    downtimeLimitMs: amount,
    multifdChannels: count,
    autoConverge: z.boolean(),
    xbzrle: z.object({ cacheBytes: count, deltaShare: share }).nullable(),
    compression: z.object({ ratio: share, sourceNsPerPage: amount, destinationNsPerPage: amount }).nullable(),
    postcopyAfterIterations: count.nullable(),
    timeoutMs: amount,
  }),
  hosts: z.object({ calibration: z.string(), source: host, destination: host }),
  seed: z
    .int()
    .min(0)
    .max(2 ** 32 - 1),
  uncertain: z
    .array(z.object({ field: z.string(), low: amount, high: amount, mode: amount.nullable() }))
    .exactOptional(),
});
