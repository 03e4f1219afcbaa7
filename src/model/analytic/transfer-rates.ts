import { FrameTally } from '../../plan/transfer.js';
import type { Limit } from '../../result/run-result.js';
import type { MigrationParameters } from '../../scenario/scenario.js';
import type { Channel, HostCosts } from '../channel.js';
import {
  MULTIFD_PACKET_HEADER_BYTES,
  MULTIFD_PACKET_PAGES,
  NORMAL_PAGE_BYTES,
  PAGE_BYTES,
  ZERO_PAGE_BYTES,
} from '../qemu/stream-framing.js';
import type { ThreadCosts } from '../qemu/thread-costs.js';
import type { BufferGrowth, SlowStart } from './socket-fluid.js';
import { lossRate, queueUtilisation, randomLossWindow } from './tcp-throughput.js';

/** A receiver acknowledges every second full segment (RFC 9293 section 3.8.6.3). */
const ACKS_PER_SEGMENT = 0.5;
/**
 * Linux acknowledges at once only while the window it can offer does not shrink (`__tcp_ack_snd_check`): where the process reads late,
 * what it has read is acknowledged, a buffer of QEMU's file (32 KiB) at a time.
 */
const READ_BYTES = 32_768;
/** RFC 6928. */
const INITIAL_WINDOW_SEGMENTS = 10;
/** Closer together than that for a byte, two places are equally narrow. */
const NARROW_NS = 1e-6;
/** Payload that a receive window of net.ipv4.tcp_rmem[2] = 6 MiB announces: half of the memory (`tcp_adv_win_scale` 1). */
const RECEIVE_WINDOW_BYTES = 3 * 2 ** 20;
/** net.ipv4.tcp_wmem[2], and what buffers are charged beside payload. */
const SEND_BUFFER_BYTES = 4 * 2 ** 20;
const SEND_BUFFER_CHARGE = 1.02;
/** `tcp_sndbuf_expand` makes room for twice the window, each segment charged its headers and rounded up to a power of two. */
const SEGMENT_ROOM_BYTES = 640;
const SEGMENT_HEAD_BYTES = 256;

/** How fast a channel carries a migration, in nanoseconds for each byte of the stream or page. */
export interface TransferRates {
  /** What takes bytes off the sockets: link, destination, round trips. All connections together. */
  readonly pathByteNs: number;
  readonly pathLimit: Limit;
  /** The thread for a page with content, as long as the socket takes all: finding it and sending its segments. */
  readonly pageNs: number;
  /** A zero page, at the slower of the two ends. */
  readonly zeroPageNs: number;
  /** Any other byte that the thread writes. */
  readonly otherByteNs: number;
  /** What the sockets hold. */
  readonly buffer: BufferGrowth;
  readonly slowStart: SlowStart;
  /** Bytes on the connections for a page with content: less than it has where it is compressed. */
  readonly pageBytes: number;
  /** Acknowledgements for each segment. */
  readonly acksPerSegment: number;
}

/** @param channel with at least one connection's worth of everything */
export function transferRates(
  channel: Channel,
  costs: ThreadCosts,
  migration: MigrationParameters,
): TransferRates {
  const { source, mssBytes } = channel;
  const connections = connectionsOf(migration);
  const line = lineOf(channel);
  const pageBytes = migration.multifdChannels > 0 ? multifdPageBytes(migration) : NORMAL_PAGE_BYTES;
  const network = narrower(linkPath(channel, connections, line), roundTripPath(channel, connections, line));
  const sendByteNs = segmentNs(source.sendPacketNs, source.sendByteNs, channel) / mssBytes;
  const settle = (acks: number): Settled => {
    const ackByteNs = (source.receivePacketNs * acks) / mssBytes;
    const inWriteByteNs = sendByteNs + (source.sharedCore ? ackByteNs : 0);
    const softirq: Path = { byteNs: source.sharedCore ? 0 : ackByteNs, limit: 'sourceCpu', readsLate: false };
    const destination = destinationPath(channel, costs, migration, pageBytes, acks);
    return {
      pageNs: sourcePageNs(channel, costs, migration, pageBytes * inWriteByteNs),
      path: narrower(narrower(network, destination), softirq),
      inWriteByteNs,
    };
  };
  const acksPerSegment = acksOf(settle, pageBytes, mssBytes);
  const { pageNs, path, inWriteByteNs } = settle(acksPerSegment);
  const segmentsPerSecond = 1e9 / (path.byteNs * mssBytes) / connections;
  return {
    pathByteNs: path.byteNs,
    pathLimit: path.limit,
    pageNs,
    zeroPageNs: Math.max(costs.zeroPageNs + ZERO_PAGE_BYTES * inWriteByteNs, costs.storeZeroPageNs),
    otherByteNs: inWriteByteNs,
    buffer: bufferGrowth(channel, path.limit, segmentsPerSecond, connections, line.rttSeconds),
    slowStart: {
      windowBytes: INITIAL_WINDOW_SEGMENTS * mssBytes * connections,
      rttNs: line.rttSeconds * 1e9,
    },
    pageBytes,
    acksPerSegment,
  };
}

