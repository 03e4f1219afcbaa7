import type { Calibration, PacketCosts, SuiteCosts } from '../model/calibration/calibration.js';
import { fitQemuCosts } from '../model/calibration/fit-qemu-costs.js';
import { type FittedTransfers, fitTransfers } from '../model/calibration/fit-transfers.js';
import { minus } from '../model/calibration/throughput-costs.js';
import { measureGuestLoad } from '../orchestrator/calibrate/guest-load.js';
import { measureTransfer, type Transfer } from '../orchestrator/calibrate/transfer.js';
import { type MigrationOptions, runMigration } from '../orchestrator/run-migration.js';
import type { RunPlace } from '../orchestrator/steps/run-context.js';
import type { RunEnvironment } from '../result/measured-run.js';
import type { RunResult } from '../result/run-result.js';
import type { Scenario } from '../scenario/scenario.js';
import { calibrationCases, type TransferCase } from './calibration-cases.js';
import { examineHosts } from './validation-hosts.js';

export interface CalibrationRequest {
  readonly name: string;
  /** Suites to learn the costs of, as strongSwan names them. */
  readonly esp: readonly string[];
  readonly ah: readonly string[];
  /** What is being done: `3 of 14: a transfer under ESP aes128gcm16, MTU 9000`. */
  readonly onProgress?: (text: string) => void;
  readonly signal?: AbortSignal;
  /** Folder of the journal. Default: that of this user. */
  readonly journalFolder?: string;
}

const TRANSFER_SECONDS = 1.5;
const WATCH_SECONDS = 4;

/**
 * What two hosts pay for packets, bytes, suites and pages: short transfers with packets of different sizes, in the clear and under each
 * suite, and migrations of guests that write nothing, fitted by least squares.
 * @throws as `runMigration`; RangeError where what was measured makes no sense
 */
export async function calibratePlace(place: RunPlace, request: CalibrationRequest): Promise<Calibration> {
  const { hosts, guestSize } = await examineHosts(place);
  const cases = calibrationCases(request, guestSize);
  const own = (scenario: Scenario): Scenario => ({ ...scenario, hosts: { ...scenario.hosts, ...hosts } });
  const count = cases.transfers.length + cases.guests.length + cases.migrations.length;
  let done = 0;
  const tell = (what: string): void => request.onProgress?.(`${++done} of ${count}: ${what}`);
  const options: MigrationOptions = {
    ...(request.signal && { signal: request.signal }),
    ...(request.journalFolder !== undefined && { journalFolder: request.journalFolder }),
  };

  const measured: Measured[] = [];
  for (const each of cases.transfers) {
    tell(`a transfer ${describeTransfer(each)}`);
    const transfer = await measureTransfer(own(each.scenario), place, TRANSFER_SECONDS, options);
    measured.push({ ...each, transfer });
  }
  const loads = [];
  for (const guest of cases.guests) {
    tell('what a guest takes of its processor');
    loads.push(await measureGuestLoad(own(guest), place, WATCH_SECONDS, options));
  }
  const runs: RunResult[] = [];
  for (const scenario of cases.migrations) {
    tell(`a migration of a guest with ${scenario.guest.filledBytes / 2 ** 20} MiB in use`);
    runs.push(await runMigration(own(scenario), place, options));
  }

  const [still, writing] = loads;
  const writeNs = ((writing!.cores - still!.cores) / writing!.pagesPerSecond) * 1e9;
  const guest = { cores: still!.cores, writeNs: Math.max(0, writeNs) };
  const costs = costsOf(measured, request);
  const draft = {
    ...headOf(request.name, place, runs[0]!, costs.worstResidual),
    ...costs.calibration,
    guest,
  };
  const { qemu, worstResidual } = fitQemuCosts(draft, runs);
  const method = `${draft.origin.method} Times of the migrations: within ${percent(worstResidual)}.`;
  return { ...draft, qemu, origin: { ...draft.origin, method } };
}

type Measured = TransferCase & { readonly transfer: Transfer };

interface FittedCosts {
  readonly calibration: Pick<Calibration, 'tcp' | 'esp' | 'ah'>;
  readonly worstResidual: number;
}

function costsOf(measured: readonly Measured[], { esp, ah }: CalibrationRequest): FittedCosts {
  const fit = (espName: string | null, ahName: string | null): FittedTransfers =>
    fitTransfers(
      measured.filter((each) => each.esp === espName && each.ah === ahName).map(({ transfer }) => transfer),
    );
  const clear = fit(null, null);
  const fitted = [...esp.map((name) => fit(name, null)), ...ah.map((name) => fit(null, name))];
  const suites = [...esp, ...ah].map((suite, i) => suiteOf(suite, fitted[i]!, clear));
  return {
    calibration: {
      tcp: { send: clear.send, receive: clear.receive },
      esp: suites.slice(0, esp.length),
      ah: suites.slice(esp.length),
    },
    worstResidual: Math.max(...[clear, ...fitted].map(({ worstResidual }) => worstResidual)),
  };
}

/** What it adds to TCP in the clear. */
function suiteOf(suite: string, { send, receive }: FittedTransfers, clear: FittedTransfers): SuiteCosts {
  const added = (all: PacketCosts, direction: 'send' | 'receive') => minus(all, clear[direction]);
  return { suite, send: added(send, 'send'), receive: added(receive, 'receive'), basis: 'measured' };
}

function headOf(
  name: string,
  place: RunPlace,
  run: RunResult,
  worstResidual: number,
): Pick<Calibration, 'schema' | 'name' | 'description' | 'origin'> {
  const { source, destination } = run.environment as RunEnvironment;
  const both = (one: string, other: string): string => (one === other ? one : `${one}; ${other}`);
  const where = place.source === 'measured:lab' ? 'two machines of the laboratory' : 'two hosts';
  return {
    schema: 'tare.calibration/1',
    name,
    description: `Measured between ${where}.`,
    origin: {
      machine: `${where}, ${source.accelerator}`,
      cpu: both(source.cpu, destination.cpu),
      kernel: both(source.kernel, destination.kernel),
      qemu: both(source.qemu, destination.qemu),
      date: new Date().toISOString().slice(0, 10),
      method:
        'TCP transfers with segments of three sizes, in the clear and under each suite; migrations of guests that write nothing. ' +
        `Least squares of relative errors. Processor times of the transfers: within ${percent(worstResidual)}.`,
    },
  };
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}

function describeTransfer({ esp, ah, scenario }: TransferCase): string {
  const how = esp !== null ? `under ESP ${esp}` : ah !== null ? `under AH ${ah}` : 'in the clear';
  return `${how}, MTU ${scenario.network.mtu}`;
}
