import type { RunCheck } from '../../result/measured-run.js';
import { type HostPlace, isSamePlace, writeHostPlace } from './host-place.js';
import type { Inventory, InventoryGuest, InventoryHost } from './inventory.js';
import type { InventoryFile } from './inventory-file.js';
import type { Operator } from './operator.js';

/** What somebody wants to do. */
export interface MigrationRequest {
  readonly operator: Operator;
  readonly guest: InventoryGuest;
  readonly source: RequestedHost;
  readonly destination: RequestedHost;
}

export interface RequestedHost {
  /** Where it is, or its name in the inventory. */
  readonly host: HostPlace | string;
  /** Null: whichever the inventory says. */
  readonly device: string | null;
}

export interface AdmittedHost extends InventoryHost {
  readonly name: string;
}

/** All of it is listed. */
export interface Admission {
  readonly source: AdmittedHost;
  readonly destination: AdmittedHost;
  /** Name of the guest in the inventory. */
  readonly guest: string;
}

/** Something that is asked for is not listed. The message has a line for each. */
export class NotListedError extends Error {
  override readonly name = 'NotListedError';
}

/**
 * Takes a request only if operator, hosts, their devices and the guest are listed.
 * @throws NotListedError saying of each what is not, and what to add where
 */
export function authorize({ path, inventory }: InventoryFile, request: MigrationRequest): Admission {
  const refusals: string[] = [];
  const { operator, guest } = request;
  if (!inventory.operators.includes(operator.name)) {
    refusals.push(`operator ${operator.name} is not listed: add ${operator.name} to operators in ${path}`);
  }
  const take = <Found>(found: Found | string): Found | null => {
    if (typeof found !== 'string') return found;
    refusals.push(found);
    return null;
  };
  const source = take(findHost(inventory, request.source, path));
  const destination = take(findHost(inventory, request.destination, path));
  const guestName = findGuest(inventory, guest);
  if (guestName === null) {
    refusals.push(`${describeGuest(guest)} is not listed: add ${writeGuest(guest)} to guests in ${path}`);
  }
  if (source === null || destination === null || guestName === null || refusals.length > 0) {
    throw new NotListedError([...new Set(refusals)].join('\n'));
  }
  return { source, destination, guest: guestName };
}

/** @returns the host, or why there is none */
function findHost(
  { hosts }: Inventory,
  { host, device }: RequestedHost,
  path: string,
): AdmittedHost | string {
  const found = Object.entries(hosts).filter(([name, { at }]) =>
    typeof host === 'string' ? name === host : isSamePlace(at, host),
  );
  const names = Object.keys(hosts).join(', ') || 'none';
  if (found.length === 0) {
    const [called, entry] =
      typeof host === 'string'
        ? [host, `${host}: { at: ssh://USER@HOST, device: ${device ?? 'eth1'} }`]
        : [writeHostPlace(host), `NAME: { at: ${writeHostPlace(host)}, device: ${device ?? 'eth1'} }`];
    return `host ${called} is not listed (but ${names}): add ${entry} to hosts in ${path}`;
  }
  // One machine may stand there with several devices.
  const match = found.find(([, each]) => device === null || each.device === device);
  if (match !== undefined) return { ...match[1], name: match[0] };
  const devices = found.map(([, each]) => each.device).join(', ');
  return `device ${device} of host ${found[0]![0]} is not listed (but ${devices}): change device of this host in ${path}`;
}

function findGuest({ guests }: Inventory, wanted: InventoryGuest): string | null {
  const found = Object.entries(guests).find(([, guest]) => writeKind(guest) === writeKind(wanted));
  return found?.[0] ?? null;
}

/** For people. */
export function describeGuest(guest: InventoryGuest): string {
  if (guest.kind === 'test') return "Tare's test guest";
  return guest.kind === 'domain'
    ? `libvirt domain ${guest.domain}`
    : `the guest with QMP socket ${guest.socket}`;
}

/** As in an inventory: `web: { domain: web }`. */
export function writeGuest(guest: InventoryGuest): string {
  const name = guest.kind === 'domain' ? guest.domain : guest.kind === 'test' ? 'test-guest' : 'NAME';
  return `${name}: { ${writeKind(guest)} }`;
}

function writeKind(guest: InventoryGuest): string {
  if (guest.kind === 'test') return 'test: true';
  return guest.kind === 'domain' ? `domain: ${guest.domain}` : `qmp: ${guest.socket}`;
}

/** As a requirement with evidence. */
export function listedCheck(
  { path, sha256 }: InventoryFile,
  { source, destination, guest }: Admission,
  operator: Operator,
): RunCheck {
  return {
    requirement: 'operator, hosts and guest are listed',
    ok: true,
    evidence:
      `${operator.name} (known by ${IDENTIFIED_BY[operator.identifiedBy]}), ${source.name}, ${destination.name} and ${guest} ` +
      `stand in ${path}, SHA-256 ${sha256.slice(0, 16)}...`,
  };
}

/** Of a run that went without. */
export function unlistedCheck(): RunCheck {
  return {
    requirement: 'operator, hosts and guest are listed',
    ok: false,
    evidence: 'the run was asked for without an inventory',
  };
}

const IDENTIFIED_BY: Readonly<Record<Operator['identifiedBy'], string>> = {
  login: 'the login of this session',
  sudo: 'what sudo says',
  user: 'the user of this process',
};
