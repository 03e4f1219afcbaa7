import type { MigrationObserver } from '../../../src/migration/migration-observer.js';
import { Decoder } from '../../../src/packet/decode.js';
import { FrameBlock } from '../../../src/packet/frame-block.js';
import { PacketBatch } from '../../../src/packet/packet-batch.js';

/** A TCP segment to be put on a wire. */
export interface Segment {
  readonly sourcePort: number;
  readonly destinationPort?: number;
  /** 32 bits. */
  readonly sequence: number;
  readonly payload: Buffer;
  readonly syn?: boolean;
  /** Bytes of the payload that the capture keeps; all if not given. */
  readonly captured?: number;
  readonly timeMs?: number;
  readonly ipv6?: boolean;
}

const ETHERNET_BYTES = 14;
const TCP_BYTES = 20;
export const MIGRATION_PORT = 49152;

/** Shows segments to an observer as decoded rows, in batches of a few. */
export function observeSegments(
  observer: MigrationObserver,
  segments: readonly Segment[],
  batchRows = 64,
): void {
  for (let from = 0; from < segments.length; from += batchRows) {
    const batch = toBatch(segments.slice(from, from + batchRows));
    observer.add(batch, 0, batch.count);
  }
}

function toBatch(segments: readonly Segment[]): PacketBatch {
  const frames = segments.map(toFrame);
  const kept = frames.map((frame, i) => {
    const { captured, payload } = segments[i]!;
    return captured === undefined ? frame : frame.subarray(0, frame.length - payload.length + captured);
  });
  const block = new FrameBlock(Buffer.concat(kept), segments.length);
  block.count = segments.length;
  let offset = 0;
  frames.forEach((frame, i) => {
    const { timeMs = 0 } = segments[i]!;
    block.offset[i] = offset;
    block.capturedLength[i] = kept[i]!.length;
    block.wireLength[i] = frame.length;
    block.linkType[i] = 1;
    block.timeSeconds[i] = 1_700_000_000 + Math.floor(timeMs / 1000);
    block.timeNanoseconds[i] = (timeMs % 1000) * 1e6;
    offset += kept[i]!.length;
  });
  const batch = new PacketBatch(block);
  new Decoder(batch, null).decode();
  return batch;
}

function toFrame(segment: Segment): Buffer {
  const { payload, ipv6 = false } = segment;
  const ipBytes = ipv6 ? 40 : 20;
  const frame = Buffer.alloc(ETHERNET_BYTES + ipBytes + TCP_BYTES + payload.length);
  frame.writeUInt16BE(ipv6 ? 0x86dd : 0x0800, 12);
  const ip = ETHERNET_BYTES;
  if (ipv6) {
    frame[ip] = 0x60;
    frame.writeUInt16BE(TCP_BYTES + payload.length, ip + 4);
    frame[ip + 6] = 6;
    frame.set([0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1], ip + 8);
    frame.set([0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2], ip + 24);
  } else {
    frame[ip] = 0x45;
    frame.writeUInt16BE(ipBytes + TCP_BYTES + payload.length, ip + 2);
    frame[ip + 8] = 64;
    frame[ip + 9] = 6;
    frame.set([10, 0, 0, 1, 10, 0, 0, 2], ip + 12);
  }
  const tcp = ip + ipBytes;
  frame.writeUInt16BE(segment.sourcePort, tcp);
  frame.writeUInt16BE(segment.destinationPort ?? MIGRATION_PORT, tcp + 2);
  frame.writeUInt32BE(segment.sequence >>> 0, tcp + 4);
  frame[tcp + 12] = 0x50;
  frame[tcp + 13] = segment.syn === true ? 0x02 : 0x18;
  payload.copy(frame, tcp + TCP_BYTES);
  return frame;
}

/** SYN and the stream in segments of at most `mss` bytes. */
export function cutStream(stream: Buffer, sourcePort: number, isn = 1000, mss = 1448): Segment[] {
  const segments: Segment[] = [{ sourcePort, sequence: isn, payload: Buffer.alloc(0), syn: true }];
  for (let at = 0; at < stream.length; at += mss) {
    segments.push({ sourcePort, sequence: isn + 1 + at, payload: stream.subarray(at, at + mss) });
  }
  return segments;
}
