import { hostname } from 'node:os';
import type { OpenPlace } from '../orchestrator/open-place.js';
import type { AuditAttempt } from '../orchestrator/security/audit-log.js';
import type { Admission, AdmittedHost, RequestedHost } from '../orchestrator/security/authorize.js';
import { type HostPlace, parseHostPlace, writeHostPlace } from '../orchestrator/security/host-place.js';
import type { InventoryGuest } from '../orchestrator/security/inventory.js';
import type { InventoryFile } from '../orchestrator/security/inventory-file.js';
import type { HostDescription } from '../orchestrator/steps/journal.js';
import type { ByRole } from '../orchestrator/steps/run-context.js';
import type { RunCheck } from '../result/measured-run.js';
import type { Network } from '../scenario/scenario.js';
import { CliError, ExitCode } from './exit-code.js';

/** Options of `tare migrate` that say where, and who may. */
export interface PlaceOptions {
  /** True without a name. */
  readonly lab?: boolean | string;
  readonly source?: string;
  readonly destination?: string;
  readonly device?: string;
  readonly sudo?: boolean;
  readonly local?: boolean;
  /** Path; false: go without. */
  readonly inventory?: string | boolean;
}

/** Where a migration is to take place; nothing is opened yet. */
export type PlaceChoice = { readonly account: PlaceAccount } & (
  | { readonly kind: 'lab'; readonly name: string | null }
  | { readonly kind: 'local' }
  | {
      readonly kind: 'hosts';
      readonly source: HostDescription;
      readonly destination: HostDescription;
      readonly devices: ByRole<string>;
      /** That may be used; none: any of the device. */
      readonly addresses: ByRole<readonly string[]>;
    }
);

/** What the audit log tells of a choice. */
export interface PlaceAccount extends Omit<AuditAttempt, 'protection'> {
  readonly auditLog: string;
  /** Whether all of it is listed; none where nothing need be. */
  readonly checks: readonly RunCheck[];
}

/** The inventory does not list something. */
export class Refusal extends CliError {
  readonly account: PlaceAccount;
  /** For the audit log. */
  readonly reason: string;

  constructor(reason: string, account: PlaceAccount, advice = '') {
    super(ExitCode.environment, `refused: ${reason}${advice}`);
    this.account = account;
    this.reason = reason;
  }
}

/** A place of the options, as it was written. */
interface WrittenHost {
  readonly text: string;
  readonly device: string | null;
}

/**
 * @param guest that is to be migrated
 * @throws CliError (usage), (input) for an inventory that cannot be used; Refusal
 */
export async function choosePlace(
  options: PlaceOptions,
  guest: InventoryGuest = { kind: 'test' },
): Promise<PlaceChoice> {
  const { lab, local, source, destination, device, inventory } = options;
  const isHosts = source !== undefined || destination !== undefined;
  const given = [lab !== undefined, local === true, isHosts].filter(Boolean);
  if (given.length > 1) throw usage('give one of --lab, --local, and --source with --destination');
  if (isHosts) return chooseHosts(options, guest);
  if (device !== undefined) throw usage('--device is for --source and --destination');
  if (typeof inventory === 'string') {
    throw usage(
      "--inventory is for --source and --destination: a laboratory is made for its run, and nobody's",
    );
  }
  if (local) return { kind: 'local', account: await unlistedAccount(guest, 'local', 'local') };
  const name = typeof lab === 'string' ? lab : null;
  const at = name === null ? 'lab' : `lab ${name}`;
  return { kind: 'lab', name, account: await unlistedAccount(guest, at, at) };
}

async function chooseHosts(options: PlaceOptions, guest: InventoryGuest): Promise<PlaceChoice> {
  const { destination, sudo = false } = options;
  if (destination === undefined) throw usage('--source needs --destination');
  const [ofSource, ofDestination] = readDevices(options.device);
  const source = { text: options.source ?? 'local', device: ofSource };
  const written = { source, destination: { text: destination, device: ofDestination } };
  const file = await readInventory(options.inventory);
  if (file !== null) return listedHosts(file, written, guest, sudo);
  if (options.inventory !== false) throw await noInventory(written, guest);
  return unlistedHosts(written, guest, sudo);
}

/** @throws CliError (input) */
async function readInventory(option: PlaceOptions['inventory']): Promise<InventoryFile | null> {
  if (option === false) return null;
  const { readInventoryFile } = await import('../orchestrator/security/inventory-file.js');
  try {
    return readInventoryFile(typeof option === 'string' ? option : null);
  } catch (error) {
    if (!(error instanceof Error && error.name === 'InventoryError')) throw error;
    throw new CliError(ExitCode.input, error.message, { cause: error });
  }
}

async function listedHosts(
  file: InventoryFile,
  written: ByRole<WrittenHost>,
  guest: InventoryGuest,
  sudo: boolean,
): Promise<PlaceChoice> {
  const { authorize, listedCheck } = await import('../orchestrator/security/authorize.js');
  const { path, sha256, inventory } = file;
  const base = await unlistedAccount(guest, written.source.text, written.destination.text);
  const account = { ...base, inventory: { path, sha256 }, auditLog: inventory.auditLog ?? base.auditLog };
  const { operator } = account;
  const request = {
    operator,
    guest,
    source: requested(written.source),
    destination: requested(written.destination),
  };
  let admission: Admission;
  try {
    admission = authorize(file, request);
  } catch (error) {
    if (error instanceof Error && error.name === 'NotListedError') throw new Refusal(error.message, account);
    throw error;
  }
  const { source, destination } = admission;
  return {
    kind: 'hosts',
    source: describeListed(source, sudo),
    destination: describeListed(destination, sudo),
    devices: { source: source.device, destination: destination.device },
    addresses: { source: source.addresses, destination: destination.addresses },
    account: {
      ...account,
      guest: admission.guest,
      from: { name: source.name, at: writeHostPlace(source.at) },
      to: { name: destination.name, at: writeHostPlace(destination.at) },
      checks: [listedCheck(file, admission, operator)],
    },
  };
}

