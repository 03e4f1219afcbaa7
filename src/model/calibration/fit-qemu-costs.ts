import type { RunResult } from '../../result/run-result.js';
import { predictPacket } from '../predict-packet.js';
import type { Calibration, PacketCosts } from './calibration.js';
import { type Equation, solveNonNegative } from './least-squares.js';

type QemuCosts = Calibration['qemu'];
/** A calibration whose costs of QEMU are still to be found. */
export type CalibrationDraft = Omit<Calibration, 'qemu'>;

export interface FittedQemu {
  readonly qemu: QemuCosts;
  /** The largest relative error of the total times of what it was fitted to, without sign. */
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
 * QEMU's costs from migrations of guests that write nothing, with different numbers of pages with content and of zero pages. The source's
 * are those with which `predictPacket` gives the total times that were measured; the destination's those that account for its
 * processor time; waits are as they were seen. The fetching of the dirty log is too short to be seen.
 * @param runs measured, at least two with different pages
 * @throws RangeError for fewer
 */
export function fitQemuCosts(draft: CalibrationDraft, runs: readonly RunResult[]): FittedQemu {
  let qemu: QemuCosts = { ...FIRST_GUESS, ...waitsOf(runs), destination: destinationOf(draft, runs) };
  const deviceStateNs = median(runs.map(afterPagesNs)) / 2;
  qemu = {
    ...qemu,
    stopNs: deviceStateNs,
    source: { ...qemu.source, deviceStateNs },
    destination: { ...qemu.destination, deviceStateNs },
  };
  for (let round = 0; round < ROUNDS; round++) {
    const { pageNs, zeroPageNs } = improved({ ...draft, qemu }, runs);
    const source = { ...qemu.source, pageNs, zeroPageNs, queuePageNs: pageNs * QUEUE_SHARE };
    qemu = { ...qemu, source };
  }
  const errors = runs.map((run) => predictedMs(run, { ...draft, qemu }) / run.totalTimeMs - 1);
  return { qemu, worstResidual: Math.max(...errors.map(Math.abs)) };
}

/** What is missing, or too much, is laid to the pages: so much for each with content, so much for each zero page. */
function improved(
  calibration: Calibration,
  runs: readonly RunResult[],
): { pageNs: number; zeroPageNs: number } {
  const { pageNs, zeroPageNs } = calibration.qemu.source;
  const equations = runs.map(({ stream, ...run }): Equation => {
    const asIsNs = stream.normalPages * pageNs + stream.zeroPages * zeroPageNs;
    const missingNs = (run.totalTimeMs - predictedMs({ ...run, stream }, calibration)) * 1e6;
    return { coefficients: [stream.normalPages, stream.zeroPages], value: Math.max(1, asIsNs + missingNs) };
  });
  const [page, zeroPage] = solveNonNegative(equations).values;
  return { pageNs: page!, zeroPageNs: zeroPage! };
}

function predictedMs({ scenario }: RunResult, calibration: Calibration): number {
  return predictPacket(scenario, calibration).totalTimeMs;
}

/** Of the whole host: what is left of its processor time when that of packets is taken off. */
function destinationOf(
  { tcp, guest }: CalibrationDraft,
  runs: readonly RunResult[],
): QemuCosts['destination'] {
  const otherCores = guest?.cores ?? 0;
  const equations = runs.map(({ stream, wire, cpu, totalTimeMs }): Equation => {
    const packetsNs =
      costsNs(tcp.receive, wire.packets, stream.bytes) + costsNs(tcp.send, wire.acknowledgements, 0);
    const otherNs = otherCores * totalTimeMs * 1e6;
    const value = Math.max(1, cpu.destination.seconds * 1e9 - packetsNs - otherNs);
    return { coefficients: [stream.normalPages, stream.zeroPages], value };
  });
  const [pageNs, zeroPageNs] = solveNonNegative(equations).values;
  return { pageNs: pageNs!, zeroPageNs: zeroPageNs!, deviceStateNs: 0 };
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
  const middle = sorted.length / 2;
  return (sorted[Math.floor(middle)]! + sorted[Math.ceil(middle) - 1]!) / 2;
}
