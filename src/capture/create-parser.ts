import { PcapParser } from './pcap-parser.js';
import { PcapngParser } from './pcapng-parser.js';
import type { CaptureFormat, ParserState, RecordParser } from './record-parser.js';

/** @returns a parser for a stream from its beginning */
export function createParser(format: CaptureFormat): RecordParser {
  return format === 'pcap' ? new PcapParser() : new PcapngParser();
}

/**
 * @param state of a parser that has come to `offset`
 * @param offset where a record begins
 */
export function resumeParser(state: ParserState, offset: number): RecordParser {
  return state.format === 'pcap' ? new PcapParser(state, offset) : new PcapngParser(state, offset);
}
