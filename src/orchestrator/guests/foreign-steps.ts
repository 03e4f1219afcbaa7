import { startCaptures } from '../steps/captures.js';
import { checkHosts } from '../steps/check-hosts.js';
import { collectMeasurements } from '../steps/collect.js';
import { protectChannel } from '../steps/ipsec.js';
import { prepareNetwork } from '../steps/network.js';
import type { RunContext } from '../steps/run-context.js';
import type { Step } from '../steps/step.js';
import { findDomain, migrateDomain } from './domain-steps.js';
import type { ForeignGuest } from './foreign-guest.js';
import { learnGuest } from './learn-guest.js';
import { findQmpGuest, migrateQmpGuest } from './qmp-steps.js';

/** All of a run with a guest that was there before and goes on after it. That its memory is whole is not proven: only it could tell. */
export function foreignSteps(guest: ForeignGuest): readonly Step<RunContext>[] {
  const [find, migrate] =
    guest.kind === 'domain'
      ? [findDomain(guest), migrateDomain(guest)]
      : [findQmpGuest(guest), migrateQmpGuest(guest)];
  return [
    find,
    checkHosts,
    prepareNetwork,
    protectChannel,
    startCaptures,
    migrate,
    collectMeasurements,
    learnGuest,
  ];
}
