import { assembleStages, type IterationDraft, type Stages } from './assemble-stages.js';
import { MainLog } from './main-log.js';
import type { MigrationProgress } from './migration-progress.js';
import type {
  MigrationDirtying,
  MigrationIteration,
  MigrationRecord,
  MigrationTransport,
} from './migration-record.js';
import { INITIAL_BYTES, MultifdChannel } from './multifd-channel.js';
import { MultifdOrder } from './multifd-order.js';
import { MAX_SENDS, type PageBudget } from './page-sends.js';
import type { PageSink } from './page-sink.js';
import { PostcopyChannel, startsPostcopyChannel } from './postcopy-channel.js';
import { QemuStream } from './qemu-stream.js';
import { RamBlocks } from './ram-blocks.js';
import { RamSection } from './ram-section.js';
import { Stage } from './stage-log.js';
import type { TcpConnection } from './tcp-connection.js';

/** By `Stage`. */
const STAGE_NAMES: readonly MigrationProgress['stage'][] = [
  'setup',
  'precopy',
  'stopAndCopy',
  'postcopy',
  'device',
  'device',
];
const MAX_HOT_PAGES = 64;
/** Most channels that QEMU can be told to use. */
const MAX_CHANNELS = 256;

interface MainConnection {
  readonly connection: TcpConnection;
  readonly stream: QemuStream;
  readonly log: MainLog;
}

/** How often pages were sent. */
type SendSummary = Pick<MigrationRecord, 'hotPages' | 'pagesBySends'>;

/** One migration: its main connection and its multifd channels, as they are read. */
export class Migration {
  private readonly blocks: RamBlocks;
  private readonly sink: PageSink | null;
  private startNs: number;
  private main: MainConnection | null = null;
  private readonly order: MultifdOrder;
  private readonly channels: { readonly connection: TcpConnection; readonly channel: MultifdChannel }[] = [];

  private preempt: { readonly connection: TcpConnection; readonly channel: PostcopyChannel } | null = null;

  constructor(budget: PageBudget, sink: PageSink | null, timeNs: number) {
    this.blocks = new RamBlocks(budget);
    this.order = new MultifdOrder(this.blocks);
    this.sink = sink;
    this.startNs = timeNs;
  }

  get hasMain(): boolean {
    return this.main !== null;
  }

  /** The stream told its end: what comes now belongs to another migration. */
  get isEnded(): boolean {
    return this.main?.stream.isEnded ?? false;
  }

  get canTakeChannel(): boolean {
    return this.channels.length < MAX_CHANNELS;
  }

  addMain(connection: TcpConnection, timeNs: number): QemuStream {
    this.beginBy(timeNs);
    const log = new MainLog(this.blocks, timeNs);
    const stream = new QemuStream(this.blocks, new RamSection(this.blocks, log, this.sink), log);
    connection.role = 'main';
    this.main = { connection, stream, log };
    return stream;
  }

  addChannel(connection: TcpConnection, timeNs: number): MultifdChannel {
    this.beginBy(timeNs);
    const channel = new MultifdChannel(this.blocks, this.order, this.sink, timeNs);
    connection.role = 'multifd';
    this.channels.push({ connection, channel });
    return channel;
  }

  /** A connection without a magic number. @returns null if it cannot belong to this migration */
  addPostcopy(connection: TcpConnection, head: Uint8Array, timeNs: number): PostcopyChannel | null {
    const { main, blocks } = this;
    if (main === null || this.preempt !== null || !startsPostcopyChannel(head, blocks)) return null;
    const channel = new PostcopyChannel(blocks, main.log, this.sink, timeNs);
    connection.role = 'postcopy';
    this.preempt = { connection, channel };
    return channel;
  }

  /** Of connections the later one may have begun earlier, where a capture is out of order. */
  private beginBy(timeNs: number): void {
    this.startNs = Math.min(this.startNs, timeNs);
  }

  /**
   * Call once, when all connections are finished. Gives back the memory for pages.
   * @param baseSeconds what times are relative to, seconds since 1970
   * @returns null if there was no main connection
   */
  record(baseSeconds: number): MigrationRecord | null {
    const { main, channels } = this;
    main?.stream.finish();
    for (const { channel } of channels) channel.finish();
    const record = main === null ? null : this.describe(main, baseSeconds, this.summariseSends());
    this.clear();
    return record;
  }

