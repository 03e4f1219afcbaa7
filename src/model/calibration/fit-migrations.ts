import type { RunResult } from '../../result/run-result.js';
import { predictPacket } from '../predict-packet.js';
import type { Calibration, PacketCosts, SuiteCosts } from './calibration.js';
import { type Equation, solveNonNegative } from './least-squares.js';

type QemuCosts = Calibration['qemu'];
/** A calibration as transfers have told it: QEMU's costs are still to be found. */
export type CalibrationDraft = Omit<Calibration, 'qemu'>;

export interface FittedMigrations {
  readonly calibration: Calibration;
  /** The largest relative error of the total times, without sign. */
  readonly worstResidual: number;
}

/** The rounds of a fixed point that is nearly linear. */
const ROUNDS = 6;
/** Of what multifd leaves to the migration thread nothing is measured: as of the costs that come with Tare. */
const QUEUE_SHARE = 0.25;
const FIRST_GUESS: QemuCosts = {
  source: { pageNs: 1000, zeroPageNs: 100, queuePageNs: 250, deviceStateNs: 0 },
  destination: { pageNs: 1000, zeroPageNs: 100, deviceStateNs: 0 },
  connectNs: 0,
  setupNs: 0,
  setupPageNs: 0,
  stopNs: 0,
  synchroniseNs: 1e6,
  synchronisePageNs: 0,
};

/**
 * Costs from migrations of guests that write nothing, so that `predictPacket` gives the total times that were measured. From those in
 * the clear, with different numbers of pages with content and of zero pages: QEMU's for each page. From those under a suite, with
 * packets of different sizes: what sending takes under it; a bulk transfer, which the draft has it from, has no QEMU beside it.
 * The destination's costs are those that account for its processor time; waits are as they were seen; the fetching of the dirty log is
 * too short to be seen.
 * @param runs measured; in the clear at least two with different pages
 * @throws RangeError for fewer
 */
export function fitMigrations(draft: CalibrationDraft, runs: readonly RunResult[]): FittedMigrations {
  const clear = runs.filter(({ scenario: { ipsec } }) => ipsec.esp === null && ipsec.ah === null);
  let calibration = fitQemu(draft, clear);
  for (const { suite } of draft.esp) {
    const under = runs.filter(({ scenario: { ipsec } }) => ipsec.esp === suite && ipsec.ah === null);
    calibration = fitSuite(calibration, 'esp', suite, under);
  }
  for (const { suite } of draft.ah) {
    const under = runs.filter(({ scenario: { ipsec } }) => ipsec.ah === suite && ipsec.esp === null);
    calibration = fitSuite(calibration, 'ah', suite, under);
  }
  const errors = runs.map((run) => predictedMs(run, calibration) / run.totalTimeMs - 1);
  return { calibration, worstResidual: Math.max(...errors.map(Math.abs)) };
}

function fitQemu(draft: CalibrationDraft, runs: readonly RunResult[]): Calibration {
  const deviceStateNs = median(runs.map(afterPagesNs)) / 2;
  let qemu: QemuCosts = {
    ...FIRST_GUESS,
    ...waitsOf(runs),
    stopNs: deviceStateNs,
    source: { ...FIRST_GUESS.source, deviceStateNs },
    destination: { ...destinationOf(draft.tcp, runs), deviceStateNs },
  };
  for (let round = 0; round < ROUNDS; round++) {
    const counts = ({ stream }: RunResult): [number, number] => [stream.normalPages, stream.zeroPages];
    const costs: [number, number] = [qemu.source.pageNs, qemu.source.zeroPageNs];
    const [pageNs, zeroPageNs] = improved({ ...draft, qemu }, runs, counts, costs);
    const source = { ...qemu.source, pageNs, zeroPageNs, queuePageNs: pageNs * QUEUE_SHARE };
    qemu = { ...qemu, source };
  }
  return { ...draft, qemu };
}

function fitSuite(
  calibration: Calibration,
  protocol: 'esp' | 'ah',
  suite: string,
  runs: readonly RunResult[],
): Calibration {
  if (runs.length < 2) return calibration;
  let fitted = calibration;
  for (let round = 0; round < ROUNDS; round++) {
    const counts = ({ wire, stream }: RunResult): [number, number] => [wire.packets, stream.bytes];
    const { send } = fitted[protocol].find((each) => each.suite === suite)!;
    const [packetNs, byteNs] = improved(fitted, runs, counts, [send.packetNs, send.byteNs]);
    const replace = (each: SuiteCosts): SuiteCosts =>
      each.suite === suite ? { ...each, send: { packetNs, byteNs } } : each;
    fitted = { ...fitted, [protocol]: fitted[protocol].map(replace) };
  }
  return fitted;
}

/** What is missing of the times, or too much, is laid to two kinds of things: so much for each. */
function improved(
  calibration: Calibration,
  runs: readonly RunResult[],
  counts: (run: RunResult) => [number, number],
  costs: readonly [number, number],
): [number, number] {
  const equations = runs.map((run): Equation => {
    const [one, other] = counts(run);
    const asIsNs = one * costs[0] + other * costs[1];
    const missingNs = (run.totalTimeMs - predictedMs(run, calibration)) * 1e6;
    return { coefficients: [one, other], value: asIsNs + missingNs, scale: run.totalTimeMs * 1e6 };
  });
  const { values } = solveNonNegative(equations);
  return [values[0]!, values[1]!];
}

function predictedMs({ scenario }: RunResult, calibration: Calibration): number {
  return predictPacket(scenario, calibration).totalTimeMs;
}

/** Of the whole host: what is left of its processor time when that of packets is taken off. */
function destinationOf(
  tcp: Calibration['tcp'],
  runs: readonly RunResult[],
): Pick<QemuCosts['destination'], 'pageNs' | 'zeroPageNs'> {
  const equations = runs.map(({ stream, wire, cpu, totalTimeMs }): Equation => {
    const packetsNs =
      costsNs(tcp.receive, wire.packets, stream.bytes) + costsNs(tcp.send, wire.acknowledgements, 0);
    const value = cpu.destination.seconds * 1e9 - packetsNs;
    return { coefficients: [stream.normalPages, stream.zeroPages], value, scale: totalTimeMs * 1e6 };
  });
  const [pageNs, zeroPageNs] = solveNonNegative(equations).values;
  return { pageNs: pageNs!, zeroPageNs: zeroPageNs! };
}

function costsNs({ packetNs, byteNs }: PacketCosts, packets: number, bytes: number): number {
  return packetNs * packets + byteNs * bytes;
}

/** Before the first page: QEMU tells what it needed to prepare; connecting is what neither it nor the wire accounts for. */
function waitsOf(runs: readonly RunResult[]): Pick<QemuCosts, 'connectNs' | 'setupNs'> {
  const connectMs = runs.map(({ totalTimeMs, setupMs, iterations }) => {
    const passesMs = iterations.reduce((sum, { durationMs }) => sum + durationMs, 0);
    return Math.max(0, totalTimeMs - setupMs - passesMs);
  });
  return { connectNs: median(connectMs) * 1e6, setupNs: median(runs.map(({ setupMs }) => setupMs)) * 1e6 };
}

/** Stopping the guest and moving its devices: what downtime is more than the last pages. */
function afterPagesNs({ downtimeMs, iterations }: RunResult): number {
  return Math.max(0, (downtimeMs ?? 0) - (iterations.at(-1)?.durationMs ?? 0)) * 1e6;
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = (sorted.length - 1) / 2;
  return (sorted[Math.floor(middle)]! + sorted[Math.ceil(middle)]!) / 2;
}
