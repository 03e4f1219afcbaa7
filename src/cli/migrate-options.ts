import type { OpenPlace } from '../orchestrator/open-place.js';
import type { HostDescription } from '../orchestrator/steps/journal.js';
import type { Network } from '../scenario/scenario.js';
import { CliError, ExitCode } from './exit-code.js';

/** Options of `tare migrate` that say where. */
export interface PlaceOptions {
  /** True without a name. */
  readonly lab?: boolean | string;
  readonly source?: string;
  readonly destination?: string;
  readonly device?: string;
  readonly sudo?: boolean;
  readonly local?: boolean;
}

/** Where a migration is to take place; nothing is opened yet. */
export type PlaceChoice =
  | { readonly kind: 'lab'; readonly name: string | null }
  | { readonly kind: 'local' }
  | {
      readonly kind: 'hosts';
      readonly source: HostDescription;
      readonly destination: HostDescription;
      readonly devices: { readonly source: string; readonly destination: string };
    };

/** @throws CliError (usage) */
export function choosePlace(options: PlaceOptions): PlaceChoice {
  const { lab, local, source, destination, device } = options;
  const isHosts = source !== undefined || destination !== undefined;
  const given = [lab !== undefined, local === true, isHosts].filter(Boolean);
  if (given.length > 1) throw usage('give one of --lab, --local, and --source with --destination');
  if (!isHosts) {
    if (device !== undefined) throw usage('--device is for --source and --destination');
    if (local) return { kind: 'local' };
    return { kind: 'lab', name: typeof lab === 'string' ? lab : null };
  }
  if (destination === undefined) throw usage('--source needs --destination');
  if (device === undefined) {
    throw usage(
      'give the network device of the migration: --device eth1, or --device eth1,ens3 if they differ',
    );
  }
  const [ofSource = '', ofDestination = ofSource, ...more] = device.split(',');
  if (ofSource === '' || ofDestination === '' || more.length > 0) {
    throw usage(`--device ${device}: write one name, or two with a comma between them`);
  }
  const describe = (text: string, option: string) => parseHost(text, option, options.sudo === true);
  return {
    kind: 'hosts',
    source: describe(source ?? 'local', '--source'),
    destination: describe(destination, '--destination'),
    devices: { source: ofSource, destination: ofDestination },
  };
}

/** `local`, or `ssh://[USER@]HOST[:PORT]`. @throws CliError (usage) */
function parseHost(text: string, option: string, sudo: boolean): HostDescription {
  if (text === 'local') return { kind: 'local' };
  const found = /^ssh:\/\/([^/?#]+?)(?::(\d+))?\/?$/.exec(text);
  const [, destination = '', port] = found ?? [];
  if (destination === '' || destination.startsWith('-') || Number(port ?? 1) > 65_535) {
    throw usage(`${option} ${text}: write ssh://USER@HOST, ssh://USER@HOST:PORT, or local`);
  }
  return {
    kind: 'ssh',
    // Brackets keep the colons of an IPv6 address from the port's.
    destination: destination.replace(/\[(.*)\]$/, '$1'),
    ...(port !== undefined && { port: Number(port) }),
    ...(sudo && { sudo }),
  };
}

/** @throws what opening throws */
export async function openPlace(
  choice: PlaceChoice,
  family: Network['family'],
  signal: AbortSignal,
): Promise<OpenPlace> {
  const { openHostsPlace, openLabPlace, openLocalPlace } = await import('../orchestrator/open-place.js');
  if (choice.kind === 'lab') return openLabPlace(choice.name, family, signal);
  if (choice.kind === 'local') return openLocalPlace(family);
  return openHostsPlace(choice, choice.devices, family, signal);
}

function usage(message: string): CliError {
  return new CliError(ExitCode.usage, message);
}
