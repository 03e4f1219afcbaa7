import { z } from 'zod';
import { resolvedScenarioSchema } from '../scenario/check-scenario.js';
import { CPU_KINDS } from './measured-run.js';
import { LIMITS, RUN_SOURCES, type RunResult, WIRE_LAYERS } from './run-result.js';

/** JSON that is no `tare.run/1`. The message names each field that is wrong. */
export class RunResultError extends Error {
  override readonly name = 'RunResultError';
  /** Dotted: `iterations[3].pages`; empty where the whole is meant. */
  readonly fields: readonly string[];

  constructor(message: string, fields: readonly string[]) {
    super(message);
    this.fields = fields;
  }
}

/** Fields of one run that are told in a message; a broken list may have thousands. */
const MAX_FIELDS = 10;

/** Models count in fractions too: only what cannot be is refused. */
const amount = z.number().nonnegative();
const share = z.number().min(0).max(1);
const interval = z.object({ low: amount, median: amount, high: amount });
const cpu = z.object({
  seconds: amount,
  byKind: z.record(z.enum(CPU_KINDS), amount).optional(),
  threads: z.array(z.object({ name: z.string(), seconds: amount })).optional(),
});

const hostEnvironment = z.object({
  kernel: z.string(),
  qemu: z.string(),
  cpu: z.string(),
  cores: amount,
  accelerator: z.string(),
  instructionNs: z.number().positive().optional(),
  machine: z.string(),
  congestionControl: z.string(),
  offloadsOff: z.array(z.string()),
});
const xfrm = z.object({
  dropped: z.record(z.string(), amount).nullable(),
  states: z.array(
    z.object({
      protocol: z.string(),
      spi: z.string(),
      source: z.string(),
      destination: z.string(),
      bytes: amount,
      packets: amount,
      outsideWindow: amount,
      replayed: amount,
      failed: amount,
    }),
  ),
});

/** Of `tare.run/1`; what it does not know is left out. Parsed values are `RunResult`s. */
export const runResultSchema = z.object({
  schema: z.literal('tare.run/1'),
  scenario: resolvedScenarioSchema,
  source: z.enum(RUN_SOURCES),
  converged: z.boolean(),
  totalTimeMs: amount,
  downtimeMs: amount.nullable(),
  standstillMs: amount.nullable(),
  setupMs: amount,
  iterations: z.array(
    z.object({
      index: z.int().nonnegative(),
      startMs: amount,
      durationMs: amount,
      pages: amount,
      zeroPages: amount,
      bytes: amount,
      remainingPages: amount,
    }),
  ),
  stream: z.object({ bytes: amount, ramBytes: amount, normalPages: amount, zeroPages: amount }),
  wire: z.object({
    packets: amount,
    bytes: amount,
    bytesByLayer: z.record(z.enum(WIRE_LAYERS), amount),
    acknowledgements: amount,
    fragments: amount,
    retransmissions: amount,
  }),
  cpu: z.object({ source: cpu, destination: cpu }),
  throughputBps: amount,
  limitedBy: z.enum(LIMITS),
  timeByLimit: z.record(z.enum(LIMITS), share),
  intervals: z
    .object({
      samples: z.int().positive(),
      converged: share,
      totalTimeMs: interval,
      downtimeMs: interval.nullable(),
      wirePackets: interval,
    })
    .nullable(),
  standstillErrorMs: amount.optional(),
  environment: z
    .object({
      source: hostEnvironment,
      destination: hostEnvironment,
      clockDifferenceMs: z.object({ value: z.number(), error: amount }).nullable(),
    })
    .optional(),
  checks: z.array(z.object({ requirement: z.string(), ok: z.boolean(), evidence: z.string() })).optional(),
  xfrm: z.object({ source: xfrm, destination: xfrm }).optional(),
});

/**
 * A run as it was written by `renderRunJson` or `--json`. Fields it does not know are left out.
 * @throws RunResultError naming the fields that are wrong
 */
export function parseRunResult(text: string): RunResult {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new RunResultError(`this is no JSON: ${reason}`, []);
  }
  return checkRunResult(value);
}

/**
 * The same for JSON that is parsed already.
 * @throws RunResultError naming the fields that are wrong
 */
export function checkRunResult(value: unknown): RunResult {
  const result = runResultSchema.safeParse(value);
  // zod gives fields that are missing the type undefined, which exactOptionalPropertyTypes tells from missing.
  if (result.success) return result.data as RunResult;
  const issues = result.error.issues.map(({ path, message }) => ({ field: dotted(path), message }));
  const told = issues.slice(0, MAX_FIELDS).map(({ field, message }) => `${field || 'run'}: ${message}`);
  if (issues.length > MAX_FIELDS) told.push(`and ${issues.length - MAX_FIELDS} more`);
  throw new RunResultError(
    `this is no tare.run/1: ${told.join('; ')}`,
    issues.map(({ field }) => field),
  );
}

/** `iterations[3].pages` */
export function dotted(path: readonly PropertyKey[]): string {
  return path
    .map((key) => (typeof key === 'number' ? `[${key}]` : `.${String(key)}`))
    .join('')
    .replace(/^\./, '');
}