/** With so many acknowledgements for each segment. */
interface Settled {
  readonly pageNs: number;
  readonly path: Path;
  /** Sending a byte from within a write. */
  readonly inWriteByteNs: number;
}

/**
 * Every second segment, unless the destination is what holds the transfer back, and its process what reads late: then as many as leave
 * it just not the narrowest place, and no fewer than one for each buffer that is read.
 */
function acksOf(settle: (acks: number) => Settled, pageBytes: number, mssBytes: number): number {
  const surplus = (acks: number): number => {
    const { pageNs, path } = settle(acks);
    return path.limit === 'destinationCpu' && path.readsLate ? path.byteNs - pageNs / pageBytes : -1;
  };
  let [least, most] = [Math.min(ACKS_PER_SEGMENT, mssBytes / READ_BYTES), ACKS_PER_SEGMENT];
  if (surplus(most) < -NARROW_NS) return most;
  for (let i = 0; i < 20; i++) {
    const middle = (least + most) / 2;
    if (surplus(middle) >= -NARROW_NS) most = middle;
    else least = middle;
  }
  return most;
}

/** Bytes of a page with content on a multifd connection, its part of the packet's header included. */
function multifdPageBytes({ compression }: MigrationParameters): number {
  return PAGE_BYTES * (compression?.ratio ?? 1) + MULTIFD_PACKET_HEADER_BYTES / MULTIFD_PACKET_PAGES;
}

function connectionsOf({ multifdChannels }: MigrationParameters): number {
  return Math.max(1, multifdChannels);
}

function segmentNs(packetNs: number, byteNs: number, channel: Channel): number {
  return packetNs + byteNs * channel.mssBytes;
}

/** Time of the source for a page: of its one core, of the migration thread alone, or of the threads that share the work. */
function sourcePageNs(
  { source }: Channel,
  costs: ThreadCosts,
  migration: MigrationParameters,
  sendNs: number,
): number {
  const { multifdChannels, compression } = migration;
  if (multifdChannels === 0) return costs.pageNs + sendNs;
  const connectionNs = costs.connectionPageNs + (compression?.sourceNsPerPage ?? 0) + sendNs;
  const allNs = costs.queuePageNs + connectionNs;
  if (source.sharedCore) return allNs;
  return Math.max(
    costs.queuePageNs,
    connectionNs / Math.min(multifdChannels, source.processServers),
    allNs / source.processServers,
  );
}

/** The destination for a byte of the stream; it reads late unless its softirq server alone is what takes the time. */
function destinationPath(
  channel: Channel,
  costs: ThreadCosts,
  migration: MigrationParameters,
  pageBytes: number,
  acks: number,
): Path {
  const { destination, mssBytes } = channel;
  const packetsNs =
    segmentNs(destination.receivePacketNs, destination.receiveByteNs, channel) +
    destination.sendPacketNs * acks;
  const storeNs = costs.storePageNs + (migration.compression?.destinationNsPerPage ?? 0);
  const [softirq, process] = [packetsNs / mssBytes, storeNs / pageBytes];
  const limit = 'destinationCpu';
  if (destination.sharedCore) return { byteNs: softirq + process, limit, readsLate: true };
  const reading = process / readers(destination, migration);
  return { byteNs: Math.max(softirq, reading), limit, readsLate: reading > softirq };
}

function readers({ processServers }: HostCosts, migration: MigrationParameters): number {
  return Math.min(connectionsOf(migration), processServers);
}

interface Path {
  readonly byteNs: number;
  readonly limit: Limit;
  readonly readsLate: boolean;
}

function narrower(one: Path, other: Path): Path {
  return other.byteNs > one.byteNs ? other : one;
}

