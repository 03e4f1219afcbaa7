import { BlockType, BYTE_ORDER_MAGIC, MIN_BLOCK_BYTES } from './pcapng-format.js';
import { MAX_BLOCK_BYTES } from './pcapng-parser.js';
import { MAX_CAPTURED_BYTES, type ParserState, type PcapngState, type PcapState } from './record-parser.js';

/*
 * Captures have no synchronisation marks. Where a record begins in the middle of a file is a guess: the first offset
 * from which a chain of plausible records leads on. Payload can imitate that (think of a capture that is being copied
 * over the network), so whoever uses the guess must verify it, by reading up to it from the record before.
 */

/** Records in a row that convince. */
const CHAIN_RECORDS = 16;

/** Fewer are enough if the data end before the chain breaks. */
const CHAIN_RECORDS_AT_DATA_END = 4;

/** Ten years: captures are merged, clocks are wrong. */
const PLAUSIBLE_SECONDS = 10 * 366 * 86_400;

/** Used when the file does not say: the limit of libpcap and Wireshark. */
const DEFAULT_SNAP_BYTES = 262_144;

const KNOWN_BLOCK_TYPES: ReadonlySet<number> = new Set(Object.values(BlockType));

/**
 * Guesses where a record begins.
 *
 * @param data bytes of the file from somewhere in its middle
 * @param from index to search from; in pcapng that of a multiple of 4 in the file, where all its blocks begin
 * @param end index behind the data
 * @param state how the file is written, as far as known
 * @param isFileEnd no more bytes follow `end`: the chain may then be of one record
 * @returns index in `data`, or -1
 */
export function findRecordStart(
  data: Uint8Array,
  from: number,
  end: number,
  state: ParserState,
  isFileEnd: boolean,
): number {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  const measure = state.format === 'pcap' ? pcapRecordMeasure(state) : pcapngBlockMeasure(state);
  const step = state.format === 'pcap' ? 1 : 4;
  const enough = isFileEnd ? 1 : CHAIN_RECORDS_AT_DATA_END;
  for (let candidate = from; candidate < end; candidate += step) {
    if (chainHolds(view, candidate, end, enough, measure)) return candidate;
  }
  return -1;
}

/** Length of a plausible record at an index; IMPLAUSIBLE; or CUT if `end` comes before one can tell. */
type RecordMeasure = (view: DataView, at: number, end: number) => number;

const IMPLAUSIBLE = 0;
const CUT = -1;

function chainHolds(
  view: DataView,
  candidate: number,
  end: number,
  enoughAtEnd: number,
  measure: RecordMeasure,
): boolean {
  let at = candidate;
  for (let records = 0; records < CHAIN_RECORDS; records++) {
    const length = at === end ? CUT : measure(view, at, end);
    if (length === IMPLAUSIBLE) return false;
    if (length === CUT) return records >= enoughAtEnd;
    at += length;
  }
  return true;
}

function pcapRecordMeasure(state: PcapState): RecordMeasure {
  const { littleEndian, recordHeaderBytes } = state;
  const fractionLimit = state.nanosecond ? 1_000_000_000 : 1_000_000;
  const captureLimit = Math.min(state.snapLength || DEFAULT_SNAP_BYTES, MAX_CAPTURED_BYTES);
  const reference = state.referenceSeconds;
  return (view, at, end) => {
    if (at + recordHeaderBytes > end) return CUT;
    if (view.getUint32(at + 4, littleEndian) >= fractionLimit) return IMPLAUSIBLE;
    const captured = view.getUint32(at + 8, littleEndian);
    const wire = view.getUint32(at + 12, littleEndian);
    if (captured === 0 || captured > captureLimit) return IMPLAUSIBLE;
    if (wire < captured || wire > MAX_CAPTURED_BYTES) return IMPLAUSIBLE;
    const seconds = view.getUint32(at, littleEndian);
    if (reference !== null && Math.abs(seconds - reference) > PLAUSIBLE_SECONDS) return IMPLAUSIBLE;
    return at + recordHeaderBytes + captured > end ? CUT : recordHeaderBytes + captured;
  };
}

function pcapngBlockMeasure(state: PcapngState): RecordMeasure {
  const { littleEndian } = state;
  return (view, at, end) => {
    if (at + MIN_BLOCK_BYTES > end) return CUT;
    const type = view.getUint32(at, littleEndian);
    if (!KNOWN_BLOCK_TYPES.has(type)) return IMPLAUSIBLE;
    const length = view.getUint32(at + 4, littleEndian);
    if (length < MIN_BLOCK_BYTES || length > MAX_BLOCK_BYTES || (length & 3) !== 0) return IMPLAUSIBLE;
    if (type === BlockType.sectionHeader && view.getUint32(at + 8, littleEndian) !== BYTE_ORDER_MAGIC) {
      return IMPLAUSIBLE;
    }
    if (at + length > end) return CUT;
    return view.getUint32(at + length - 4, littleEndian) === length ? length : IMPLAUSIBLE;
  };
}
