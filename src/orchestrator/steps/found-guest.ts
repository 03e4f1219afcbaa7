import type { QemuFacts } from '../measure/host-facts.js';
import type { GuestMachine } from '../qemu/guest-arguments.js';
import type { MigrationSettings } from '../qemu/saved-settings.js';
import type { HostRole } from './step.js';

/** What was found out about a guest that was there before the run, before anything was changed. */
export interface FoundGuest {
  /** As QEMU or libvirt calls it. */
  readonly name: string;
  readonly machine: GuestMachine;
  /** What runs it. */
  readonly qemu: Readonly<Record<HostRole, QemuFacts>>;
  /** Of the QEMUs on their hosts; null where there is none yet, or none can be found. */
  readonly processIds: Readonly<Record<HostRole, number | null>>;
  /** Domains alone: libvirt keeps it when it is shut down. */
  readonly isPersistent: boolean;
  /** Of QEMUs that are spoken to directly: to be restored. */
  readonly settings: Readonly<Record<HostRole, MigrationSettings>> | null;
}
