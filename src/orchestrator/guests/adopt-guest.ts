import type { Scenario } from '../../scenario/scenario.js';
import { readHostState } from '../measure/host-facts.js';
import type { FoundGuest } from '../steps/found-guest.js';
import { EnvironmentError, onBoth, type RunContext } from '../steps/run-context.js';
import type { ForeignGuest } from './foreign-guest.js';

/**
 * Makes a guest that was found the run's: what the scenario says of a guest and its network gives way to what is so. How much of
 * its memory is in use, and how fast it writes, shows in the migration.
 */
export async function adoptGuest(context: RunContext, guest: ForeignGuest, found: FoundGuest): Promise<void> {
  const { memoryBytes } = found.machine;
  const { scenario } = context;
  const named: Scenario = {
    ...scenario,
    ...(guest.scenarioName !== null && { name: found.name, description: describe(guest) }),
    guest: { memoryBytes, filledBytes: memoryBytes, workload: { kind: 'idle' } },
  };
  const mtu = guest.keepsMtu ? await smallestMtu(context) : scenario.network.mtu;
  context.scenario = { ...named, network: { ...named.network, mtu } };
  context.found = found;
}

function describe(guest: ForeignGuest): string {
  return guest.kind === 'domain' ? 'A domain of libvirt.' : "A guest of somebody's own QEMU.";
}

/** Of the two devices. */
async function smallestMtu({ place }: RunContext): Promise<number> {
  const mtus = await onBoth(async (role) => {
    const device = place.devices[role];
    const state = await readHostState(place.hosts[role], device);
    if (state.device !== null) return state.device.mtu;
    throw new EnvironmentError(`${place.hosts[role].name} has no network device ${device}`);
  });
  return Math.min(mtus.source, mtus.destination, MAX_MTU);
}

/** The loopback device has more; with an Ethernet header before them, packets of so many bytes are captured whole. */
const MAX_MTU = 65_521;
