import type { FrameBlock } from '../packet/frame-block.js';
import type { DropTally } from './drop-tally.js';

export type CaptureFormat = 'pcap' | 'pcapng';

/** Why reading stopped before the end. Every frame in front of `offset` has been delivered. */
export interface CaptureError {
  message: string;
  /** Bytes from the beginning of the uncompressed stream to the record that could not be read. */
  offset: number;
}

/** What a classic pcap reader must know to start at a record in the middle of a file. */
export interface PcapState {
  format: 'pcap';
  littleEndian: boolean;
  /** Fractions of a second are nanoseconds, not microseconds. */
  nanosecond: boolean;
  /** 16, or 24 in the format of Kuznetzov's patch. */
  recordHeaderBytes: number;
  linkType: number;
  /** Bytes of a packet the capture was to keep; 0 if the file does not say. */
  snapLength: number;
  /** Time of the file's first frame; tells records from payload when the reader resynchronises. */
  referenceSeconds: number | null;
}

/** What a pcapng reader must know: the section it is in. */
export interface PcapngState {
  format: 'pcapng';
  littleEndian: boolean;
  interfaces: PcapngInterfaceState[];
}

export interface PcapngInterfaceState {
  linkType: number;
  /** 0: no limit. */
  snapLength: number;
  /** `if_tsresol`: 10^-n, or 2^-n with the top bit set. */
  resolution: number;
  /** `if_tsoffset`: whole seconds added to every time. */
  timeOffsetSeconds: number;
}

/** Plain data, may be sent to a worker. */
export type ParserState = PcapState | PcapngState;

/**
 * Turns the bytes of a capture into frames. Knows nothing of files: its caller brings the bytes in pieces of any size.
 */
export interface RecordParser {
  readonly format: CaptureFormat;
  /** Stream offset of the first byte not consumed. */
  offset: number;
  /** Records that start here or later are left alone. */
  stopOffset: number;
  /** Frames given out so far. */
  frameCount: number;
  /** Number given out last. More than `frameCount` where Wireshark numbers blocks that are no frames. */
  lastFrameNumber: number;
  /** Length of the record that `parse` stopped at because `end` cuts it, as far as that is known. */
  neededBytes: number;
  error: CaptureError | null;
  /** LINKTYPE_ values declared so far. */
  readonly linkTypes: Set<number>;
  /** Comments on packets; one packet may have several. */
  commentCount: number;
  /** Drops that interface statistics report. */
  drops: DropTally;

  /**
   * Fills `block` anew with the whole records in `data[start, end)`, as many as it has room for.
   *
   * Stops in front of a record that `end` cuts (give it again with more behind it), when the block is full, at
   * `stopOffset`, and at broken bytes, which `error` then describes.
   *
   * @returns index in `data` of the first byte not consumed
   */
  parse(data: Uint8Array, start: number, end: number, block: FrameBlock): number;

  /** Tells that the stream ends, `remainingBytes` behind the last record consumed. */
  finish(remainingBytes: number): void;

  /** What a parser needs to go on from `offset`; null before the file header. */
  state(): ParserState | null;
}

/** No link layer comes near this. Larger claims are damage, and would make the reader buffer them. */
export const MAX_CAPTURED_BYTES = 16 * 1024 * 1024;

/** The error of a stream that ends inside a record. */
export function cutOffError(parser: RecordParser, remainingBytes: number): CaptureError {
  const what = parser.offset === 0 ? 'file header' : 'record';
  return {
    message:
      `file ends ${remainingBytes} bytes into the ${what} at offset ${parser.offset}: ` +
      'the capture was cut off or not copied whole; everything before that was read',
    offset: parser.offset,
  };
}

/** True if a parser in state `a` reads the same frames as one in state `b`. */
export function sameState(a: ParserState | null, b: ParserState | null): boolean {
  if (a === null || b === null) return a === b;
  if (a.littleEndian !== b.littleEndian) return false;
  if (a.format === 'pcap') return b.format === 'pcap' && samePcapState(a, b);
  return b.format === 'pcapng' && sameInterfaces(a.interfaces, b.interfaces);
}

function samePcapState(a: PcapState, b: PcapState): boolean {
  return (
    a.nanosecond === b.nanosecond &&
    a.recordHeaderBytes === b.recordHeaderBytes &&
    a.linkType === b.linkType &&
    a.snapLength === b.snapLength
  );
}

function sameInterfaces(a: readonly PcapngInterfaceState[], b: readonly PcapngInterfaceState[]): boolean {
  if (a.length !== b.length) return false;
  for (const [index, left] of a.entries()) {
    const right = b[index]!;
    if (
      left.linkType !== right.linkType ||
      left.snapLength !== right.snapLength ||
      left.resolution !== right.resolution ||
      left.timeOffsetSeconds !== right.timeOffsetSeconds
    ) {
      return false;
    }
  }
  return true;
}
