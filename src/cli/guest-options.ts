import type { Command } from 'commander';
import type { ForeignGuest } from '../orchestrator/guests/foreign-guest.js';
import type { InventoryGuest } from '../orchestrator/security/inventory.js';
import { CliError, ExitCode } from './exit-code.js';
import type { PlaceChoice } from './migrate-options.js';

/** Options of `tare migrate` that name a guest which is there already. */
export interface GuestOptions {
  readonly domain?: string;
  readonly destinationUri?: string;
  readonly undefineSource?: boolean;
  readonly qmp?: string;
  readonly qmpDestination?: string;
  readonly mtu?: string;
}

/** Adds the options. */
export function addGuestOptions(command: Command): Command {
  return command
    .option('--domain <name>', 'a domain of libvirt at the source, instead of a test guest')
    .option('--destination-uri <uri>', "of the destination's libvirt, as the source reaches it")
    .option('--undefine-source', 'forget the domain at the source when it has left')
    .option('--qmp <socket>', 'QMP socket of a running QEMU at the source, instead of a test guest')
    .option('--qmp-destination <socket>', 'of the QEMU that waits for it (-incoming defer)');
}

/**
 * The guest that the options name, as an inventory lists guests.
 * @throws CliError (usage)
 */
export function namedGuest(options: GuestOptions): InventoryGuest {
  const { domain, qmp, qmpDestination, destinationUri, undefineSource } = options;
  if (domain !== undefined && qmp !== undefined) throw usage('give one of --domain and --qmp');
  if (domain === undefined && (destinationUri !== undefined || undefineSource)) {
    throw usage('--destination-uri and --undefine-source are for --domain');
  }
  if ((qmp === undefined) !== (qmpDestination === undefined)) {
    throw usage(
      '--qmp and --qmp-destination belong together: the QEMU with the guest, and the one that waits',
    );
  }
  for (const [option, path] of [
    ['--qmp', qmp],
    ['--qmp-destination', qmpDestination],
  ] as const) {
    if (path !== undefined && !path.startsWith('/')) throw usage(`${option} ${path}: write an absolute path`);
  }
  if (domain !== undefined) return { kind: 'domain', domain };
  return qmp === undefined ? { kind: 'test' } : { kind: 'qmp', socket: qmp };
}

/**
 * The same as a run takes it.
 * @param hasScenario a scenario was named: what it says of the network counts
 * @returns null for the test guest
 * @throws CliError (usage)
 */
export function foreignGuest(
  options: GuestOptions,
  choice: PlaceChoice,
  hasScenario: boolean,
): ForeignGuest | null {
  const { qmpDestination, undefineSource = false } = options;
  const named = namedGuest(options);
  if (named.kind === 'test') return null;
  const adopted = {
    keepsMtu: !hasScenario && options.mtu === undefined,
    scenarioName: hasScenario ? null : ('of the guest' as const),
  };
  if (named.kind === 'qmp') return { ...adopted, ...named, destinationSocket: qmpDestination ?? '' };
  if (choice.kind !== 'hosts')
    throw usage('--domain needs two hosts with libvirt: --source and --destination');
  const destinationUri = options.destinationUri ?? defaultUri(choice);
  return { ...adopted, ...named, destinationUri, undefineSource };
}

/** As the source reaches the destination by the name that we reach it by. */
function defaultUri({ destination }: Extract<PlaceChoice, { kind: 'hosts' }>): string {
  if (destination.kind !== 'ssh') {
    throw usage('--destination is this machine: say with --destination-uri how the source reaches it');
  }
  const { destination: name, port } = destination;
  // An IPv6 address has colons of its own.
  const [, user = '', host = name] = /^(.*@)?(.*)$/.exec(name) ?? [];
  const bracketed = host.includes(':') ? `[${host}]` : host;
  return `qemu+ssh://${user}${bracketed}${port === undefined ? '' : `:${port}`}/system`;
}

function usage(message: string): CliError {
  return new CliError(ExitCode.usage, message);
}
