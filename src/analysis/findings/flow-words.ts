import { formatAddressWords } from '../format-address.js';
import { mixHigh, mixLow } from './word-hash.js';

/** Words that name a flow: 1 for IPv6 else 0, ports, addresses as in key-table.ts. */
export const FLOW_WORDS = 10;

/** A flow's ends as text: `192.0.2.1:16514`. */
export interface FlowEnds {
  source: string;
  destination: string;
}

/** Keys of 64 bits for directions of connections; the flow looked up last costs no hashing. */
export class FlowKeys {
  /** Of the flow looked up last. */
  low = 0;
  high = 0;
  private readonly words = new Int32Array(FLOW_WORDS);

  /** @param ports source and destination as they stand in the header */
  take4(ports: number, source: number, destination: number): void {
    const { words } = this;
    if (words[2] === source && words[3] === destination && words[1] === ports && words[0] === 0) return;
    words.fill(0, 4);
    words[0] = 0;
    words[1] = ports;
    words[2] = source;
    words[3] = destination;
    this.hash(4);
  }

  /** @param addresses offset of source and destination */
  take6(ports: number, view: DataView, addresses: number): void {
    const { words } = this;
    words[0] = 1;
    words[1] = ports;
    for (let i = 0; i < 8; i++) words[2 + i] = view.getInt32(addresses + i * 4);
    this.hash(FLOW_WORDS);
  }

  /** Writes the words of the flow looked up last. */
  writeWords(to: Int32Array, at: number): void {
    to.set(this.words, at);
  }

  /** A copy of the words of the flow looked up last. */
  copyWords(): Int32Array {
    return this.words.slice();
  }

  private hash(count: number): void {
    const { words } = this;
    let low = 0;
    let high = 0;
    for (let i = 0; i < count; i++) {
      low = mixLow(low, words[i]!);
      high = mixHigh(high, words[i]!);
    }
    this.low = low;
    this.high = high;
  }
}

/** Text of the address that a flow comes from. */
export function flowSource(words: Int32Array): string {
  return formatAddressWords(words, 2, words[0] === 1 ? 4 : 1);
}

/** Text of a flow's ends. */
export function flowEnds(words: Int32Array): FlowEnds {
  const ports = words[1]!;
  const isV6 = words[0] === 1;
  const source = isV6 ? `[${flowSource(words)}]` : flowSource(words);
  const destination = isV6 ? `[${formatAddressWords(words, 6, 4)}]` : formatAddressWords(words, 3, 1);
  return { source: `${source}:${ports >>> 16}`, destination: `${destination}:${ports & 0xffff}` };
}
