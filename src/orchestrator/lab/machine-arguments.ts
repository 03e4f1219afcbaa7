import type { Accelerator } from './accelerator.js';

export type Side = 'source' | 'destination';
export const SIDES: readonly Side[] = ['source', 'destination'];

export interface MachineSettings {
  readonly side: Side;
  readonly accelerator: Accelerator;
  readonly memoryMib: number;
  /** Of an emulated processor; null: as fast as it goes. */
  readonly instructionNs: number | null;
  readonly kernel: string;
  readonly initramfs: string;
  /** Folders that the machine sees, read-only. */
  readonly shares: {
    readonly host: string;
    readonly lab: string;
    readonly modules: string;
    /** Unpacked packages; null where this machine has all programs itself. */
    readonly tools: string | null;
  };
}

/** QEMU's names of things, for QMP. */
export const LINK_NETDEV = 'link';
export const LINK_DEVICE_ID = 'link-device';
export const LINK_SOCKET = 'link.sock';
export const monitorSocket = (side: Side): string => `${side}.qmp`;
export const serialLog = (side: Side): string => `${side}.serial.log`;
export const errorLog = (side: Side): string => `${side}.qemu.log`;

/** What a device can carry at most; the link's MTU is set inside. */
const MAX_LINK_MTU = 9216;

/**
 * QEMU's arguments. Sockets and logs are relative to the folder of the lab, which QEMU must be started in: a unix socket's path
 * has room for 107 bytes. The source listens for the link, so it must be started first.
 */
export function machineArguments(settings: MachineSettings): string[] {
  const { side, accelerator, shares } = settings;
  const isSource = side === 'source';
  const last = isSource ? '01' : '02';
  const link = `stream,id=${LINK_NETDEV},server=${isSource ? 'on' : 'off'},addr.type=unix,addr.path=${LINK_SOCKET}`;
  return [
    ...['-name', `tare-lab-${side}`, '-nodefaults', '-no-user-config', '-display', 'none', '-no-reboot'],
    ...['-machine', 'q35', '-smp', '1', '-m', `${settings.memoryMib}M`],
    ...(accelerator === 'kvm' ? ['-accel', 'kvm', '-cpu', 'host'] : ['-accel', 'tcg', '-cpu', 'max']),
    ...(accelerator === 'tcg' ? paceArguments(settings.instructionNs) : []),
    ...['-kernel', settings.kernel, '-initrd', settings.initramfs, '-append', commandLine(settings)],
    ...['-serial', `file:${serialLog(side)}`],
    ...['-qmp', `unix:${monitorSocket(side)},server=on,wait=off`],
    ...Object.entries(shares).flatMap(([tag, folder]) =>
      folder === null ? [] : shareArguments(tag, folder),
    ),
    // Port 0: the kernel chooses one that is free; QMP tells which.
    ...['-netdev', 'user,id=control,ipv6=off,restrict=on,hostfwd=tcp:127.0.0.1:0-:22'],
    ...['-device', `virtio-net-pci,netdev=control,mac=52:54:00:7a:00:${last},romfile=`],
    ...['-netdev', link],
    ...[
      '-device',
      `virtio-net-pci,id=${LINK_DEVICE_ID},netdev=${LINK_NETDEV},mac=52:54:00:7a:01:${last},host_mtu=${MAX_LINK_MTU},romfile=`,
    ],
  ];
}

/**
 * QEMU counts instructions and lets as much time pass for each, so that work takes as long as it takes, and no longer where this machine
 * has other things to do. While there is nothing to do, time passes as outside (`sleep=on`).
 */
function paceArguments(instructionNs: number | null): string[] {
  if (instructionNs === null) return [];
  const shift = Math.log2(instructionNs);
  if (!Number.isInteger(shift) || shift < 0 || shift > 10) {
    throw new RangeError(`an instruction takes 1, 2, 4, ... 1024 ns, not ${instructionNs}`);
  }
  return ['-icount', `shift=${shift},sleep=on`];
}

function commandLine({ side, shares }: MachineSettings): string {
  // Mitigations are for secrets, and self-tests of ciphers for new hardware: here either would only cost time. That the timer
  // works need not be tried: an emulated processor that has to wait for a busy machine fails, and the kernel panics. And programs
  // start in half the time where they always lie at the same addresses: QEMU finds again what it has translated once.
  const fast = ['quiet', 'mitigations=off', 'cryptomgr.notests', 'no_timer_check', 'norandmaps'];
  const parameters = ['console=ttyS0', 'panic=-1', ...fast, `tare.machine=${side}`];
  return [...parameters, ...(shares.tools === null ? [] : ['tare.tools'])].join(' ');
}

function shareArguments(tag: string, folder: string): string[] {
  // A comma ends a value in QEMU's options unless it is doubled.
  const path = folder.replaceAll(',', ',,');
  return ['-virtfs', `local,path=${path},mount_tag=${tag},security_model=none,readonly=on,multidevs=remap`];
}
