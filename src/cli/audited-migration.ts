import type { AuditEvent, AuditOutcome } from '../orchestrator/security/audit-log.js';
import type { RunFailure } from '../orchestrator/steps/run-failure.js';
import type { RunCheck } from '../result/measured-run.js';
import type { RunResult } from '../result/run-result.js';
import type { Ipsec, Scenario } from '../scenario/scenario.js';
import { CliError, ExitCode } from './exit-code.js';
import { fileErrorText } from './file-error.js';
import type { PlaceAccount, PlaceChoice } from './migrate-options.js';
import { printMessage } from './terminal.js';

/** What a run is to know of its entry in the audit log: parts of `MigrationOptions`. */
export interface AuditedRun {
  readonly runId: string;
  readonly checks: readonly RunCheck[];
}

/**
 * Carries a migration out between two entries in the audit log, so that one that is killed shows.
 * @param migrate connects, too: that a host was out of reach is an outcome
 * @throws CliError (environment) if the log cannot be written: then nothing was done; what `migrate` throws
 */
export async function auditedMigration(
  { account }: PlaceChoice,
  scenario: Scenario,
  signal: AbortSignal,
  migrate: (run: AuditedRun) => Promise<RunResult>,
): Promise<RunResult> {
  const { newRunId } = await import('../orchestrator/steps/journal.js');
  const runId = newRunId();
  const { auditLog, checks, ...attempt } = account;
  const protection = describeProtection(scenario.ipsec);
  await record(auditLog, { entry: 'started', run: runId, ...attempt, protection });
  let run: RunResult;
  try {
    run = await migrate({ runId, checks });
  } catch (error) {
    // What went wrong with the run matters more than what goes wrong here.
    await record(auditLog, endOf(runId, error, signal)).catch((failure: Error) =>
      printMessage(failure.message),
    );
    throw error;
  }
  const outcome: AuditOutcome = run.converged ? 'migrated' : 'not-converged';
  try {
    await record(auditLog, { entry: 'ended', run: runId, outcome, reason: null, checks: run.checks ?? [] });
  } catch (error) {
    const { RunFailure } = await import('../orchestrator/steps/run-failure.js');
    const guestAt = run.converged ? 'destination' : 'source';
    const message = `the run ended well, but ${(error as Error).message}`;
    throw new RunFailure(message, { guestAt, result: run, cause: error });
  }
  return run;
}

/** Of an attempt that the inventory does not admit. @throws CliError (environment) */
export async function recordRefusal(
  account: PlaceAccount,
  scenario: Scenario,
  reason: string,
): Promise<void> {
  const { newRunId } = await import('../orchestrator/steps/journal.js');
  const { auditLog, checks: _, ...attempt } = account;
  const protection = describeProtection(scenario.ipsec);
  await record(auditLog, { entry: 'refused', run: newRunId(), reason, ...attempt, protection });
}

/**
 * Of a run that was killed, and undone now.
 * @param inventory that may say where the log is; null: the one in the default place
 * @throws CliError (environment)
 */
export async function recordCleanUp(
  run: string,
  left: readonly string[],
  inventory: string | null,
): Promise<void> {
  const { identifyOperator } = await import('../orchestrator/security/operator.js');
  const path = await auditLogOf(inventory);
  await record(path, { entry: 'cleaned-up', run, operator: identifyOperator(), left });
}

/** An inventory that cannot be read says nothing. */
async function auditLogOf(inventory: string | null): Promise<string> {
  const { defaultAuditLog } = await import('../orchestrator/security/audit-log.js');
  const { readInventoryFile } = await import('../orchestrator/security/inventory-file.js');
  try {
    return readInventoryFile(inventory)?.inventory.auditLog ?? defaultAuditLog();
  } catch (error) {
    if (!(error instanceof Error && error.name === 'InventoryError')) throw error;
    return defaultAuditLog();
  }
}

async function record(path: string, event: AuditEvent): Promise<void> {
  const { appendAudit } = await import('../orchestrator/security/audit-log.js');
  try {
    appendAudit(path, event);
  } catch (error) {
    if (!(error instanceof Error && error.name === 'AuditError')) throw error;
    throw new CliError(ExitCode.environment, error.message, { cause: error });
  }
}

function endOf(run: string, error: unknown, signal: AbortSignal): AuditEvent {
  const failure = error instanceof Error && error.name === 'RunFailure' ? (error as RunFailure) : null;
  return {
    entry: 'ended',
    run,
    outcome: signal.aborted ? 'interrupted' : 'failed',
    reason: error instanceof Error ? error.message : String(error),
    checks: failure?.result?.checks ?? failure?.checks ?? [],
  };
}

/** `esp aes128-sha256 ah sha256, transport` */
function describeProtection({ esp, ah, mode, encap }: Ipsec): string {
  if (esp === null && ah === null) return 'none';
  const suites = [esp === null ? '' : `esp ${esp}`, ah === null ? '' : `ah ${ah}`].filter(Boolean).join(' ');
  return `${suites}, ${mode}${encap ? ', in UDP' : ''}`;
}

/** `tare migrate --verify-audit`. @throws CliError (input) if the log cannot be read, or was changed */
export async function verifyAuditLog(path: string | null, inventory: string | null): Promise<string> {
  const { verifyAudit } = await import('../orchestrator/security/verify-audit.js');
  const place = path ?? (await auditLogOf(inventory));
  const verdict = await verifyAudit(place).catch((error: Error) => {
    throw new CliError(ExitCode.input, `cannot read the audit log ${place}: ${fileErrorText(error)}`, {
      cause: error,
    });
  });
  const { lines, breaks, torn, refused, outcomes, unended, lastHash } = verdict;
  const told = Object.entries({ ...outcomes, refused }).filter(([, count]) => count > 0);
  const text = [
    `${place}: ${lines} lines${told.length > 0 ? `; ${told.map(([what, count]) => `${count} ${what}`).join(', ')}` : ''}.`,
    ...unended.map((run) => `Run ${run} has no end: it is under way, or was killed.`),
    ...torn.map((line) => `Line ${line} is torn: the disk was full, or the machine went down.`),
    `SHA-256 of the last line: ${lastHash}`,
    '',
  ].join('\n');
  if (breaks.length === 0) return text;
  const where = breaks.slice(0, 10).join(', ');
  throw new CliError(
    ExitCode.input,
    `${place} is not as it was written: line ${where} does not follow the line before; one of both was changed, or lines were taken out or put in\n${text.trimEnd()}`,
  );
}
