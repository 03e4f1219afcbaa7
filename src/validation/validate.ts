import { predictAnalytic } from '../model/analytic/analytic-model.js';
import type { Calibration } from '../model/calibration/calibration.js';
import { ModelError } from '../model/model-error.js';
import { predictPacket } from '../model/predict-packet.js';
import { RunFailure } from '../orchestrator/steps/run-failure.js';
import type { RunResult } from '../result/run-result.js';
import type { CaseFailure, Prediction, Validation, ValidationCase } from '../result/validation.js';
import type { Hosts, Scenario } from '../scenario/scenario.js';
import type { PlannedCase } from './matrix.js';

export interface ValidationPlan {
  /** Null: scenarios that were given. */
  readonly matrix: string | null;
  readonly cases: readonly PlannedCase[];
  /** How often each case is measured. */
  readonly repeat: number;
  readonly calibration: Calibration;
  readonly measuredHere: boolean;
  /** The hosts as they are: what scenarios say of theirs is of others. */
  readonly hosts: Pick<Hosts, 'source' | 'destination'>;
}

export interface ValidationOptions {
  /** Carries a scenario out. Whatever it throws is the case's error, unless `signal` was given. */
  readonly migrate: (scenario: Scenario) => Promise<RunResult>;
  /** What is being measured: `case 3 of 6, AH+ESP, MTU 9000`. */
  readonly onCase?: (text: string) => void;
  /** Ends it early; what was measured by then is kept. */
  readonly signal?: AbortSignal;
}

/**
 * Predicts all cases, then measures them, then again as often as asked: from the first to the last and back, so that hosts
 * which become slower or faster meanwhile do so for all cases alike.
 */
export async function validate(plan: ValidationPlan, options: ValidationOptions): Promise<Validation> {
  const startedAt = new Date().toISOString();
  const drafts = plan.cases.map((planned) => draftCase(planned, plan));
  const order = measuringOrder(drafts.length, plan.repeat);
  let complete = true;
  for (const [done, index] of order.entries()) {
    const draft = drafts[index]!;
    options.onCase?.(`run ${done + 1} of ${order.length}, ${draft.title}`);
    if (!(await measure(draft, options))) {
      complete = false;
      break;
    }
  }
  const { name, description, origin } = plan.calibration;
  return {
    schema: 'tare.validation/1',
    matrix: plan.matrix,
    startedAt,
    repeat: plan.repeat,
    complete,
    calibration: {
      name,
      description,
      machine: origin.machine,
      date: origin.date,
      measuredHere: plan.measuredHere,
    },
    cases: drafts,
  };
}

interface CaseDraft extends ValidationCase {
  readonly measured: RunResult[];
  readonly failures: CaseFailure[];
}

function draftCase({ title, scenario: planned }: PlannedCase, plan: ValidationPlan): CaseDraft {
  const { calibration, hosts } = plan;
  const scenario = { ...planned, hosts: { calibration: calibration.name, ...hosts } };
  return {
    name: scenario.name,
    title,
    scenario,
    predictions: {
      analytic: predicted(() => predictAnalytic(scenario, calibration)),
      packet: predicted(() => predictPacket(scenario, calibration)),
    },
    measured: [],
    failures: [],
  };
}

/** What cannot be predicted can still be measured. */
function predicted(calculate: () => RunResult): Prediction {
  try {
    return { run: calculate(), error: null };
  } catch (error) {
    if (error instanceof ModelError) return { run: null, error: error.message };
    throw error;
  }
}

/** Indices of cases. */
export function measuringOrder(cases: number, repeat: number): number[] {
  const forward = Array.from({ length: cases }, (_, i) => i);
  return Array.from({ length: repeat }, (_, i) => (i % 2 === 0 ? forward : forward.toReversed())).flat();
}

/** @returns false if it was broken off */
async function measure(draft: CaseDraft, { migrate, signal }: ValidationOptions): Promise<boolean> {
  if (signal?.aborted) return false;
  try {
    draft.measured.push(await migrate(draft.scenario));
    return true;
  } catch (error) {
    if (signal?.aborted) {
      // What could not be undone has to be told even so.
      if (error instanceof RunFailure && error.leftovers.length > 0) draft.failures.push(failureOf(error));
      return false;
    }
    draft.failures.push(failureOf(error));
    return true;
  }
}

function failureOf(error: unknown): CaseFailure {
  const message = error instanceof Error ? error.message : String(error);
  if (!(error instanceof RunFailure)) return { message, run: null };
  const left = error.leftovers.map(({ undo }) => `${undo.role}: ${undo.title}`);
  const rest =
    left.length === 0 ? '' : `; not undone ("tare migrate --clean-up" tries again): ${left.join(', ')}`;
  return { message: `${message}${rest}`, run: error.result };
}
