import type { Scenario } from '../../scenario/scenario.js';
import { guestSectorOf } from '../qemu/guest-sector.js';
import { Journal, journalFolder } from '../steps/journal.js';
import type { RunContext, RunPlace } from '../steps/run-context.js';
import { RunFailure } from '../steps/run-failure.js';
import type { Step } from '../steps/step.js';
import { runSteps, StepError, type StepProgress } from '../steps/step-runner.js';

export interface CalibrationRunOptions {
  /** Ends the run early; all is undone then, too. */
  readonly signal?: AbortSignal;
  readonly progress?: StepProgress;
  /** Folder of the journal. Default: that of this user. */
  readonly journalFolder?: string;
}

const NEVER = new AbortController().signal;
const STALL_MS = 15_000;

/**
 * Carries out steps that prepare hosts as for a migration and measure something else, and undoes them.
 * @returns what the steps have found out
 * @throws what the step that failed threw; RunFailure if something could not be undone
 */
export async function runCalibrationSteps(
  scenario: Scenario,
  place: RunPlace,
  steps: readonly Step<RunContext>[],
  options: CalibrationRunOptions = {},
): Promise<RunContext> {
  const { signal = NEVER, progress = {} } = options;
  const journal = new Journal(options.journalFolder ?? journalFolder(), place.descriptions);
  const context = newContext(journal.runId, scenario, place);
  try {
    const stop = AbortSignal.any([signal, context.fault.signal]);
    const leftovers = await runSteps(steps, context, place.hosts, journal, stop, progress);
    if (leftovers.length > 0) throw new RunFailure('not everything could be undone', { leftovers });
    return context;
  } catch (error) {
    throw error instanceof StepError ? reasonOf(error, signal) : error;
  } finally {
    for (const close of context.closers.toReversed()) await close().catch(() => {});
  }
}

function reasonOf({ cause, leftovers }: StepError, signal: AbortSignal): unknown {
  const reason: unknown = signal.aborted ? signal.reason : cause;
  if (leftovers.length === 0) return reason;
  const message = reason instanceof Error ? reason.message : String(reason);
  return new RunFailure(message, { leftovers, cause: reason });
}

function newContext(id: string, scenario: Scenario, place: RunPlace): RunContext {
  return {
    id,
    scenario,
    place,
    // Nothing is captured.
    options: { captureFolder: '', fullCapture: false, bootSector: guestSectorOf, stallMs: STALL_MS },
    fault: new AbortController(),
    checks: [],
    closers: [],
  };
}