function describeListed({ at, name, sudo, hostKeys }: AdmittedHost, sudoGiven: boolean): HostDescription {
  if (at.kind === 'local') return at;
  return {
    ...at,
    name,
    ...((sudo || sudoGiven) && { sudo: true }),
    ...(hostKeys.length > 0 && { hostKeys }),
  };
}

/** Who reaches a host reaches its guests: without a list of who may, nobody may. */
async function noInventory(written: ByRole<WrittenHost>, guest: InventoryGuest): Promise<Refusal> {
  const { defaultInventoryPath } = await import('../orchestrator/security/inventory-file.js');
  const { writeGuest } = await import('../orchestrator/security/authorize.js');
  const { source, destination } = written;
  const account = await unlistedAccount(guest, source.text, destination.text);
  const place = (text: string) => (parseHostPlace(text) === null ? 'ssh://USER@HOST' : text);
  const host = ({ text, device }: WrittenHost) => `{ at: ${place(text)}, device: ${device ?? 'eth1'} }`;
  const reason = 'between hosts of your own only what an inventory lists is migrated, and there is none';
  const advice = [
    `. Write ${defaultInventoryPath()} (or name another with --inventory):`,
    '  schema: tare.inventory/1',
    `  operators: [${account.operator.name}]`,
    '  hosts:',
    `    alpha: ${host(source)}`,
    `    beta: ${host(destination)}`,
    `  guests: { ${writeGuest(guest)} }`,
    'then: tare migrate --source alpha --destination beta. With --no-inventory it is done all the same, and recorded as such',
  ];
  return new Refusal(reason, account, advice.join('\n'));
}

async function unlistedHosts(
  written: ByRole<WrittenHost>,
  guest: InventoryGuest,
  sudo: boolean,
): Promise<PlaceChoice> {
  const { unlistedCheck } = await import('../orchestrator/security/authorize.js');
  const { source, destination } = written;
  if (source.device === null || destination.device === null) {
    throw usage(
      'give the network device of the migration: --device eth1, or --device eth1,ens3 if they differ',
    );
  }
  const describe = ({ text }: WrittenHost, option: string): HostDescription => {
    const place = requirePlace(text, option);
    return place.kind === 'local' ? place : { ...place, ...(sudo && { sudo }) };
  };
  return {
    kind: 'hosts',
    source: describe(source, '--source'),
    destination: describe(destination, '--destination'),
    devices: { source: source.device, destination: destination.device },
    addresses: { source: [], destination: [] },
    account: {
      ...(await unlistedAccount(guest, source.text, destination.text)),
      checks: [unlistedCheck()],
    },
  };
}

/** Of what nothing was compared with. */
async function unlistedAccount(guest: InventoryGuest, from: string, to: string): Promise<PlaceAccount> {
  const { describeGuest } = await import('../orchestrator/security/authorize.js');
  const { defaultAuditLog } = await import('../orchestrator/security/audit-log.js');
  const { identifyOperator } = await import('../orchestrator/security/operator.js');
  return {
    operator: identifyOperator(),
    machine: hostname(),
    guest: describeGuest(guest),
    from: { name: 'source', at: from },
    to: { name: 'destination', at: to },
    inventory: null,
    auditLog: defaultAuditLog(),
    checks: [],
  };
}

function readDevices(device: string | undefined): [string | null, string | null] {
  if (device === undefined) return [null, null];
  const [ofSource = '', ofDestination = ofSource, ...more] = device.split(',');
  if (ofSource === '' || ofDestination === '' || more.length > 0) {
    throw usage(`--device ${device}: write one name, or two with a comma between them`);
  }
  return [ofSource, ofDestination];
}

function requested({ text, device }: WrittenHost): RequestedHost {
  return { host: parseHostPlace(text) ?? text, device };
}

/** @throws CliError (usage) */
function requirePlace(text: string, option: string): HostPlace {
  const place = parseHostPlace(text);
  if (place !== null) return place;
  throw usage(
    `${option} ${text}: write ssh://USER@HOST, ssh://USER@HOST:PORT, or local; names are those of an inventory`,
  );
}

/**
 * @param isForMeasuring times are to come out alike however busy this machine is
 * @throws what opening throws
 */
export async function openPlace(
  choice: PlaceChoice,
  family: Network['family'],
  signal: AbortSignal,
  isForMeasuring = false,
): Promise<OpenPlace> {
  const { MEASURING_INSTRUCTION_NS, openHostsPlace, openLabPlace, openLocalPlace } = await import(
    '../orchestrator/open-place.js'
  );
  if (choice.kind === 'lab') {
    const pace = isForMeasuring ? { instructionNs: MEASURING_INSTRUCTION_NS } : {};
    return openLabPlace(choice.name, family, { signal, ...pace });
  }
  if (choice.kind === 'local') return openLocalPlace(family);
  return openHostsPlace(choice, choice.devices, family, signal, choice.addresses);
}

function usage(message: string): CliError {
  return new CliError(ExitCode.usage, message);
}
