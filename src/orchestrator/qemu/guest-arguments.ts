import { PAGE_BYTES } from '../../scenario/scenario.js';

/** What a guest is started with; the same on both hosts, or its migration fails. */
export interface GuestMachine {
  /** A machine type with its version, which means the same to every QEMU that knows it: `pc-i440fx-7.2`. */
  readonly type: string;
  readonly accelerator: 'kvm' | 'tcg';
  readonly memoryBytes: number;
}

/** Files of a guest, in a folder that is its own. */
export interface GuestFiles {
  readonly folder: string;
  readonly disk: string;
  readonly serial: string;
  readonly qmp: string;
  readonly pid: string;
}

export function guestFiles(folder: string): GuestFiles {
  const file = (name: string): string => `${folder}/${name}`;
  return { folder, disk: file('disk'), serial: file('serial'), qmp: file('qmp'), pid: file('pid') };
}

/**
 * QEMU's arguments for a guest that consists of a boot sector: a processor, memory, a disk to start from and a serial port. Nothing
 * else, so that device state is small and the same everywhere.
 * @param isIncoming it waits for a migration instead of starting from its disk
 */
export function guestArguments(
  name: string,
  machine: GuestMachine,
  files: GuestFiles,
  isIncoming: boolean,
): string[] {
  const { type, accelerator, memoryBytes } = machine;
  if (memoryBytes % PAGE_BYTES !== 0)
    throw new RangeError(`${memoryBytes} bytes of memory are no whole pages`);
  return [
    // Threads get names: what the guest's processor costs must be told from what the migration costs.
    ...['-name', `${name},debug-threads=on`, '-nodefaults', '-no-user-config', '-display', 'none'],
    ...['-machine', type, '-accel', accelerator, '-smp', '1', '-m', `${memoryBytes / 1024}k`],
    ...['-drive', `file=${files.disk},format=raw,if=ide`],
    ...['-serial', `file:${files.serial}`],
    ...['-qmp', `unix:${files.qmp},server=on,wait=off`],
    ...['-pidfile', files.pid, '-daemonize'],
    ...(isIncoming ? ['-incoming', 'defer'] : []),
  ];
}
