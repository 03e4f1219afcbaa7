import { predictAnalytic } from '../../../src/model/analytic/analytic-model.js';
import { loadCalibration } from '../../../src/model/calibration/load-calibration.js';
import { predictPacket } from '../../../src/model/predict-packet.js';
import type { RunResult } from '../../../src/result/run-result.js';
import type { Validation, ValidationCase } from '../../../src/result/validation.js';
import { matrixCases, type PlannedCase } from '../../../src/validation/matrix.js';

const CALIBRATION = loadCalibration('lab-tcg');
const HOST = { cores: 1, cpuShare: 1 };

/** What was measured is what the formulas say, times a factor for each repetition. */
export function sampleCase(
  { title, scenario: planned }: PlannedCase,
  factors: readonly number[],
): ValidationCase {
  const hosts = { calibration: CALIBRATION.name, source: HOST, destination: HOST };
  const scenario = { ...planned, hosts };
  const analytic = predictAnalytic(scenario, CALIBRATION);
  return {
    name: scenario.name,
    title,
    scenario,
    predictions: {
      analytic: { run: analytic, error: null },
      packet: { run: predictPacket(scenario, CALIBRATION), error: null },
    },
    measured: factors.map((factor) => measuredRun(analytic, factor)),
    failures: [],
  };
}

export function measuredRun(run: RunResult, factor: number): RunResult {
  const host = {
    kernel: '6.1.0-44-amd64',
    qemu: '7.2.22',
    cpu: 'QEMU TCG CPU',
    cores: 1,
    accelerator: 'tcg',
    machine: 'pc-q35-7.2',
    congestionControl: 'cubic',
    offloadsOff: [],
  };
  return {
    ...run,
    source: 'measured:lab',
    totalTimeMs: run.totalTimeMs * factor,
    downtimeMs: run.downtimeMs === null ? null : run.downtimeMs * factor,
    cpu: {
      source: { seconds: run.cpu.source.seconds * factor },
      destination: { seconds: run.cpu.destination.seconds * factor },
    },
    environment: { source: host, destination: host, clockDifferenceMs: null },
    checks: [{ requirement: 'the capture is whole', ok: true, evidence: '4000 packets recorded, 0 missed' }],
  };
}

/** The quick matrix, or other cases, each measured three times. */
export function sampleValidation(
  cases: readonly PlannedCase[] = matrixCases('quick', 'small'),
  matrix: string | null = 'quick',
): Validation {
  return {
    schema: 'tare.validation/1',
    matrix,
    startedAt: '2026-11-22T22:00:00.000Z',
    repeat: 3,
    complete: true,
    calibration: {
      name: CALIBRATION.name,
      description: CALIBRATION.description,
      machine: CALIBRATION.origin.machine,
      date: CALIBRATION.origin.date,
      measuredHere: false,
    },
    cases: cases.map((each, i) => sampleCase(each, [1, 1.04 + i / 100, 0.98])),
  };
}
