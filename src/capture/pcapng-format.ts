/** Block types of pcapng (draft-ietf-opsawg-pcapng, section 4 and the registry in section 10.1). */
export const BlockType = {
  interfaceDescription: 1,
  /** Obsolete Packet Block. */
  packet: 2,
  simplePacket: 3,
  nameResolution: 4,
  interfaceStatistics: 5,
  enhancedPacket: 6,
  systemdJournalExport: 9,
  decryptionSecrets: 10,
  custom: 0x0bad,
  customNotCopied: 0x4000_0bad,
  /** Reads the same in both byte orders. */
  sectionHeader: 0x0a0d_0d0a,
} as const;

/** Blocks that are no packets, which Wireshark lists and numbers among them. The numbers are Sysdig's events. */
export const NUMBERED_BLOCK_TYPES: ReadonlySet<number> = new Set([
  BlockType.systemdJournalExport,
  BlockType.custom,
  BlockType.customNotCopied,
  0x204,
  0x216,
  0x221,
]);

export const OptionCode = {
  end: 0,
  comment: 1,
  ifName: 2,
  shbUserApplication: 4,
  ifTsresol: 9,
  ifFilter: 11,
  ifTsoffset: 14,
  isbStarttime: 2,
  isbEndtime: 3,
  isbIfdrop: 5,
  isbFilteraccept: 6,
  isbOsdrop: 7,
  isbUsrdeliv: 8,
} as const;

/** At offset 8 of a section header, in the byte order of the section. */
export const BYTE_ORDER_MAGIC = 0x1a2b_3c4d;

/** Type, length, and the length again behind the body. */
export const MIN_BLOCK_BYTES = 12;

/** Fixed parts, both lengths included. */
export const FixedBytes = {
  sectionHeader: 28,
  interfaceDescription: 20,
  packet: 32,
  simplePacket: 16,
  interfaceStatistics: 24,
  enhancedPacket: 32,
} as const;

/** @returns `bytes` rounded up to the 32-bit words that pcapng is made of */
export function paddedBytes(bytes: number): number {
  return (bytes + 3) & ~3;
}
