import type { Hosts, Scenario, Workload } from '../scenario/scenario.js';
import type { Calibration } from './calibration/calibration.js';

/** However much the guest wants: the scheduler shares a core between those who want it. */
const LEAST_SHARE = 0.1;

/** A scenario's hosts, the part of a single core that the guest's writing takes is off what it leaves to the migration. */
export function hostsOf({ hosts, guest }: Scenario, calibration: Calibration): Hosts {
  const { source } = hosts;
  if (calibration.guestWriteNs === undefined || source.cores !== 1) return hosts;
  const guestShare = (calibration.guestWriteNs * writesPerSecond(guest.workload)) / 1e9;
  const cpuShare = source.cpuShare - Math.min(guestShare, source.cpuShare * (1 - LEAST_SHARE));
  return { ...hosts, source: { ...source, cpuShare } };
}

function writesPerSecond(workload: Workload): number {
  if (workload.kind === 'idle') return 0;
  if (workload.kind !== 'trace') return workload.pagesPerSecond;
  return workload.groups.reduce((sum, { pages, writesPerSecond: rate }) => sum + pages * rate, 0);
}
