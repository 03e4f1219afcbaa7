import type { Network } from '../scenario/scenario.js';
import type { Host } from './hosts/host.js';
import { LocalHost } from './hosts/local-host.js';
import { SshHost } from './hosts/ssh-host.js';
import type { Lab } from './lab/lab.js';
import { listLabs } from './lab/lab-runs.js';
import { attachLab, openLab } from './lab/open-lab.js';
import { readHostState } from './measure/host-facts.js';
import type { HostDescription } from './steps/journal.js';
import { type ByRole, EnvironmentError, onBoth, type RunPlace } from './steps/run-context.js';
import type { HostPair } from './steps/step.js';

type AddressFamily = Network['family'];

/** A place with hosts that are open, and how to leave it. */
export interface OpenPlace {
  readonly place: RunPlace;
  /** The same with addresses of a family. @throws EnvironmentError if a device has none */
  inFamily(family: AddressFamily): Promise<RunPlace>;
  /** Closes the hosts, and ends what was started for the run. */
  close(): Promise<void>;
}

/** Of emulated processors for measurements: about as fast as two cores emulate two machines, and no faster than most do. */
export const MEASURING_INSTRUCTION_NS = 4;

export interface LabPlaceOptions {
  readonly signal?: AbortSignal;
  /** Nanoseconds; see `OpenLabOptions`. Means nothing for a laboratory that is up. */
  readonly instructionNs?: number;
}

/**
 * A laboratory of one's own, or one that `tare lab up` left running. Nothing that a run does to its machines outlives them, so there is
 * nothing to undo later.
 * @param name of a laboratory that is up; null starts one
 * @throws LabError
 */
export async function openLabPlace(
  name: string | null,
  family: AddressFamily,
  options: LabPlaceOptions = {},
): Promise<OpenPlace> {
  const lab = name === null ? await openLab(options) : await attachLab(name, options.signal);
  return {
    place: labPlace(lab, name, family),
    inFamily: async (other) => labPlace(lab, name, other),
    close: () => lab.close(),
  };
}

/** @param name of a laboratory that outlives this process; else null */
export function labPlace(lab: Lab, name: string | null, family: AddressFamily): RunPlace {
  return {
    source: 'measured:lab',
    hosts: { source: lab.source, destination: lab.destination },
    descriptions: { source: { kind: 'lab', name }, destination: { kind: 'lab', name } },
    devices: { source: lab.linkDevice, destination: lab.linkDevice },
    addresses: lab.addresses[family],
    lab,
  };
}

/**
 * Two machines that are there, as a user reaches them.
 * @param devices that the migration is to go through
 * @param allowed addresses that it may use; none: any
 * @throws HostError if one is out of reach, EnvironmentError if a device has no address of the family
 */
export async function openHostsPlace(
  descriptions: ByRole<HostDescription>,
  devices: ByRole<string>,
  family: AddressFamily,
  signal?: AbortSignal,
  allowed: ByRole<readonly string[]> = ANY_ADDRESS,
): Promise<OpenPlace> {
  const hosts = await openHosts(descriptions, signal);
  const close = () => closeHosts(hosts);
  try {
    const isHere = descriptions.source.kind === 'local' && descriptions.destination.kind === 'local';
    const source = isHere ? 'measured:local' : 'measured:ssh';
    const inFamily = async (wanted: AddressFamily): Promise<RunPlace> => {
      const addresses = await onBoth((role) => addressOf(hosts[role], devices[role], wanted, allowed[role]));
      return { source, hosts, descriptions, devices, addresses };
    };
    return { place: await inFamily(family), inFamily, close };
  } catch (error) {
    await close();
    throw error;
  }
}

const ANY_ADDRESS: ByRole<readonly string[]> = { source: [], destination: [] };

/** This machine alone: from one QEMU to another through the loopback device, in the clear. */
export function openLocalPlace(family: AddressFamily): Promise<OpenPlace> {
  const here = { kind: 'local' } as const;
  return openHostsPlace({ source: here, destination: here }, { source: 'lo', destination: 'lo' }, family);
}

/**
 * Opens the hosts that a journal names once more.
 * @returns null if there is nothing left of them: a laboratory that has ended
 * @throws HostError if one is out of reach
 */
export async function reopenPlace(
  descriptions: ByRole<HostDescription>,
): Promise<{ readonly hosts: HostPair; close(): Promise<void> } | null> {
  const { source } = descriptions;
  if (source.kind !== 'lab') {
    const hosts = await openHosts(descriptions);
    return { hosts, close: () => closeHosts(hosts) };
  }
  const status = (await listLabs()).find(({ name }) => name === source.name);
  if (status === undefined) return null;
  const lab = await attachLab(status.name);
  return { hosts: { source: lab.source, destination: lab.destination }, close: () => lab.close() };
}

async function openHosts(descriptions: ByRole<HostDescription>, signal?: AbortSignal): Promise<HostPair> {
  const source = await openHost(descriptions.source, signal);
  try {
    return { source, destination: await openHost(descriptions.destination, signal) };
  } catch (error) {
    await source.close();
    throw error;
  }
}

async function closeHosts({ source, destination }: HostPair): Promise<void> {
  await Promise.all([source.close(), destination.close()]);
}

async function openHost(description: HostDescription, signal?: AbortSignal): Promise<Host> {
  if (description.kind === 'local') return new LocalHost();
  if (description.kind === 'ssh') return SshHost.connect(description, signal);
  throw new TypeError('both hosts of a run are machines of a laboratory, or neither');
}

async function addressOf(
  host: Host,
  device: string,
  family: AddressFamily,
  allowed: readonly string[],
): Promise<string> {
  const { device: state } = await readHostState(host, device);
  if (state === null) throw new EnvironmentError(`${host.name} has no network device ${device}`);
  const isWanted = (address: string): boolean =>
    family === 'ipv6' ? address.includes(':') && !/^fe[89ab]/i.test(address) : !address.includes(':');
  const isAllowed = (address: string): boolean => allowed.length === 0 || allowed.includes(address);
  const address = state.addresses.find((each) => isWanted(each) && isAllowed(each));
  if (address !== undefined) return address;
  const kind = family === 'ipv6' ? 'IPv6' : 'IPv4';
  if (allowed.length > 0) {
    throw new EnvironmentError(
      `${device} of ${host.name} has no ${kind} address that the inventory lists (${allowed.join(', ')})`,
    );
  }
  throw new EnvironmentError(
    `${device} of ${host.name} has no ${kind} address: give it one, or take another --device`,
  );
}