/** Windows that do not cover the round trip, and losses that keep them small. */
function roundTripPath(channel: Channel, connections: number, { rttSeconds }: Line): Path {
  const { mssBytes, loss, congestionControl } = channel;
  const windowNs = (rttSeconds * 1e9) / (windowBytes() * connections);
  const lossNs = 1e9 / (lossRate(loss, rttSeconds, congestionControl) * mssBytes * connections);
  return { byteNs: Math.max(windowNs, lossNs), limit: 'roundTrips', readsLate: false };
}

function windowBytes(): number {
  return Math.min(RECEIVE_WINDOW_BYTES, SEND_BUFFER_BYTES / SEND_BUFFER_CHARGE);
}

/** A full segment's frames on the line, and what a queue that is too short leaves unused. */
function linkPath(channel: Channel, connections: number, { segmentSeconds, rttSeconds }: Line): Path {
  const { mssBytes, queuePackets, congestionControl } = channel;
  const pathSegments = rttSeconds / segmentSeconds;
  const overflows = (windowBytes() * connections) / mssBytes > pathSegments + queuePackets;
  const used = overflows
    ? queueUtilisation(pathSegments / connections, queuePackets / connections, congestionControl)
    : 1;
  return { byteNs: (segmentSeconds * 1e9) / mssBytes / used, limit: 'link', readsLate: false };
}

interface Line {
  /** For which a full segment's frames occupy the link. */
  readonly segmentSeconds: number;
  /** Of a lone segment and its acknowledgement: path, line, and what processors take on the way. */
  readonly rttSeconds: number;
}

function lineOf(channel: Channel): Line {
  const { source, destination, cost, mtuBytes, mssBytes, linkBps, rttNs } = channel;
  const tally = new FrameTally(cost, mtuBytes);
  tally.add(mssBytes, 1);
  const segmentSeconds = (tally.result().lineBytes * 8) / linkBps;
  const cpuNs =
    segmentNs(source.sendPacketNs, source.sendByteNs, channel) +
    segmentNs(destination.receivePacketNs, destination.receiveByteNs, channel) +
    destination.sendPacketNs +
    source.receivePacketNs;
  return { segmentSeconds, rttSeconds: (rttNs + cpuNs) / 1e9 + segmentSeconds };
}

/** HyStart ends CUBIC's slow start when round trips have grown by an eighth, and by 4 to 16 ms (`hystart_update`). */
const HYSTART_SECONDS = { least: 0.004, most: 0.016 };
const HYSTART_LOW_WINDOW = 16;
/** Linux's CUBIC before the first loss: a segment for 20 acknowledged (`bictcp_update`). Slow start: one for one. */
const CUBIC_FIRST_GROWTH = 1 / 20;

/**
 * Payload that the sockets hold: a send buffer makes room for twice the congestion window and grows with it. The window covers
 * the path when slow start ends, and then grows with what is acknowledged until path and queue overflow.
 */
function bufferGrowth(
  channel: Channel,
  limit: Limit,
  segmentsPerSecond: number,
  connections: number,
  rttSeconds: number,
): BufferGrowth {
  const { mssBytes, queuePackets, loss, congestionControl, rttNs } = channel;
  const isCubic = congestionControl === 'cubic';
  const { least, most } = HYSTART_SECONDS;
  const queueSeconds = Math.min(most, Math.max(least, rttSeconds / 8));
  let last = RECEIVE_WINDOW_BYTES / mssBytes;
  if (limit === 'link') last = Math.min(last, segmentsPerSecond * rttSeconds + queuePackets / connections);
  if (loss > 0) last = Math.min(last, randomLossWindow(loss, rttNs / 1e9, congestionControl));
  const first = Math.max(HYSTART_LOW_WINDOW, segmentsPerSecond * (rttSeconds + queueSeconds));
  const roomBytes =
    (2 * (2 ** Math.ceil(Math.log2(mssBytes + SEGMENT_ROOM_BYTES)) + SEGMENT_HEAD_BYTES)) /
    SEND_BUFFER_CHARGE;
  const roomOf = (segments: number): number =>
    Math.min(SEND_BUFFER_BYTES / SEND_BUFFER_CHARGE, segments * roomBytes) * connections;
  return {
    initialBytes: roomOf(Math.min(first, last)),
    growth: (roomBytes / mssBytes) * (isCubic ? CUBIC_FIRST_GROWTH : 1),
    mostBytes: roomOf(last),
  };
}
