/** A stretch of pages: from the first to before `end`. Negative numbers count from the end of the block. */
export interface PageStretch {
  readonly first: number;
  readonly end: number;
}

export interface FirmwareBlock {
  readonly name: string;
  readonly pages: number;
  /** Those that are not zero; all others are. */
  readonly normal: readonly PageStretch[];
}

/**
 * What a machine type brings into its migration besides the guest's own memory. Everything is exact for the machine it
 * was read from; other devices change device state by some kilobytes and add RAM blocks (16 MiB for a VGA card).
 */
export interface MachineProfile {
  /** As the configuration section spells it. */
  readonly name: string;
  readonly mainBlockName: string;
  /** Pages of main memory that the firmware wrote before the guest did. */
  readonly firmwarePages: readonly PageStretch[];
  /** Page of main memory where the guest's filled part begins: above the first MiB. */
  readonly firstGuestPage: number;
  /** In the order of the stream, behind main memory. */
  readonly blocks: readonly FirmwareBlock[];
  /** All sections of device state, without end of file and description. */
  readonly deviceStateBytes: number;
  /** The JSON description. */
  readonly descriptionBytes: number;
}

/**
 * QEMU 7.2's `pc` without default devices, read from captures/migration/ms-clear-1500 and m-clear-idle (equal in both): SeaBIOS leaves
 * 33 pages below 1 MiB and 29 below the end of memory that are not zero.
 */
export const PC_MACHINE: MachineProfile = {
  name: 'pc-i440fx-7.2',
  mainBlockName: 'pc.ram',
  firmwarePages: [
    { first: 0, end: 1 },
    { first: 6, end: 8 },
    { first: 159, end: 161 },
    { first: 167, end: 169 },
    { first: 192, end: 193 },
    { first: 194, end: 195 },
    { first: 232, end: 256 },
    { first: -94, end: -93 },
    { first: -90, end: -64 },
    { first: -32, end: -30 },
  ],
  firstGuestPage: 256,
  blocks: [
    { name: '/rom@etc/acpi/tables', pages: 32, normal: [{ first: 0, end: 2 }] },
    { name: 'pc.bios', pages: 64, normal: [{ first: 18, end: 64 }] },
    { name: 'pc.rom', pages: 32, normal: [] },
    { name: '/rom@etc/table-loader', pages: 1, normal: [{ first: 0, end: 1 }] },
    { name: '/rom@etc/acpi/rsdp', pages: 1, normal: [{ first: 0, end: 1 }] },
  ],
  deviceStateBytes: 12_924,
  descriptionBytes: 99_431,
};