  private describe(main: MainConnection, baseSeconds: number, sends: SendSummary): MigrationRecord {
    const { channels, blocks, preempt } = this;
    for (const { connection, channel } of channels) connection.channel = channel.id;
    const { stream, log } = main;
    const stages = this.assemble(main);
    const others = [...channels, ...(preempt === null ? [] : [preempt])];
    const endNs = others.reduce((end, { channel }) => Math.max(end, channel.lastNs), log.lastNs);
    const connections = [main, ...others].map(({ connection }) => connection.record());
    const toTime = (ns: number) => BigInt(baseSeconds) * 1_000_000_000n + BigInt(Math.round(ns));
    const { iterations } = stages;
    const sum = (pick: (draft: IterationDraft) => number) =>
      iterations.reduce((total, draft) => total + pick(draft), 0);
    const readers = [stream, ...others.map(({ channel }) => channel)];
    return {
      machine: stream.machine,
      transport: transportOf(connections.map(({ packets }) => packets)),
      connections,
      startNs: toTime(this.startNs),
      endNs: toTime(endNs),
      streamBytes: connections.reduce((total, { streamBytes }) => total + streamBytes, 0),
      ramBytes:
        log.ramBytes +
        (preempt === null ? 0 : preempt.channel.position - preempt.channel.eosBytes) +
        channels.reduce((total, { channel }) => total + ramBytesOf(channel), 0),
      pageBytes: blocks.pageBytes,
      blocks: blocks.list.map(({ name, bytes }) => ({ name, bytes: Number.isFinite(bytes) ? bytes : 0 })),
      normalPages: sum((draft) => draft.normalPages),
      repeatedPages: sum((draft) => draft.repeatedPages),
      zeroPages: sum((draft) => draft.zeroPages),
      xbzrlePages: sum((draft) => draft.xbzrlePages),
      compressedPages: sum((draft) => draft.compressedPages),
      iterations: iterations.map((draft) => toIteration(draft, toTime)),
      setup: {
        bytes: stages.setupBytes,
        durationNs: (iterations[0]?.startNs ?? endNs) - this.startNs,
      },
      deviceState: {
        bytes: stages.deviceBytes,
        descriptionBytes: stages.descriptionBytes,
        durationNs: stages.deviceNs,
        devices: stream.devices,
        agreesWithDescription: agrees(stream),
      },
      downtimeNs: this.downtimeOf(log, stages, endNs),
      ramSections: sum((draft) => draft.sections),
      isPostcopy: log.isPostcopy,
      complete: stream.isEnded && readers.every(({ lostCount }) => lostCount === 0),
      gaps: {
        count: readers.reduce((total, { gapCount }) => total + gapCount, 0),
        bytes: readers.reduce((total, { gapBytes }) => total + gapBytes, 0),
        lost: readers.reduce((total, { lostCount }) => total + lostCount, 0),
        resynchronised: readers.reduce((total, { foundCount }) => total + foundCount, 0),
      },
      hotPages: sends.hotPages,
      pagesBySends: sends.pagesBySends,
      dirtying: dirtyingOf(iterations, sends.pagesBySends),
    };
  }

  /** All that was followed for it. */
  get connections(): TcpConnection[] {
    const { main, channels, preempt } = this;
    const all = [main, ...channels, preempt];
    return all.flatMap((one) => (one === null ? [] : [one.connection]));
  }

  /** Time of the latest byte of any of its streams, as in calls. */
  get lastNs(): number {
    const { main, channels, preempt } = this;
    const times = [...channels, ...(preempt === null ? [] : [preempt])].map(({ channel }) => channel.lastNs);
    return Math.max(this.startNs, main?.log.lastNs ?? this.startNs, ...times);
  }

  /**
   * How far it has got; nothing ends by asking.
   * @param baseSeconds what times are relative to, seconds since 1970
   * @returns null while there is no main connection
   */
  progress(baseSeconds: number): Omit<MigrationProgress, 'id'> | null {
    const { main } = this;
    if (main === null) return null;
    return {
      record: this.describe(main, baseSeconds, { hotPages: [], pagesBySends: [] }),
      isEnded: this.isEnded,
      stage: STAGE_NAMES[main.log.log.current.stage] ?? 'device',
      memoryBytes: this.blocks.totalBytes,
      scannedShare: this.scannedShare(main.log),
    };
  }

  private scannedShare(log: MainLog): number | null {
    const { stage } = log.log.current;
    const total = this.blocks.totalBytes;
    if (total === 0 || (stage !== Stage.precopy && stage !== Stage.stopAndCopy)) return null;
    const { block, offset } = this.order.pieces.length > 0 ? this.order.scan : log.scan;
    if (block < 0) return 0;
    const before = this.blocks.list.slice(0, block).reduce((bytes, one) => bytes + one.bytes, 0);
    return Math.min(1, (before + offset) / total);
  }

