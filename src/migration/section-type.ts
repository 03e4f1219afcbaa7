/** First byte of what a QEMU stream consists of (QEMU migration/savevm.h, qemu-file-types.h). */
export const SectionType = {
  eof: 0x00,
  start: 0x01,
  part: 0x02,
  end: 0x03,
  full: 0x04,
  subsection: 0x05,
  vmDescription: 0x06,
  configuration: 0x07,
  command: 0x08,
  footer: 0x7e,
} as const;

/** Commands from source to destination (QEMU migration/savevm.c: enum qemu_vm_cmd). */
export const MigrationCommand = {
  openReturnPath: 1,
  ping: 2,
  postcopyAdvise: 3,
  postcopyListen: 4,
  postcopyRun: 5,
  postcopyRamDiscard: 6,
  packaged: 7,
  enableColo: 8,
  postcopyResume: 9,
  recvBitmap: 10,
  switchoverStart: 11,
} as const;

/** The name under which RAM is sent. */
export const RAM_SECTION = 'ram';
