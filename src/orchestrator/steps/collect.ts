import { join } from 'node:path';
import { parseEspSuite } from '../../ipsec/suite.js';
import type { RunCheck } from '../../result/measured-run.js';
import { readNetworkCounters } from '../measure/network-counters.js';
import { accountForWire, expectedProtection, type WireAccount } from '../measure/wire-account.js';
import { confidentialityCheck, originCheck } from '../security/wire-checks.js';
import { isTunnelled } from './captures.js';
import { filled, onBoth, ROLES, type RunContext } from './run-context.js';
import type { HostRole, Step } from './step.js';

const NAMES = {
  clear: 'in the clear',
  ah: 'AH',
  esp: 'ESP',
  ahEsp: 'ESP within AH',
  ike: 'IKE',
  notIp: 'no IP',
} as const;

/** Ends captures, reads counters, analyses what was recorded with the keys of the run, and checks it. */
export const collectMeasurements: Step<RunContext> = {
  name: 'collect',
  title: 'the measurements',
  async perform(context) {
    const before = filled(context, 'counters').before;
    const after = await onBoth((role) => readNetworkCounters(context.place.hosts[role]));
    context.counters = { before, after };
    const captures = filled(context, 'captures');
    const drops: Partial<Record<HostRole, number | null>> = {};
    for (const role of ROLES) if (captures[role] !== undefined) drops[role] = await captures[role].stop();
    context.captureDrops = drops;
    // What leaves the source is what the scenario's wire carries; the destination's may lack what the link lost.
    const path = join(context.options.captureFolder, 'source.pcap');
    const { ipsec } = context.scenario;
    const associations = context.channel?.associations ?? [];
    const service = { ...context.place.addresses, port: filled(context, 'port') };
    const wire = await accountForWire(path, associations, service, ipsec);
    context.wire = { ...wire, unprotected: [...wire.unprotected, ...(await answersInTheClear(context))] };
    context.checks.push(checkCapture(context, context.wire));
    if (context.channel) {
      const spis = context.channel.associations.map(({ spi }) => spi);
      context.checks.push(
        checkProtection(context, context.wire),
        confidentialityCheck(ipsec, context.wire),
        originCheck(ipsec, spis, after),
      );
    }
    if (context.channel && hasIntegrity(context) && context.options.fullCapture)
      context.checks.push(checkIntegrity(context.wire));
    context.checks.push(...checkStream(context, context.wire));
  },
};

/** From tunnels, where the source's capture has only what the source sent in the clear. */
async function answersInTheClear(context: RunContext): Promise<WireAccount['unprotected']> {
  const { place, options, scenario } = context;
  if (!isTunnelled(context) || filled(context, 'captures').destination === undefined) return [];
  const path = join(options.captureFolder, 'destination.pcap');
  const service = { ...place.addresses, port: filled(context, 'port') };
  const { unprotected } = await accountForWire(
    path,
    context.channel?.associations ?? [],
    service,
    scenario.ipsec,
  );
  return unprotected;
}

function checkCapture({ captureDrops = {} }: RunContext, { broken, packets }: WireAccount): RunCheck {
  const missed = ROLES.reduce((sum, role) => sum + (captureDrops[role] ?? 0), 0);
  return {
    requirement: 'the capture is whole',
    ok: broken === null && missed === 0 && packets > 0,
    evidence: broken ?? `${packets} packets recorded, ${missed} missed`,
  };
}

/** No packet of the migration may be readable on the wire. */
function checkProtection({ scenario }: RunContext, { unprotected, packets }: WireAccount): RunCheck {
  const expected = NAMES[expectedProtection(scenario.ipsec)];
  const others = unprotected.map(({ what, packets: count }) => `${count} ${NAMES[what]}`);
  return {
    requirement: `every packet of the migration is ${expected}`,
    ok: others.length === 0 && packets > 0,
    evidence:
      others.length === 0 ? `all ${packets} packets recorded are` : `recorded besides: ${others.join(', ')}`,
  };
}

function checkIntegrity({ integrity }: WireAccount): RunCheck {
  const { verified, failed, unchecked } = integrity;
  return {
    requirement: "every packet verifies with the run's keys",
    ok: failed === 0 && unchecked === 0 && verified > 0,
    evidence: `${verified} ICVs verified, ${failed} failed, ${unchecked} could not be checked`,
  };
}

function hasIntegrity({ scenario: { ipsec } }: RunContext): boolean {
  return ipsec.ah !== null || (ipsec.esp !== null && parseEspSuite(ipsec.esp).icvBytes > 0);
}

/**
 * QEMU's own account against what was read off the wire. What QEMU counts with multifd compression, and after version 8, is not RAM
 * with its framing; and multifd sends a few pages twice that QEMU counts once.
 */
function checkStream(context: RunContext, { migration }: WireAccount): RunCheck[] {
  const account = filled(context, 'migration');
  const ram = account.final.ram;
  const isCounted = context.compression === null && majorVersion(context) < 8;
  if (migration === null || ram === null || !migration.complete || !isCounted) return [];
  const told: [what: string, byQemu: number, byWire: number][] = [
    ['RAM bytes', ram.transferred, migration.ramBytes],
    ['zero pages', ram.zeroPages, migration.zeroPages],
  ];
  if (migration.channels === 0) told.push(['pages', ram.normalPages, migration.normalPages]);
  return [
    {
      requirement: 'QEMU and the wire tell the same',
      ok: told.every(([, byQemu, byWire]) => byQemu === byWire),
      evidence: told.map(([what, byQemu, byWire]) => `${what} ${byQemu} and ${byWire}`).join(', '),
    },
  ];
}

function majorVersion(context: RunContext): number {
  return Number.parseInt(filled(context, 'facts').source.qemu?.version ?? '', 10);
}
