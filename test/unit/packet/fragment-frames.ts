import { Decoder } from '../../../src/packet/decode.js';
import { LAYER_STRIDE, Layer } from '../../../src/packet/layers.js';
import { PacketBatch, PacketFlag } from '../../../src/packet/packet-batch.js';
import { Reassembler, type ReassemblyCounts } from '../../../src/packet/reassembler.js';
import { blockOf, type DecodedRow, describeRow, layerSum } from './decode-frame.js';
import { bytes, ethernet, ipv4, ipv6, ipv6Fragment, ipv6Options } from './frame-builder.js';

/** What is fragmented: the payload of an IP datagram and how its header looks. */
export interface Datagram {
  isV6: boolean;
  protocol: number;
  id: number;
  payload: Uint8Array;
  /** IPv6: destination options of 8 bytes before the fragment header. IPv4: 4 bytes of options. */
  hasOptions?: boolean;
}

/** The datagram as it was before it was fragmented. */
export function wholeDatagram({ isV6, protocol, id, payload, hasOptions }: Datagram): Uint8Array {
  if (!isV6) return ipv4(ipv4Fields({ protocol, id, hasOptions: hasOptions ?? false }), payload);
  if (!hasOptions) return ipv6({ nextHeader: protocol }, payload);
  return ipv6({ nextHeader: 60 }, ipv6Options(protocol, 8, payload));
}

/** The fragment with bytes `start` to `end` of the payload, as an Ethernet frame. */
export function fragmentFrame(datagram: Datagram, start: number, end: number): Uint8Array {
  const { isV6, protocol, id, payload } = datagram;
  const hasOptions = datagram.hasOptions ?? false;
  const data = payload.slice(start, end);
  const more = end < payload.length;
  if (!isV6) {
    const fields = ipv4Fields({ protocol, id, hasOptions });
    return ethernet(0x0800, ipv4({ ...fields, fragmentOffset: start, moreFragments: more }, data));
  }
  const fragment = ipv6Fragment(protocol, start, more, data, id);
  const rest = hasOptions ? ipv6Options(44, 8, fragment) : fragment;
  return ethernet(0x86dd, ipv6({ nextHeader: hasOptions ? 60 : 44 }, rest));
}

function ipv4Fields({ protocol, id, hasOptions }: { protocol: number; id: number; hasOptions: boolean }) {
  return hasOptions ? { protocol, id, options: bytes('01010101') } : { protocol, id };
}

/** Fragments of `datagram`, cut at the given offsets (ascending multiples of 8). */
export function fragmentFrames(datagram: Datagram, cuts: readonly number[]): Uint8Array[] {
  const ends = [...cuts, datagram.payload.length];
  return ends.map((end, i) => fragmentFrame(datagram, i === 0 ? 0 : ends[i - 1]!, end));
}

export interface Reassembled {
  /** From the IP header on, as far as it was captured. */
  data: Uint8Array;
  row: DecodedRow;
  fragments: number;
  fragmentBytes: number;
  layerSum: number;
}

/** Feeds frames to a reassembler and keeps what comes out. */
export class ReassemblyRun {
  readonly reassembler = new Reassembler();
  readonly done: Reassembled[] = [];
  /** Data bytes of all fragment rows fed. */
  fedBytes = 0;
  private readonly decoder = new Decoder(this.reassembler.batch, null);

  /** @param seconds capture time of all of them */
  feed(frames: readonly Uint8Array[], seconds = 0, capturedBytes = Infinity): this {
    const block = blockOf(frames, 1, capturedBytes);
    block.timeSeconds.fill(seconds);
    this.feedBatch(new PacketBatch(block));
    return this;
  }

  /** @returns rows that turned out to be malformed fragments */
  feedBatch(batch: PacketBatch): number[] {
    new Decoder(batch, null).decode();
    const bad: number[] = [];
    for (let row = 0; row < batch.count; row++) {
      if ((batch.flags[row]! & PacketFlag.fragment) === 0) continue;
      const isDone = this.reassembler.add(batch, row);
      if ((batch.flags[row]! & PacketFlag.malformed) !== 0) bad.push(row);
      else this.fedBytes += batch.layerBytes[row * LAYER_STRIDE + Layer.fragment]!;
      if (isDone) this.take();
    }
    return bad;
  }

  /** Joins what a later run has waiting, as one analysis does with the next piece of a capture. */
  merge(later: ReassemblyRun): this {
    const fragmentsBefore = this.reassembler.counts.fragments;
    for (const pending of later.reassembler.pending())
      if (this.reassembler.adopt(pending, fragmentsBefore)) this.take();
    this.reassembler.addCounts(later.reassembler.counts);
    this.done.push(...later.done);
    return this;
  }

  /** Ends it. @returns beginnings of datagrams that stay incomplete */
  finish(): Reassembled[] {
    const before = this.done.length;
    for (;;) {
      const isThere = this.reassembler.takeIncomplete();
      if (isThere === null) break;
      if (isThere) this.take();
    }
    return this.done.splice(before);
  }

  get counts(): ReassemblyCounts {
    return { ...this.reassembler.counts };
  }

  private take(): void {
    this.decoder.decode();
    this.reassembler.finish();
    const { batch, block } = this.reassembler;
    this.done.push({
      data: block.data.slice(0, block.capturedLength[0]!),
      row: describeRow(batch, 0),
      fragments: batch.fragments[0]!,
      fragmentBytes: batch.fragmentBytes[0]!,
      layerSum: layerSum(batch, 0),
    });
  }
}

/** Frames one after the other, each datagram's bytes as hex: what two runs can be compared by, whatever the order. */
export function contents(done: readonly Reassembled[]): string[] {
  return done
    .map(({ data, fragments, fragmentBytes }) =>
      [fragments, fragmentBytes, Buffer.from(data).toString('hex')].join(' '),
    )
    .sort();
}
