import { statSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { RunCheck } from '../result/measured-run.js';
import type { RunResult } from '../result/run-result.js';
import type { Scenario } from '../scenario/scenario.js';
import type { ForeignGuest } from './guests/foreign-guest.js';
import { foreignSteps } from './guests/foreign-steps.js';
import { guestSectorOf } from './qemu/guest-sector.js';
import { authenticationCheck } from './security/authentication-check.js';
import { startCaptures } from './steps/captures.js';
import { checkHosts } from './steps/check-hosts.js';
import { collectMeasurements } from './steps/collect.js';
import { startGuest } from './steps/guest.js';
import { protectChannel } from './steps/ipsec.js';
import { Journal, journalFolder } from './steps/journal.js';
import { measuredResult } from './steps/measured-result.js';
import { migrateGuest } from './steps/migrate.js';
import { prepareNetwork } from './steps/network.js';
import { proveGuest } from './steps/prove.js';
import { EnvironmentError, type RunContext, type RunOptions, type RunPlace } from './steps/run-context.js';
import { RunFailure } from './steps/run-failure.js';
import type { Step } from './steps/step.js';
import { runSteps, StepError, type StepProgress } from './steps/step-runner.js';

/** All of a run with a test guest, in order. */
export const RUN_STEPS: readonly Step<RunContext>[] = [
  checkHosts,
  prepareNetwork,
  protectChannel,
  startCaptures,
  startGuest,
  migrateGuest,
  proveGuest,
  collectMeasurements,
];

export interface MigrationOptions {
  /** Ends the run early; all is undone then, too. */
  readonly signal?: AbortSignal;
  readonly progress?: StepProgress;
  /** Keeps the captures (`source.pcap`...) in this folder, which must be there. Default: they are analysed and thrown away. */
  readonly captureTo?: string;
  /** Whole packets, not headers alone: see `RunOptions`. Default: in a laboratory and on one machine yes, between real hosts no. */
  readonly fullCapture?: boolean;
  /** Folder of the journal. Default: that of this user. */
  readonly journalFolder?: string;
  /** Default 15 s. */
  readonly stallMs?: number;
  /** A guest that is there. Default: a test guest is started, and ended with the run. */
  readonly guest?: ForeignGuest;
  /** Instead of the test guest's own. */
  readonly bootSector?: RunOptions['bootSector'];
  /** Of this run, in its journal and for whoever keeps account of runs. Default: a new one. */
  readonly runId?: string;
  /** Requirements that were checked before, with evidence. */
  readonly checks?: readonly RunCheck[];
  /** Instead of `RUN_STEPS`; for tests. */
  readonly steps?: readonly Step<RunContext>[];
}

const STALL_MS = 15_000;

/**
 * Carries a scenario out: sets up the channel, starts a guest, migrates it, measures, and undoes all that it did to the hosts.
 * @returns the measured run; one that did not converge within its time limit is a result like any other
 * @throws EnvironmentError or HostError if a host lacks something or is out of reach; RunFailure if the migration failed, the guest
 *   did not survive it, or a packet of a protected run was not protected
 */
export async function runMigration(
  scenario: Scenario,
  place: RunPlace,
  options: MigrationOptions = {},
): Promise<RunResult> {
  const folder = await captureFolder(options);
  const context = newContext(scenario, place, folder, options);
  try {
    const journal = new Journal(options.journalFolder ?? journalFolder(), place.descriptions, {
      captureFolder: options.captureTo === undefined ? folder : null,
      ...(options.runId !== undefined && { runId: options.runId }),
    });
    return await carryOut({ ...context, id: journal.runId }, journal, options);
  } finally {
    if (options.captureTo === undefined) await rm(folder, { recursive: true, force: true });
  }
}

async function carryOut(
  context: RunContext,
  journal: Journal,
  options: MigrationOptions,
): Promise<RunResult> {
  const { signal = NEVER, progress = {}, guest } = options;
  const steps = options.steps ?? (guest === undefined ? RUN_STEPS : foreignSteps(guest));
  try {
    const stop = AbortSignal.any([signal, context.fault.signal]);
    const leftovers = await runSteps(steps, context, context.place.hosts, journal, stop, progress);
    const result = measuredResult(context);
    if (leftovers.length > 0) {
      throw new RunFailure('the migration went well, but not everything could be undone', {
        result,
        leftovers,
      });
    }
    requireProtection(result);
    return result;
  } catch (error) {
    throw explain(error, context, signal);
  } finally {
    for (const close of context.closers.toReversed()) await close().catch(() => {});
  }
}

const NEVER = new AbortController().signal;

/** What makes a run fail though the migration went through. */
function requireProtection(result: RunResult): void {
  const broken = (result.checks ?? []).filter(
    ({ requirement, ok }) => !ok && requirement.startsWith('every packet'),
  );
  if (broken.length === 0) return;
  const what = broken.map(({ requirement, evidence }) => `not ${requirement}: ${evidence}`).join('; ');
  const checks = result.checks ?? [];
  throw new RunFailure(what, { guestAt: result.converged ? 'destination' : 'source', checks, result });
}

/** Of the step that failed, what it failed with, and with that what could not be undone. */
function explain(error: unknown, context: RunContext, signal: AbortSignal): unknown {
  if (!(error instanceof StepError)) return error;
  const { cause, leftovers } = error;
  if (signal.aborted) return interrupted(context, signal.reason, error);
  // Whatever was broken off because something beside the steps failed: that is what failed.
  const reason: unknown =
    context.fault.signal.aborted && !(cause instanceof RunFailure) ? context.fault.signal.reason : cause;
  const isKnown = reason instanceof EnvironmentError || reason instanceof RunFailure || isHostError(reason);
  if (isKnown && leftovers.length === 0) return reason;
  const guestAt = reason instanceof RunFailure ? reason.guestAt : 'unknown';
  const message = reason instanceof Error ? reason.message : String(reason);
  return new RunFailure(message, { guestAt, leftovers, checks: context.checks, cause: reason });
}

/** Where somebody's own guest is then must be told. */
function interrupted({ found }: RunContext, reason: unknown, { cause, leftovers }: StepError): unknown {
  const guestAt = found !== undefined && cause instanceof RunFailure ? cause.guestAt : 'unknown';
  if (leftovers.length === 0 && guestAt === 'unknown') return reason;
  return new RunFailure('the run was broken off', { guestAt, leftovers, cause: reason });
}

function isHostError(error: unknown): boolean {
  return error instanceof Error && error.name === 'HostError';
}

function newContext(
  scenario: Scenario,
  place: RunPlace,
  folder: string,
  options: MigrationOptions,
): RunContext {
  const settings: RunOptions = {
    captureFolder: folder,
    fullCapture: options.fullCapture ?? place.source !== 'measured:ssh',
    bootSector: options.bootSector ?? guestSectorOf,
    stallMs: options.stallMs ?? STALL_MS,
  };
  return {
    id: '',
    scenario,
    place,
    options: settings,
    fault: new AbortController(),
    checks: [...(options.checks ?? []), authenticationCheck(place)],
    closers: [],
  };
}

async function captureFolder({ captureTo }: MigrationOptions): Promise<string> {
  if (captureTo === undefined) return mkdtemp(join(tmpdir(), 'tare-capture-'));
  if (statSync(captureTo, { throwIfNoEntry: false })?.isDirectory()) return captureTo;
  throw new EnvironmentError(`there is no folder ${captureTo} to write captures into`);
}
