/**
 * Sizes of QEMU's migration stream, exact to the byte, as `migration/savevm.c`, `migration/ram.c` and `migration/multifd.c` of
 * QEMU 7.2 write it. Checked against real streams: with the pages and sections of a capture they add up to its bytes.
 */

export const PAGE_BYTES = 4096;
/** Magic "QEVM" and version (`qemu_savevm_state_header`). */
export const STREAM_HEADER_BYTES = 8;
/** Section type and id of PART and END (`save_section_header`). */
export const SECTION_HEADER_BYTES = 5;
/** Marker 0x7e and section id (`save_section_footer`). */
export const SECTION_FOOTER_BYTES = 5;
/** RAM_SAVE_FLAG_EOS behind the pages of each call of `ram_save_iterate` and `ram_save_complete`. */
export const RAM_EOS_BYTES = 8;
/** Offset and flags in front of each page (`save_page_header`). */
export const PAGE_HEADER_BYTES = 8;
/** Header and the fill byte (`save_zero_page_to_file`). */
export const ZERO_PAGE_BYTES = PAGE_HEADER_BYTES + 1;
/** Header and content (`save_normal_page`). */
export const NORMAL_PAGE_BYTES = PAGE_HEADER_BYTES + PAGE_BYTES;
/** Header, encoding flag and length in front of a delta (`save_xbzrle_page`). */
export const XBZRLE_HEADER_BYTES = PAGE_HEADER_BYTES + 3;
/** Behind the last section. */
export const STREAM_EOF_BYTES = 1;
/** Section type and length in front of the JSON description (`qemu_savevm_state_complete_precopy_non_iterable`). */
export const DESCRIPTION_HEADER_BYTES = 5;

/** `MultiFDInit_t`: the first message of each multifd connection. */
export const MULTIFD_INITIAL_BYTES = 64;
/** `MultiFDPacket_t` without its array of offsets. */
const MULTIFD_HEADER_BYTES = 320;
/** MULTIFD_PACKET_SIZE / page size: pages of one packet at most. */
export const MULTIFD_PACKET_PAGES = 128;
/** In front of each packet's pages, and of none in a synchronisation: the array of offsets is sent whole, used or not. */
export const MULTIFD_PACKET_HEADER_BYTES = MULTIFD_HEADER_BYTES + 8 * MULTIFD_PACKET_PAGES;

/** IO_BUF_SIZE in `migration/qemu-file.c`: what is copied goes out when so much is there. */
export const FILE_BUFFER_BYTES = 32_768;
/** MAX_IOV_SIZE there. A header and a page are an entry each, so that every 32 pages with content are one write. */
export const FILE_IOVECS = 64;

/** Type, command and length in front of a command's data (`qemu_savevm_command_send`). */
const COMMAND_HEADER_BYTES = 5;
/** OPEN_RETURN_PATH, PING with its number, POSTCOPY_ADVISE with two page sizes: sent first where post-copy is allowed. */
export const POSTCOPY_ADVISE_BYTES =
  COMMAND_HEADER_BYTES + (COMMAND_HEADER_BYTES + 4) + (COMMAND_HEADER_BYTES + 16);
const PING_BYTES = COMMAND_HEADER_BYTES + 4;
/**
 * PING, PACKAGED with the length of what it packs (POSTCOPY_LISTEN, the device state, a PING and POSTCOPY_RUN), PING: what
 * `postcopy_start` sends, without the device state.
 */
export const POSTCOPY_PACKAGE_BYTES = COMMAND_HEADER_BYTES * 3 + 4 + PING_BYTES * 3;
/** MAX_DISCARDS_PER_COMMAND: ranges of pages to be thrown away in one POSTCOPY_RAM_DISCARD. */
const DISCARDS_PER_COMMAND = 12;

/** Stream header and the configuration section: type, length, machine name. */
export function leadInBytes(machineName: string): number {
  return STREAM_HEADER_BYTES + 5 + machineName.length;
}

/** A RAM block's name where the block changes: length and characters. */
export function blockNameBytes(name: string): number {
  return 1 + name.length;
}

/** The START section of RAM without its footer: list of blocks with their sizes (`ram_save_setup`), EOS included. */
export function ramSetupBytes(blockNames: readonly string[]): number {
  // Type, id, "ram" with its length, instance, version; total size.
  const head = 1 + 4 + 4 + 4 + 4 + 8;
  return blockNames.reduce((sum, name) => sum + blockNameBytes(name) + 8, head) + RAM_EOS_BYTES;
}

/** POSTCOPY_RAM_DISCARD commands for so many stretches of dirty pages in one block (`postcopy_discard_send_range`). */
export function postcopyDiscardBytes(blockName: string, stretches: number): number {
  const commands = Math.ceil(stretches / DISCARDS_PER_COMMAND);
  // Version, length of the name, name, terminating zero.
  return commands * (COMMAND_HEADER_BYTES + 1 + 1 + blockName.length + 1) + stretches * 16;
}

/** What a stream holds, as numbers. */
export interface StreamParts {
  readonly machineName: string;
  readonly blockNames: readonly string[];
  /** Pages with content on the main connection. */
  readonly normalPages: number;
  readonly zeroPages: number;
  /** Block names on the main connection, with their length bytes. */
  readonly nameBytes: number;
  /** RAM sections of type PART, and END. */
  readonly partSections: number;
  readonly endSections: number;
  /** All sections of device state, without end of file and description. */
  readonly deviceStateBytes: number;
  /** The JSON text. */
  readonly descriptionBytes: number;
}

/** Bytes of a main connection's stream without XBZRLE and post-copy. */
export function mainStreamBytes(parts: StreamParts): number {
  return (
    leadInBytes(parts.machineName) +
    ramSetupBytes(parts.blockNames) +
    SECTION_FOOTER_BYTES +
    mainRamBytes(parts) +
    (parts.partSections + parts.endSections) * (SECTION_HEADER_BYTES + SECTION_FOOTER_BYTES) +
    parts.endSections * RAM_EOS_BYTES +
    parts.deviceStateBytes +
    STREAM_EOF_BYTES +
    DESCRIPTION_HEADER_BYTES +
    parts.descriptionBytes
  );
}

/**
 * What QEMU 7.2 counts as `transferred` of the main connection: pages, block names and the EOS of each PART section; neither
 * section headers nor the EOS of START and END.
 */
export function mainRamBytes(
  parts: Pick<StreamParts, 'normalPages' | 'zeroPages' | 'nameBytes' | 'partSections'>,
): number {
  return (
    parts.normalPages * NORMAL_PAGE_BYTES +
    parts.zeroPages * ZERO_PAGE_BYTES +
    parts.nameBytes +
    parts.partSections * RAM_EOS_BYTES
  );
}

/** Bytes of all multifd connections together: initial messages, packets and their pages. Without compression. */
export function multifdStreamBytes(channels: number, packets: number, pages: number): number {
  return channels * MULTIFD_INITIAL_BYTES + packets * MULTIFD_PACKET_HEADER_BYTES + pages * PAGE_BYTES;
}
