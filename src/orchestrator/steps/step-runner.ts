import { rmSync, unlinkSync } from 'node:fs';
import { HostError } from '../hosts/host-error.js';
import type { Journal, JournalContent, RecordedUndo } from './journal.js';
import type { HostPair, Step, Undo } from './step.js';

/** Told while a run goes on. */
export interface StepProgress {
  /** A step begins; `index` counts from 0. */
  onStep?(step: { readonly name: string; readonly title: string }, index: number, count: number): void;
  /** Something is being undone. */
  onUndo?(undo: Undo): void;
}

/** An undo that failed: something may have been left on a host. */
export interface FailedUndo {
  readonly undo: Undo;
  readonly message: string;
}

/** A step that failed, and what could not be undone afterwards. */
export class StepError extends Error {
  override readonly name = 'StepError';
  readonly step: string;
  readonly leftovers: readonly FailedUndo[];

  constructor(step: string, leftovers: readonly FailedUndo[], cause: unknown) {
    super(`${step}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
    this.step = step;
    this.leftovers = leftovers;
  }
}

/** A host that is out of reach shows that sooner; one that is busy may take its time. */
const UNDO_TIMEOUT_MS = 60_000;

/**
 * Carries out steps in order and undoes them in reverse: on success, failure, time-out and interruption alike.
 * @returns what could not be undone after all steps went well
 * @throws StepError naming the step that failed
 */
export async function runSteps<C>(
  steps: readonly Step<C>[],
  context: C,
  hosts: HostPair,
  journal: Journal,
  signal: AbortSignal,
  progress: StepProgress = {},
): Promise<FailedUndo[]> {
  for (const [index, step] of steps.entries()) {
    try {
      signal.throwIfAborted();
      progress.onStep?.(step, index, steps.length);
      await step.perform(context, journal, signal);
    } catch (error) {
      const leftovers = await undoAll(hosts, journal, progress);
      throw new StepError(step.name, leftovers, error);
    }
  }
  return undoAll(hosts, journal, progress);
}

/** Each undo is tried though others fail: what can be restored is. Those that failed stay in the journal. */
async function undoAll(hosts: HostPair, journal: Journal, progress: StepProgress): Promise<FailedUndo[]> {
  const failed: FailedUndo[] = [];
  for (const undo of journal.pending) {
    progress.onUndo?.(undo);
    const failure = (await carryOut(undo, hosts)) ?? settle(journal, undo);
    if (failure !== null) failed.push(failure);
  }
  journal.close();
  return failed;
}

/** A disk that is full must not end the undoing. What is not noted as undone will be undone once more, which does no harm. */
function settle(journal: Journal, undo: RecordedUndo): FailedUndo | null {
  try {
    journal.settle(undo);
    return null;
  } catch (error) {
    return { undo, message: error instanceof Error ? error.message : String(error) };
  }
}

/**
 * Undoes what a run left behind whose process is gone.
 * @returns what could not be undone; the journal is deleted if that is nothing
 */
export async function cleanUp(
  content: JournalContent,
  hosts: HostPair,
  progress: StepProgress = {},
): Promise<FailedUndo[]> {
  const failed: FailedUndo[] = [];
  for (const undo of content.open) {
    progress.onUndo?.(undo);
    const failure = await carryOut(undo, hosts);
    if (failure !== null) failed.push(failure);
  }
  if (failed.length === 0) forget(content);
  return failed;
}

/** Throws a journal away with which nothing is left to do on hosts, and with it what the run has captured. */
export function forget({ path, header }: JournalContent): void {
  const folder = header.captureFolder ?? null;
  if (folder !== null) rmSync(folder, { recursive: true, force: true });
  unlinkSync(path);
}

/** @returns null if it is done */
async function carryOut(undo: Undo, hosts: HostPair): Promise<FailedUndo | null> {
  try {
    await hosts[undo.role].run(undo.program, undo.args, {
      ...(undo.input !== undefined && { input: undo.input }),
      timeoutMs: UNDO_TIMEOUT_MS,
      // What was never done or is undone already makes programs complain; a host out of reach is what matters.
      check: false,
    });
    return null;
  } catch (error) {
    const message = error instanceof HostError ? error.message : String(error);
    return { undo, message };
  }
}
