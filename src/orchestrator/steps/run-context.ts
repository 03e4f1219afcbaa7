import type { RunCheck } from '../../result/measured-run.js';
import type { RunSource } from '../../result/run-result.js';
import type { Network, Scenario } from '../../scenario/scenario.js';
import type { CpuAccount } from '../measure/cpu-times.js';
import type { HostFacts, HostState } from '../measure/host-facts.js';
import type { LinkCapture } from '../measure/link-capture.js';
import type { NetworkCounters } from '../measure/network-counters.js';
import type { WireAccount } from '../measure/wire-account.js';
import type { ClockDifference } from '../qemu/clock-bounds.js';
import type { GuestMachine } from '../qemu/guest-arguments.js';
import type { GuestProcess } from '../qemu/guest-process.js';
import type { MultifdCompression } from '../qemu/migration-settings.js';
import type { MigrationAccount } from '../qemu/migration-watch.js';
import type { XfrmChannel } from '../xfrm/xfrm-channel.js';
import type { FoundGuest } from './found-guest.js';
import type { JournalHeader } from './journal.js';
import type { HostPair, HostRole } from './step.js';

export type ByRole<Value> = Readonly<Record<HostRole, Value>>;

/** Where a run takes place. The hosts belong to whoever made them, and are not closed. */
export interface RunPlace {
  readonly source: Extract<RunSource, `measured:${string}`>;
  readonly hosts: HostPair;
  /** For the journal: how to reach them again. */
  readonly descriptions: JournalHeader['hosts'];
  /** Network devices that the migration goes through. */
  readonly devices: ByRole<string>;
  /** Of these devices, in the scenario's family. */
  readonly addresses: ByRole<string>;
  /** A laboratory, whose link is what the scenario says and can be listened to from outside. */
  readonly lab?: LabControl;
}

/** What a run asks of a laboratory. */
export interface LabControl {
  /**
   * Of emulated processors of a defined speed, nanoseconds of an instruction: time passes in the machines as they work, and their clocks
   * cannot be compared. Else null.
   */
  readonly instructionNs: number | null;
  setLink(link: Pick<Network, 'linkBps' | 'rttUs' | 'loss' | 'mtu' | 'queuePackets'>): Promise<void>;
  captureLink(side: HostRole, path: string, snapLength: number): Promise<{ stop(): Promise<void> }>;
}

export interface RunOptions {
  /** Folder on this machine that captures are written to; it is there. */
  readonly captureFolder: string;
  /**
   * Keep whole packets: then ICVs are verified and the stream is read. Else headers only.
   */
  readonly fullCapture: boolean;
  /** Makes the boot sector of the guest. @throws RangeError for guests that it cannot play */
  readonly bootSector: (scenario: Scenario) => Uint8Array;
  /** A channel that does not carry anything for so long is dead. */
  readonly stallMs: number;
}

/** What the steps of one run share. Each fills in what those behind it read. */
export interface RunContext {
  readonly id: string;
  /** A guest that is not of our making changes what it says of guests: first when it is found, then when it has been migrated. */
  scenario: Scenario;
  readonly place: RunPlace;
  readonly options: RunOptions;
  /** Given when something that goes on beside the steps has failed: the run is to end, with its reason. */
  readonly fault: AbortController;
  /** Requirements, with evidence, in the order in which they were checked. */
  readonly checks: RunCheck[];
  /** What ends with the run and leaves nothing on a host, last begun first ended. */
  readonly closers: (() => Promise<unknown>)[];
  facts?: ByRole<HostFacts>;
  states?: ByRole<HostState>;
  port?: number;
  /** Features that were switched off, as `ethtool` takes them. */
  offloads?: ByRole<readonly string[]>;
  channel?: XfrmChannel | null;
  captures?: Partial<Record<HostRole, LinkCapture>>;
  /** A guest that was there before the run. */
  found?: FoundGuest;
  machine?: GuestMachine;
  guests?: ByRole<GuestProcess>;
  compression?: MultifdCompression | null;
  counters?: { readonly before: ByRole<NetworkCounters>; after?: ByRole<NetworkCounters> };
  cpu?: ByRole<CpuAccount | null>;
  migration?: MigrationAccount;
  clocks?: ByRole<ClockDifference | null>;
  /** From the guest being stopped to its going on, by the hosts' clocks. */
  standstill?: { readonly ms: number; readonly errorMs: number } | null;
  /** Packets that captures missed. */
  captureDrops?: Partial<Record<HostRole, number | null>>;
  /** Of the capture that counts. */
  wire?: WireAccount;
}

export const ROLES: readonly HostRole[] = ['source', 'destination'];

/** Does the same on both hosts at once. */
export async function onBoth<Value>(act: (role: HostRole) => Promise<Value>): Promise<ByRole<Value>> {
  const results = await Promise.allSettled(ROLES.map(act));
  const failed = results.find((result) => result.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
  const [source, destination] = results.map((result) => (result as PromiseFulfilledResult<Value>).value);
  return { source: source as Value, destination: destination as Value };
}

/** What a step before must have filled in. */
export function filled<Key extends keyof RunContext>(
  context: RunContext,
  key: Key,
): Exclude<RunContext[Key], undefined> {
  const value = context[key];
  if (value === undefined) throw new TypeError(`no step has filled in ${key} yet`);
  return value as Exclude<RunContext[Key], undefined>;
}

/** The environment lacks something that the run needs: nothing was begun. The message says what to do. */
export class EnvironmentError extends Error {
  override readonly name = 'EnvironmentError';
}