  /** Puts what the streams said up to now together. */
  private assemble({ stream, log }: MainConnection): Stages {
    const { preempt } = this;
    log.log.settle(stream.position, log.lastNs);
    const urgent = preempt === null ? [] : [preempt.channel.piece];
    const stages = assembleStages([...log.log.pieces, ...urgent], this.order.pieces, {
      epoch: log.endEpoch,
      timeNs: log.stopNs ?? 0,
      isWithinEpoch: log.hasFlushes,
    });
    this.chargeRest(stages);
    return stages;
  }

  private clear(): void {
    for (const block of this.blocks.list) block.sends.clear();
  }

  /** Bytes of channels that are in no packet, because their meaning was lost, go to the last iteration. */
  private chargeRest(stages: Stages): void {
    for (const { channel } of this.channels) stages.setupBytes += Math.min(INITIAL_BYTES, channel.position);
    const inPieces = this.order.pieces.reduce((total, { bytes }) => total + bytes, 0);
    const inChannels = this.channels.reduce(
      (total, { channel }) => total + Math.max(0, channel.position - INITIAL_BYTES),
      0,
    );
    const last = stages.iterations[stages.iterations.length - 1];
    if (last === undefined) stages.setupBytes += inChannels - inPieces;
    else last.bytes += inChannels - inPieces;
  }

  private downtimeOf(log: MainLog, stages: Stages, endNs: number): number | null {
    if (log.stopNs === null) return null;
    if (log.isPostcopy) return log.runNs === null ? null : log.runNs - log.stopNs;
    const stop = stages.iterations.find(({ stage }) => stage === 'stopAndCopy');
    return endNs - Math.min(log.stopNs, stop?.startNs ?? log.stopNs);
  }

  private summariseSends(): SendSummary {
    const counts = new Array<number>(MAX_SENDS).fill(0);
    for (const block of this.blocks.list) {
      block.sends.forEach((_page, sent) => {
        counts[sent - 1]! += 1;
      });
    }
    let least = MAX_SENDS;
    for (let above = 0; least > 1; least--) {
      above += counts[least - 1]!;
      if (above >= MAX_HOT_PAGES) break;
    }
    const hot: MigrationRecord['hotPages'] = [];
    for (const block of this.blocks.list) {
      const ofBlock: MigrationRecord['hotPages'] = [];
      block.sends.forEach((page, sent) => {
        if (sent < Math.max(2, least)) return;
        ofBlock.push({ block: block.name, offset: page * this.blocks.pageBytes, sent });
        if (ofBlock.length > 64 * MAX_HOT_PAGES) keepHottest(ofBlock);
      });
      hot.push(...ofBlock);
    }
    keepHottest(hot);
    while (counts.length > 0 && counts[counts.length - 1] === 0) counts.pop();
    return { hotPages: hot, pagesBySends: counts };
  }
}

function keepHottest(pages: MigrationRecord['hotPages']): void {
  pages.sort((a, b) => b.sent - a.sent || compareText(a.block, b.block) || a.offset - b.offset);
  if (pages.length > MAX_HOT_PAGES) pages.length = MAX_HOT_PAGES;
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** QEMU counts packets, not the initial message. */
function ramBytesOf(channel: MultifdChannel): number {
  return Math.max(0, channel.position - INITIAL_BYTES);
}

function agrees(stream: QemuStream): boolean | null {
  const { described, devices } = stream;
  if (described === null) return null;
  return (
    described.length === devices.length &&
    described.every((device, i) => {
      const { name, instance, bytes } = devices[i]!;
      return device.name === name && device.instance === instance && device.bytes === bytes;
    })
  );
}

function transportOf(packets: Record<MigrationTransport, number>[]): MigrationRecord['transport'] {
  const used = (['clear', 'ah', 'esp', 'ahEsp'] as const).filter((name) =>
    packets.some((count) => count[name] > 0),
  );
  return used.length === 1 ? used[0]! : 'mixed';
}

function toIteration(draft: IterationDraft, toTime: (ns: number) => bigint): MigrationIteration {
  const { startNs, endNs, ...rest } = draft;
  return { ...rest, startNs: toTime(startNs), durationNs: endNs - startNs };
}

function dirtyingOf(iterations: IterationDraft[], pagesBySends: number[]): MigrationDirtying {
  return {
    intervals: iterations.slice(1).map((draft, i) => ({
      iteration: draft.index,
      durationNs: draft.startNs - iterations[i]!.startNs,
      pages: draft.resentPages,
      again: draft.resentFromPrevious,
    })),
    groups: pagesBySends.map((pages, resends) => ({ resends, pages })).filter(({ pages }) => pages > 0),
  };
}
