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
 * the clear, with different numbers of pages with content and zero pages: QEMU's for each page. TCP's are the draft's: bulk transfers
 * tell them more exactly. From those under a suite, with packets of different sizes: what that costs, which a bulk transfer has told
 * the draft without QEMU beside it; from those under AH and ESP what is done only once for both. How many writes end with short
 * segments shows in the number of packets. The destination's costs for pages are those that account for its processor time; waits
 * are as they were seen; the fetching of the dirty log is too short to be seen.
 * @param runs measured; in the clear at least two, with different numbers of pages
 * @throws RangeError for fewer
 */
export function fitMigrations(draft: CalibrationDraft, runs: readonly RunResult[]): FittedMigrations {
  const isProtected = ({ scenario: { ipsec } }: RunResult): boolean =>
    ipsec.esp !== null || ipsec.ah !== null;
  const first = fitTimes(draft, runs);
  const shortEnds = {
    clear: shortEndsOf(
      first,
      runs.filter((run) => !isProtected(run)),
    ),
    protected: shortEndsOf(first, runs.filter(isProtected)),
  };
  const calibration = fitTimes({ ...draft, tcp: { ...draft.tcp, shortEnds } }, runs);
  const residuals = runs.map((run) => predicted(run, calibration).totalTimeMs / run.totalTimeMs - 1);
  return { calibration, worstResidual: Math.max(...residuals.map(Math.abs)) };
}

/** Packets for each byte of the stream grow nearly in proportion to it: least squares of their relative errors, round by round. */
function shortEndsOf(calibration: Calibration, runs: readonly RunResult[]): number {
  const packetsPerByte = ({ wire, stream }: RunResult): number =>
    (wire.packets - wire.retransmissions) / stream.bytes;
  const relative = (share: number): number[] => {
    const tcp = { ...calibration.tcp, shortEnds: { clear: share, protected: share } };
    return runs.map(
      (run) => packetsPerByte(predicted(run, { ...calibration, tcp })) / packetsPerByte(run) - 1,
    );
  };
  const least = relative(0);
  const gains = relative(1).map((most, i) => most - least[i]!);
  const squares = gains.reduce((sum, gain) => sum + gain ** 2, 0);
  // Where no socket is ever empty it makes no difference.
  if (squares === 0) return 1;
  let share = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const step = relative(share).reduce((sum, error, i) => sum - (error * gains[i]!) / squares, 0);
    share = Math.min(1, Math.max(0, share + step));
  }
  return share;
}

function fitTimes(draft: CalibrationDraft, runs: readonly RunResult[]): Calibration {
  const under = (esp: string | null, ah: string | null): RunResult[] =>
    runs.filter(({ scenario: { ipsec } }) => ipsec.esp === esp && ipsec.ah === ah);
  let calibration = fitQemu(draft, under(null, null));
  for (const { suite } of draft.esp) calibration = fitSuite(calibration, 'esp', suite, under(suite, null));
  for (const { suite } of draft.ah) calibration = fitSuite(calibration, 'ah', suite, under(null, suite));
  const both = runs.filter(({ scenario: { ipsec } }) => ipsec.esp !== null && ipsec.ah !== null);
  return fitShared(calibration, both);
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
    const counts = ({ stream }: RunResult) => [stream.normalPages, stream.zeroPages];
    const costs = [qemu.source.pageNs, qemu.source.zeroPageNs];
    const [pageNs, zeroPageNs] = improved({ ...draft, qemu }, runs, counts, costs);
    const source = { ...qemu.source, pageNs: pageNs!, zeroPageNs: zeroPageNs! };
    qemu = { ...qemu, source: { ...source, queuePageNs: source.pageNs * QUEUE_SHARE } };
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
    const counts = ({ wire, stream }: RunResult) => [wire.packets, stream.bytes];
    const { send } = fitted[protocol].find((each) => each.suite === suite)!;
    const [packetNs, byteNs] = improved(fitted, runs, counts, [send.packetNs, send.byteNs]);
    const change = { packetNs: packetNs! - send.packetNs, byteNs: byteNs! - send.byteNs };
    const replace = (each: SuiteCosts): SuiteCosts =>
      each.suite === suite
        ? { ...each, send: added(each.send, change), receive: added(each.receive, change) }
        : each;
    fitted = { ...fitted, [protocol]: fitted[protocol].map(replace) };
  }
  return fitted;
}

/** Either direction does the same work: what the source was found to need more or less, the destination does, too. */
function added(costs: PacketCosts, change: PacketCosts): PacketCosts {
  return {
    packetNs: Math.max(0, costs.packetNs + change.packetNs),
    byteNs: Math.max(0, costs.byteNs + change.byteNs),
  };
}

function fitShared(calibration: Calibration, runs: readonly RunResult[]): Calibration {
  if (runs.length === 0) return calibration;
  let sharedNs = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const surplusNs = runs.map((run) => {
      const tooMuchMs = predicted(run, { ...calibration, sharedNs }).totalTimeMs - run.totalTimeMs;
      return (tooMuchMs * 1e6) / run.wire.packets;
    });
    const packets = runs.reduce((sum, { wire }) => sum + wire.packets, 0);
    const step = runs.reduce((sum, { wire }, i) => sum + surplusNs[i]! * (wire.packets / packets), 0);
    sharedNs = Math.max(0, sharedNs + step);
  }
  return { ...calibration, sharedNs };
}

/** What is missing of the times, or too much, is laid to a few kinds of things: so much for each. */
function improved(
  calibration: Calibration,
  runs: readonly RunResult[],
  counts: (run: RunResult) => readonly number[],
  costs: readonly number[],
): readonly number[] {
  const equations = runs.map((run): Equation => {
    const coefficients = counts(run);
    const asIsNs = coefficients.reduce((sum, count, i) => sum + count * costs[i]!, 0);
    const missingNs = (run.totalTimeMs - predicted(run, calibration).totalTimeMs) * 1e6;
    return { coefficients, value: asIsNs + missingNs, scale: run.totalTimeMs * 1e6 };
  });
  return solveNonNegative(equations).values;
}

function predicted({ scenario }: RunResult, calibration: Calibration): RunResult {
  return predictPacket(scenario, calibration);
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
