import type { Calibration, PacketCosts, SuiteCosts } from '../model/calibration/calibration.js';
import { fitMigrations } from '../model/calibration/fit-migrations.js';
import {
  type FittedTransfers,
  fitTransfers,
  type TransferSample,
} from '../model/calibration/fit-transfers.js';
import { minus } from '../model/calibration/throughput-costs.js';
import type { GuestLoad } from '../orchestrator/calibrate/guest-load.js';
import type { RunResult } from '../result/run-result.js';

/** What two hosts were seen to take. */
export interface PlaceMeasurements {
  /** In the clear and with each suite alone, each with packets of at least two sizes. */
  readonly transfers: readonly ProtectedTransfer[];
  /** Guests that run at the source, at least two that write at different rates. */
  readonly guests: readonly GuestLoad[];
  /** Migrations of guests that write nothing, in the clear and with each suite alone. */
  readonly runs: readonly RunResult[];
}

export interface ProtectedTransfer extends TransferSample {
  readonly esp: string | null;
  readonly ah: string | null;
}

/** @throws RangeError where what was measured makes no sense */
export function fitCalibration(name: string, { transfers, guests, runs }: PlaceMeasurements): Calibration {
  const { worstResidual: transferError, ...costs } = packetCostsOf(transfers);
  const draft = { ...headOf(name, runs[0]!), ...costs, guestWriteNs: writeNsOf(guests) };
  const { calibration, worstResidual } = fitMigrations(draft, runs);
  const method =
    'TCP transfers with segments of different sizes, in the clear and under each suite; migrations of guests that write nothing. ' +
    `Least squares of relative errors: processor times of the transfers within ${percent(transferError)}, ` +
    `times of the migrations within ${percent(worstResidual)}.`;
  return { ...calibration, origin: { ...draft.origin, method } };
}

function writeNsOf(guests: readonly GuestLoad[]): number {
  const sorted = guests.toSorted((a, b) => a.pagesPerSecond - b.pagesPerSecond);
  const [still, writing] = [sorted[0]!, sorted.at(-1)!];
  const writeNs = ((writing.cores - still.cores) / (writing.pagesPerSecond - still.pagesPerSecond)) * 1e9;
  return Math.max(0, writeNs);
}

function packetCostsOf(
  transfers: readonly ProtectedTransfer[],
): Pick<Calibration, 'tcp' | 'esp' | 'ah'> & { readonly worstResidual: number } {
  const fit = (esp: string | null, ah: string | null): FittedTransfers =>
    fitTransfers(transfers.filter((each) => each.esp === esp && each.ah === ah));
  const clear = fit(null, null);
  const espNames = namesOf(transfers.map(({ esp }) => esp));
  const ahNames = namesOf(transfers.map(({ ah }) => ah));
  const esp = espNames.map((suite) => ({ suite, all: fit(suite, null) }));
  const ah = ahNames.map((suite) => ({ suite, all: fit(null, suite) }));
  return {
    tcp: { send: clear.send, receive: clear.receive },
    esp: esp.map(({ suite, all }) => suiteCostsOf(suite, all, clear)),
    ah: ah.map(({ suite, all }) => suiteCostsOf(suite, all, clear)),
    worstResidual: Math.max(clear.worstResidual, ...[...esp, ...ah].map(({ all }) => all.worstResidual)),
  };
}

function namesOf(names: readonly (string | null)[]): string[] {
  return [...new Set(names.filter((name) => name !== null))];
}

/** What it adds to TCP in the clear. */
function suiteCostsOf(suite: string, { send, receive }: FittedTransfers, clear: FittedTransfers): SuiteCosts {
  const added = (all: PacketCosts, direction: 'send' | 'receive') => minus(all, clear[direction]);
  return { suite, send: added(send, 'send'), receive: added(receive, 'receive'), basis: 'measured' };
}

function headOf(
  name: string,
  { source, environment }: RunResult,
): Pick<Calibration, 'schema' | 'name' | 'description' | 'origin'> {
  if (environment === undefined) throw new RangeError('costs come from measured runs');
  const { source: from, destination: to } = environment;
  const both = (one: string, other: string): string => (one === other ? one : `${one}; ${other}`);
  const where = source === 'measured:lab' ? 'two machines of the laboratory' : 'two hosts';
  return {
    schema: 'tare.calibration/1',
    name,
    description: `Measured between ${where}, ${from.accelerator}.`,
    origin: {
      machine: `${where}, ${from.accelerator}`,
      cpu: both(from.cpu, to.cpu),
      kernel: both(from.kernel, to.kernel),
      qemu: both(from.qemu, to.qemu),
      date: new Date().toISOString().slice(0, 10),
      method: '',
    },
  };
}

function percent(share: number): string {
  return share < 0.01 ? 'less than 1 %' : `${Math.round(share * 100)} %`;
}
