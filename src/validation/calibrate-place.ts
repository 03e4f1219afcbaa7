import type { Calibration } from '../model/calibration/calibration.js';
import type { CalibrationRunOptions } from '../orchestrator/calibrate/calibration-run.js';
import { measureGuestLoad } from '../orchestrator/calibrate/guest-load.js';
import { measureTransfer } from '../orchestrator/calibrate/transfer.js';
import type { RunPlace } from '../orchestrator/steps/run-context.js';
import type { RunResult } from '../result/run-result.js';
import type { Scenario } from '../scenario/scenario.js';
import { calibrationCases, type TransferCase } from './calibration-cases.js';
import { fitCalibration, type PlaceMeasurements } from './fit-calibration.js';
import { examineHosts } from './validation-hosts.js';

export interface CalibrationRequest {
  readonly name: string;
  /** Suites to learn the costs of, as strongSwan names them. */
  readonly esp: readonly string[];
  readonly ah: readonly string[];
  /** What is being done: `3 of 14: a transfer under ESP aes128gcm16, MTU 9000`. */
  readonly onProgress?: (text: string) => void;
  /** Carries a migration out. */
  readonly migrate: (scenario: Scenario) => Promise<RunResult>;
  readonly signal?: AbortSignal;
  /** Folder of the journal. Default: that of this user. */
  readonly journalFolder?: string;
}

const TRANSFER_SECONDS = 1.5;
const WATCH_SECONDS = 4;

/**
 * What two hosts pay for packets, bytes, suites and pages: short transfers with packets of different sizes, in the clear and under each
 * suite, and migrations of guests that write nothing, fitted by least squares.
 * @throws what `migrate` throws; as `measureTransfer`; RangeError where what was measured makes no sense
 */
export async function calibratePlace(place: RunPlace, request: CalibrationRequest): Promise<Calibration> {
  return fitCalibration(request.name, await measurePlace(place, request));
}

export async function measurePlace(place: RunPlace, request: CalibrationRequest): Promise<PlaceMeasurements> {
  const { hosts, guestSize } = await examineHosts(place);
  const cases = calibrationCases(request, guestSize);
  const own = (scenario: Scenario): Scenario => ({ ...scenario, hosts: { ...scenario.hosts, ...hosts } });
  const count = cases.transfers.length + cases.guests.length + cases.migrations.length;
  let done = 0;
  const tell = (what: string): void => request.onProgress?.(`${++done} of ${count}: ${what}`);
  const options: CalibrationRunOptions = {
    ...(request.signal && { signal: request.signal }),
    ...(request.journalFolder !== undefined && { journalFolder: request.journalFolder }),
  };
  const transfers = [];
  for (const each of cases.transfers) {
    tell(`a transfer ${describeChannel(each)}`);
    const transfer = await measureTransfer(own(each.scenario), place, TRANSFER_SECONDS, options);
    transfers.push({ esp: each.esp, ah: each.ah, ...transfer });
  }
  const guests = [];
  for (const guest of cases.guests) {
    tell('what a guest takes of its processor');
    guests.push(await measureGuestLoad(own(guest), place, WATCH_SECONDS, options));
  }
  const runs = [];
  for (const scenario of cases.migrations) {
    const mib = scenario.guest.filledBytes / 2 ** 20;
    const { esp, ah } = scenario.ipsec;
    tell(`a migration of ${mib} MiB ${describeChannel({ esp, ah, scenario })}`);
    runs.push(await request.migrate(own(scenario)));
  }
  return { transfers, guests, runs };
}

function describeChannel({ esp, ah, scenario }: TransferCase): string {
  const names = [...(ah === null ? [] : [`AH ${ah}`]), ...(esp === null ? [] : [`ESP ${esp}`])];
  const how = names.length === 0 ? 'in the clear' : `under ${names.join(' and ')}`;
  const { mtu, mss } = scenario.network;
  return `${how}, MTU ${mtu}${mss === 'auto' ? '' : `, MSS ${mss}`}`;
}
