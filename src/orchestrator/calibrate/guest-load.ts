import { setTimeout as sleep } from 'node:timers/promises';
import type { Scenario } from '../../scenario/scenario.js';
import { CpuSampler } from '../measure/cpu-sampler.js';
import { busySeconds, cpuBetween } from '../measure/cpu-times.js';
import { checkHosts } from '../steps/check-hosts.js';
import { startGuest } from '../steps/guest.js';
import { prepareNetwork } from '../steps/network.js';
import { filled, type RunContext, type RunPlace } from '../steps/run-context.js';
import type { Step } from '../steps/step.js';
import { type CalibrationRunOptions, runCalibrationSteps } from './calibration-run.js';

/** What a guest, and watching it, takes of its host's processors while nothing is migrated. */
export interface GuestLoad {
  readonly pagesPerSecond: number;
  /** Processors in use, on average: 0.1 is a tenth of one. */
  readonly cores: number;
}

/** As often as a migration is asked how it goes. */
const POLL_MS = 40;

/**
 * Starts a scenario's guest at the source and watches it for a while as if it were migrated.
 * @throws as `runCalibrationSteps`
 */
export async function measureGuestLoad(
  scenario: Scenario,
  place: RunPlace,
  seconds: number,
  options: CalibrationRunOptions = {},
): Promise<GuestLoad> {
  let cores = 0;
  const watch: Step<RunContext> = {
    name: 'watch',
    title: 'what the guest takes of its processor',
    async perform(context, _undo, signal) {
      cores = await watchGuest(context, seconds, signal);
    },
  };
  await runCalibrationSteps(scenario, place, [checkHosts, prepareNetwork, startGuest, watch], options);
  const { workload } = scenario.guest;
  return { pagesPerSecond: 'pagesPerSecond' in workload ? workload.pagesPerSecond : 0, cores };
}

async function watchGuest(context: RunContext, seconds: number, signal: AbortSignal): Promise<number> {
  const { qmp, processId, host } = filled(context, 'guests').source;
  const sampler = await CpuSampler.start(host, processId);
  context.closers.push(() => sampler.stop());
  const before = await sampler.sample();
  for (let asked = 0; asked < (seconds * 1000) / POLL_MS; asked++) {
    await qmp.execute('query-migrate');
    await sleep(POLL_MS, undefined, { signal });
  }
  const after = await sampler.sample();
  if (before === null || after === null) throw new Error('the guest has ended');
  const account = cpuBetween(before, after);
  const busy = busySeconds(account);
  const all = busy + account.byKind.idle + account.byKind.iowait;
  return all === 0 ? 0 : (busy / all) * filled(context, 'facts').source.cores;
}
