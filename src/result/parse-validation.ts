import { z } from 'zod';
import { resolvedScenarioSchema } from '../scenario/check-scenario.js';
import { dotted, runResultSchema } from './parse-run-result.js';
import type { Validation } from './validation.js';

/** JSON that is no `tare.validation/1`. The message names what is wrong. */
export class ValidationError extends Error {
  override readonly name = 'ValidationError';
}

/** Far above any matrix: a report of more would not be read. */
const MAX_CASES = 1000;
const MAX_REPEAT = 1000;
/** Fields that are told in a message; a broken file may have thousands. */
const MAX_FIELDS = 5;

const prediction = z
  .object({ run: runResultSchema.nullable(), error: z.string().nullable() })
  .refine(({ run, error }) => (run === null) !== (error === null), 'has either a run or an error');

const validationSchema = z.object({
  schema: z.literal('tare.validation/1'),
  matrix: z.string().nullable(),
  startedAt: z.iso.datetime(),
  repeat: z.int().min(1).max(MAX_REPEAT),
  complete: z.boolean(),
  calibration: z.object({
    name: z.string(),
    description: z.string(),
    machine: z.string(),
    date: z.string(),
    measuredHere: z.boolean(),
  }),
  cases: z
    .array(
      z.object({
        name: z.string(),
        title: z.string(),
        scenario: resolvedScenarioSchema,
        predictions: z.object({ analytic: prediction, packet: prediction }),
        measured: z.array(runResultSchema).max(MAX_REPEAT),
        failures: z.array(z.object({ message: z.string(), run: runResultSchema.nullable() })).max(MAX_REPEAT),
      }),
    )
    .max(MAX_CASES),
});

/**
 * A validation as `tare validate --json` writes it. What follows from its runs (`summary`, `comparisons`) is not read but
 * calculated again.
 * @throws ValidationError naming the fields that are wrong
 */
export function parseValidation(text: string): Validation {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new ValidationError(`this is no JSON: ${reason}`, { cause: error });
  }
  const result = validationSchema.safeParse(value);
  // zod gives fields that are missing the type undefined, which exactOptionalPropertyTypes tells from missing.
  if (result.success) return result.data as Validation;
  const { issues } = result.error;
  const told = issues
    .slice(0, MAX_FIELDS)
    .map(({ path, message }) => `${dotted(path) || 'file'}: ${message}`);
  if (issues.length > MAX_FIELDS) told.push(`and ${issues.length - MAX_FIELDS} more`);
  throw new ValidationError(`this is no tare.validation/1: ${told.join('; ')}`);
}
