import type { Calibration } from '../model/calibration/calibration.js';
import type { OpenPlace } from '../orchestrator/open-place.js';
import type { RunResult } from '../result/run-result.js';
import type { Validation } from '../result/validation.js';
import type { Scenario } from '../scenario/scenario.js';
import type { MatrixName, PlannedCase } from '../validation/matrix.js';
import { auditedMigration } from './audited-migration.js';
import { openPlace, type PlaceChoice } from './migrate-options.js';
import type { StepLine } from './step-line.js';

export interface MeasuringRequest {
  /** None: those of the matrix. */
  readonly scenarios: readonly Scenario[];
  readonly matrix: MatrixName;
  readonly repeat: number;
  readonly choice: PlaceChoice;
  /** Null: measured first. */
  readonly calibration: Calibration | null;
  readonly line: StepLine;
  readonly signal: AbortSignal;
}

/**
 * Opens the hosts, calibrates if need be, predicts, and measures.
 * @throws what opening the hosts and calibrating them throw; what single runs throw is in the result
 */
export async function measureValidation(request: MeasuringRequest): Promise<Validation> {
  const { choice, scenarios, line, signal } = request;
  line.show(choice.kind === 'lab' && choice.name === null ? 'starting the laboratory' : 'connecting');
  const open = await openPlace(choice, scenarios[0]?.network.family ?? 'ipv4', signal, true);
  try {
    return await measureIn(open, request);
  } finally {
    await open.close();
  }
}

async function measureIn(open: OpenPlace, request: MeasuringRequest): Promise<Validation> {
  const { scenarios, matrix, repeat, line, signal } = request;
  const { matrixCases, suitesToCalibrate } = await import('../validation/matrix.js');
  const { examineHosts } = await import('../validation/validation-hosts.js');
  const { validate } = await import('../validation/validate.js');
  const { hosts, guestSize } = await examineHosts(open.place);
  const suites = request.calibration?.esp.map(({ suite }) => suite);
  const cases: readonly PlannedCase[] =
    scenarios.length > 0
      ? scenarios.map((scenario) => ({ title: scenario.name, scenario }))
      : matrixCases(matrix, guestSize, suites);
  const calibration = request.calibration ?? (await calibrate(open, suitesToCalibrate(cases), request));
  let title = '';
  return validate(
    {
      matrix: scenarios.length > 0 ? null : matrix,
      cases,
      repeat,
      calibration,
      measuredHere: request.calibration === null,
      hosts,
    },
    {
      signal,
      onCase: (text) => {
        title = text;
        line.show(text);
      },
      migrate: (scenario) => migrate(open, scenario, request, (text) => line.show(`${title}: ${text}`)),
    },
  );
}

async function calibrate(
  open: OpenPlace,
  suites: { readonly esp: readonly string[]; readonly ah: readonly string[] },
  request: MeasuringRequest,
): Promise<Calibration> {
  const { calibratePlace } = await import('../validation/calibrate-place.js');
  const { line, signal } = request;
  return calibratePlace(open.place, {
    name: 'measured',
    ...suites,
    signal,
    onProgress: (text) => line.show(`calibrating: ${text}`),
    migrate: (scenario) => migrate(open, scenario, request, () => {}),
  });
}

/** Each is an attempt of its own in the audit log. */
async function migrate(
  open: OpenPlace,
  scenario: Scenario,
  { choice, signal }: MeasuringRequest,
  show: (text: string) => void,
): Promise<RunResult> {
  const { runMigration } = await import('../orchestrator/run-migration.js');
  return auditedMigration(choice, scenario, signal, async (run) =>
    runMigration(scenario, await open.inFamily(scenario.network.family), {
      ...run,
      signal,
      progress: {
        onStep: ({ title }, index, count) => show(`${index + 1} of ${count}: ${title}`),
        onUndo: ({ title, role }) => show(`undoing: ${title} (${role})`),
      },
    }),
  );
}
