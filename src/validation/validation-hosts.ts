import { type HostFacts, readHostFacts } from '../orchestrator/measure/host-facts.js';
import { type ByRole, onBoth, type RunPlace } from '../orchestrator/steps/run-context.js';
import type { Host } from '../scenario/scenario.js';
import type { GuestSize } from './matrix.js';

export interface ValidationHosts {
  /** What predictions take for the hosts: all of the cores that they have. */
  readonly hosts: ByRole<Host>;
  /** What guest they can migrate in some seconds. */
  readonly guestSize: GuestSize;
}

/** @throws HostError */
export async function examineHosts(place: RunPlace): Promise<ValidationHosts> {
  const programs = place.lab === undefined ? ['tcpdump'] : [];
  const facts = await onBoth((role) => readHostFacts(place.hosts[role], programs));
  const hostOf = ({ cores }: HostFacts): Host => ({ cores, cpuShare: 1 });
  const isLarge = place.source === 'measured:ssh' && facts.source.hasKvm && facts.destination.hasKvm;
  return {
    hosts: { source: hostOf(facts.source), destination: hostOf(facts.destination) },
    guestSize: isLarge ? 'large' : 'small',
  };
}
