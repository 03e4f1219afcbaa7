import { NONE, type PacketBatch, PacketFlag } from '../packet/packet-batch.js';
import { ipv4Text, ipv6Text } from './address-text.js';
import { Migration } from './migration.js';
import type { MigrationProgress } from './migration-progress.js';
import type { MigrationRecord } from './migration-record.js';
import { isMultifdMagic } from './multifd-channel.js';
import { PageBudget } from './page-sends.js';
import type { PageSink } from './page-sink.js';
import { ReassemblyBudget } from './reassembly-budget.js';
import { isStreamStart } from './stream-header.js';
import { type Endpoints, TcpConnection } from './tcp-connection.js';
import type { StreamConsumer } from './tcp-stream.js';

/*
 * Theory of operation. Most rows belong to no migration and must cost nearly nothing. A row with payload is looked up in
 * the table of followed connections, if there are any, and else only compared with the two magic numbers. A connection
 * whose SYN was seen is followed from its first byte until its first 8 bytes are known, whatever their segmentation and order;
 * one without a SYN is recognised if a segment begins with a magic number.
 *
 * Multifd channels belong to the migration between the same two hosts and to the same port which has not told its end.
 * They may begin before the main connection has said what it is: then they wait for it in a migration without one.
 */

export interface MigrationObserverOptions {
  /** Takes the content of pages, of all migrations; null by default, which costs nothing. */
  readonly sink?: PageSink | null;
  /** Instead: makes one for each migration. `sinksOfRecords` tells which became whose. */
  readonly createSink?: () => PageSink;
  /**
   * Destination ports of connections that are migrations even if the capture does not hold their beginning. Pages are
   * then found by their headers.
   */
  readonly ports?: readonly number[];
}

const DECAPSULATED_OR_TCP = PacketFlag.tcp | PacketFlag.decapsulatedCopy;
/** The bits of AH and ESP stand side by side. */
const PROTECTION_SHIFT = 6;
const MAX_CONNECTIONS = 1024;
/** Connections whose first bytes are awaited. */
const MAX_UNDECIDED = 256;
/** Under way, and over. */
const MAX_MIGRATIONS = 256;
/** How long nothing must come of a migration until it is taken for over: its end was seen, or was not. */
const ENDED_PATIENCE_NS = 60e9;
const SILENT_PATIENCE_NS = 3600e9;
const REASSEMBLY_BYTES = 32 << 20;
/** Memory of 256 GiB in pages of 4 KiB; three bytes each. */
const TRACKED_PAGES = 1 << 26;

/** Whether a TCP payload that begins like this begins a migration: main connection or multifd channel. */
export function startsMigration(data: Uint8Array, offset: number, length: number): boolean {
  if (length < 8) return false;
  return isStreamStart(data, offset) || isMultifdMagic(data, offset);
}

/** A followed connection in its table: chained by the hash of addresses and ports. */
interface Followed {
  readonly hash: number;
  readonly ports: number;
  readonly source: number;
  readonly destination: number;
  /** Both addresses, if they are IPv6. */
  readonly addresses: Uint8Array | null;
  readonly connection: TcpConnection;
  next: Followed | null;
}

/** A migration that was found. */
interface Observed {
  /** 1, 2, 3... */
  readonly id: number;
  readonly key: string;
  readonly sink: PageSink | null;
  /** Null when it is over: then `record` says what it was. */
  migration: Migration | null;
  /** Null also if there was no main connection. */
  record: MigrationRecord | null;
}

/** Finds migrations in rows, and reads them. A RowSink (analysis/frame-walk.ts). */
export class MigrationObserver {
  /** Of the migrations that `finish` returned, in their order; null where there is none. */
  readonly sinksOfRecords: (PageSink | null)[] = [];
  private readonly createSink: () => PageSink | null;
  private readonly ports: ReadonlySet<number>;
  private readonly reassembly = new ReassemblyBudget(REASSEMBLY_BYTES);
  private readonly pages = new PageBudget(TRACKED_PAGES);
  private readonly table = new Map<number, Followed>();
  private followedCount = 0;
  /** Oldest first. */
  private undecided: Followed[] = [];
  private recent: Followed | null = null;
  /** All that were ever followed and accepted, in the order in which they began. */
  private accepted: TcpConnection[] = [];
  private migrations: Observed[] = [];
  private migrationsBegun = 0;
  private baseSeconds = -1;
  private data: Uint8Array = new Uint8Array(0);
  private view: DataView = new DataView(this.data.buffer);

  constructor(options: MigrationObserverOptions = {}) {
    this.createSink = options.createSink ?? (() => options.sink ?? null);
    this.ports = new Set(options.ports ?? []);
  }

  /** Rows `from` to `to` of the batch, in the order of the capture. Nothing of the batch is kept. */
  add(batch: PacketBatch, from: number, to: number): void {
    const { flags, payloadLength, transportOffset } = batch;
    if (batch.block.data !== this.data) this.attach(batch);
    for (let row = from; row < to; row++) {
      const rowFlags = flags[row]!;
      if ((rowFlags & DECAPSULATED_OR_TCP) !== PacketFlag.tcp || transportOffset[row] === NONE) continue;
      if ((rowFlags & PacketFlag.tcpSyn) !== 0) this.addSyn(batch, row);
      const length = payloadLength[row]!;
      if (length > 0 && length < NONE) this.addSegment(batch, row, rowFlags, length);
    }
  }

  /** Call when there are no more rows. @returns the migrations in the order in which they began */
  finish(): MigrationRecord[] {
    for (const connection of this.accepted) connection.stream.finish();
    const records: MigrationRecord[] = [];
    for (const observed of this.migrations) {
      const record = observed.migration?.record(Math.max(0, this.baseSeconds)) ?? observed.record;
      if (record === null) continue;
      records.push(record);
      this.sinksOfRecords.push(observed.sink);
    }
    return records;
  }

  /** How far migrations have got, those left out that `retire` took for over. Nothing ends by asking. */
  progress(): MigrationProgress[] {
    const baseSeconds = Math.max(0, this.baseSeconds);
    return this.migrations.flatMap(({ id, migration }) => {
      const progress = migration?.progress(baseSeconds) ?? null;
      return progress === null ? [] : [{ id, ...progress }];
    });
  }

  /** What migrations said that `retire` took for over. */
  get retired(): MigrationRecord[] {
    return this.migrations.flatMap(({ record }) => (record === null ? [] : [record]));
  }

  /**
   * Takes migrations for over of which nothing came for a while, and forgets all of them but their records: for captures that
   * go on for days. What may still come of them is not read.
   * @param nowNs nanoseconds since 1970, by the clock of the capture
   */
  retire(nowNs: bigint): void {
    if (this.baseSeconds < 0) return;
    const now = Number(nowNs - BigInt(this.baseSeconds) * 1_000_000_000n);
    for (const observed of this.migrations) {
      const { migration } = observed;
      if (migration === null) continue;
      const patienceNs = migration.isEnded ? ENDED_PATIENCE_NS : SILENT_PATIENCE_NS;
      if (now - migration.lastNs < patienceNs) continue;
      this.forget(new Set(migration.connections));
      observed.record = migration.record(this.baseSeconds);
      observed.migration = null;
    }
    const over = this.migrations.filter(({ migration }) => migration === null);
    const dropped = new Set(over.slice(0, Math.max(0, over.length - MAX_MIGRATIONS)));
    for (const observed of over) if (observed.record === null) dropped.add(observed);
    if (dropped.size > 0) this.migrations = this.migrations.filter((observed) => !dropped.has(observed));
  }

  private forget(connections: ReadonlySet<TcpConnection>): void {
    const followed: Followed[] = [];
    for (const first of this.table.values()) {
      for (let entry: Followed | null = first; entry !== null; entry = entry.next) {
        if (connections.has(entry.connection)) followed.push(entry);
      }
    }
    for (const entry of followed) this.unfollow(entry);
    this.accepted = this.accepted.filter((connection) => !connections.has(connection));
  }

  private attach(batch: PacketBatch): void {
    const { data } = batch.block;
    this.data = data;
    this.view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  }

  private addSegment(batch: PacketBatch, row: number, rowFlags: number, length: number): void {
    const { block } = batch;
    const payload = batch.payloadOffset[row]!;
    const captured = Math.max(0, Math.min(length, block.offset[row]! + block.capturedLength[row]! - payload));
    let followed = this.followedCount > 0 ? this.find(batch, row) : null;
    if (followed === null) {
      const isStart = captured >= 8 && startsMigration(this.data, payload, captured);
      const isTold =
        this.ports.size > 0 && this.ports.has(this.view.getUint16(batch.transportOffset[row]! + 2));
      if (!isStart && !isTold) return;
      followed = this.follow(batch, row, -1);
      if (followed === null) return;
      if (!isStart) this.beginInMiddle(followed.connection, this.timeOf(batch, row));
    }
    const { connection } = followed;
    const wasDecided = connection.isDecided;
    connection.packets[(rowFlags >>> PROTECTION_SHIFT) & 3]! += 1;
    const isSyn = (rowFlags & PacketFlag.tcpSyn) !== 0;
    // SYN takes one sequence number, data on it starts behind (RFC 7413).
    const sequence = this.view.getInt32(batch.transportOffset[row]! + 4) + (isSyn ? 1 : 0);
    connection.stream.add(sequence, this.data, payload, length, captured, this.timeOf(batch, row));
    if (!wasDecided && connection.isDecided) this.decide(followed);
  }

  private timeOf(batch: PacketBatch, row: number): number {
    const seconds = batch.block.timeSeconds[row]!;
    if (this.baseSeconds < 0) this.baseSeconds = seconds;
    return (seconds - this.baseSeconds) * 1e9 + batch.block.timeNanoseconds[row]!;
  }

  private addSyn(batch: PacketBatch, row: number): void {
    const syn = this.view.getUint32(batch.transportOffset[row]! + 4);
    const before = this.followedCount > 0 ? this.find(batch, row) : null;
    if (before !== null) {
      if (before.connection.syn === syn) return;
      this.unfollow(before);
    }
    this.follow(batch, row, syn);
  }

  private find(batch: PacketBatch, row: number): Followed | null {
    const { view } = this;
    const ip = batch.innerIpOffset[row]!;
    const isIpv6 = (batch.flags[row]! & PacketFlag.ipv6) !== 0;
    const ports = view.getInt32(batch.transportOffset[row]!);
    const source = view.getInt32(ip + (isIpv6 ? 20 : 12));
    const destination = view.getInt32(ip + (isIpv6 ? 36 : 16));
    const { recent } = this;
    if (recent !== null && this.matches(recent, ports, source, destination, isIpv6, ip)) return recent;
    const hash = hashOf(ports, source, destination);
    for (let entry = this.table.get(hash) ?? null; entry !== null; entry = entry.next) {
      if (!this.matches(entry, ports, source, destination, isIpv6, ip)) continue;
      this.recent = entry;
      return entry;
    }
    return null;
  }

  private matches(
    entry: Followed,
    ports: number,
    source: number,
    destination: number,
    isIpv6: boolean,
    ip: number,
  ): boolean {
    if (entry.ports !== ports || entry.source !== source || entry.destination !== destination) return false;
    const { addresses } = entry;
    if (addresses === null) return !isIpv6;
    if (!isIpv6) return false;
    for (let i = 0; i < 32; i++) if (addresses[i] !== this.data[ip + 8 + i]) return false;
    return true;
  }

  /** @returns null if too many connections are followed */
  private follow(batch: PacketBatch, row: number, syn: number): Followed | null {
    if (this.undecided.length >= MAX_UNDECIDED) this.unfollow(this.undecided[0]!);
    if (this.followedCount >= MAX_CONNECTIONS) return null;
    const { view, data } = this;
    const ip = batch.innerIpOffset[row]!;
    const transport = batch.transportOffset[row]!;
    const isIpv6 = (batch.flags[row]! & PacketFlag.ipv6) !== 0;
    const ports = view.getInt32(transport);
    const source = view.getInt32(ip + (isIpv6 ? 20 : 12));
    const destination = view.getInt32(ip + (isIpv6 ? 36 : 16));
    const hash = hashOf(ports, source, destination);
    const endpoints: Endpoints = {
      source: isIpv6 ? ipv6Text(data, ip + 8) : ipv4Text(data, ip + 12),
      destination: isIpv6 ? ipv6Text(data, ip + 24) : ipv4Text(data, ip + 16),
      sourcePort: view.getUint16(transport),
      destinationPort: view.getUint16(transport + 2),
    };
    const followed: Followed = {
      hash,
      ports,
      source,
      destination,
      addresses: isIpv6 ? data.slice(ip + 8, ip + 40) : null,
      connection: new TcpConnection(endpoints, syn, this.reassembly, this.recognise),
      next: this.table.get(hash) ?? null,
    };
    this.table.set(hash, followed);
    this.followedCount += 1;
    this.undecided.push(followed);
    return followed;
  }

  /** The connection will get no more rows; what it has said stays. */
  private unfollow(followed: Followed): void {
    followed.connection.stream.finish();
    if (this.recent === followed) this.recent = null;
    this.undecided = this.undecided.filter((other) => other !== followed);
    this.followedCount -= 1;
    const first = this.table.get(followed.hash);
    if (first === followed) {
      if (followed.next === null) this.table.delete(followed.hash);
      else this.table.set(followed.hash, followed.next);
      return;
    }
    for (let entry = first ?? null; entry !== null; entry = entry.next) {
      if (entry.next !== followed) continue;
      entry.next = followed.next;
      return;
    }
  }

  private decide(followed: Followed): void {
    if (followed.connection.isRejected) {
      this.unfollow(followed);
      return;
    }
    this.undecided = this.undecided.filter((other) => other !== followed);
    this.accepted.push(followed.connection);
  }

  private readonly recognise = (
    connection: TcpConnection,
    head: Uint8Array,
    timeNs: number,
  ): StreamConsumer | null => {
    const isMain = isStreamStart(head, 0);
    if (!isMain && !isMultifdMagic(head, 0))
      return this.openMigration(connection)?.addPostcopy(connection, head, timeNs) ?? null;
    const migration = this.migrationFor(connection, isMain, timeNs);
    if (migration === null) return null;
    return isMain ? migration.addMain(connection, timeNs) : migration.addChannel(connection, timeNs);
  };

  private beginInMiddle(connection: TcpConnection, timeNs: number): void {
    const migration = this.migrationFor(connection, true, timeNs);
    if (migration === null) {
      connection.isRejected = true;
      return;
    }
    const stream = migration.addMain(connection, timeNs);
    stream.beginInMiddle();
    connection.accept(stream);
    this.accepted.push(connection);
    this.undecided = this.undecided.filter((other) => other.connection !== connection);
  }

  /** The migration that a connection belongs to: one under way which still lacks it, or a new one. */
  private migrationFor(connection: TcpConnection, isMain: boolean, timeNs: number): Migration | null {
    const latest = this.latestMigration(connection);
    if (latest !== null) {
      const lacksIt = isMain ? !latest.hasMain : !latest.isEnded && latest.canTakeChannel;
      if (lacksIt) return latest;
    }
    const underWay = this.migrations.reduce((count, one) => count + (one.migration === null ? 0 : 1), 0);
    if (underWay >= MAX_MIGRATIONS) return null;
    const sink = this.createSink();
    const migration = new Migration(this.pages, sink, timeNs);
    this.migrationsBegun += 1;
    const key = keyOf(connection.endpoints);
    this.migrations.push({ id: this.migrationsBegun, key, sink, migration, record: null });
    return migration;
  }

  private openMigration(connection: TcpConnection): Migration | null {
    const latest = this.latestMigration(connection);
    return latest === null || latest.isEnded ? null : latest;
  }

  /** Between the same hosts, to the same port. */
  private latestMigration(connection: TcpConnection): Migration | null {
    const key = keyOf(connection.endpoints);
    for (let i = this.migrations.length - 1; i >= 0; i--) {
      if (this.migrations[i]!.key === key) return this.migrations[i]!.migration;
    }
    return null;
  }
}

function keyOf({ source, destination, destinationPort }: Endpoints): string {
  return `${source} ${destination} ${destinationPort}`;
}

function hashOf(ports: number, source: number, destination: number): number {
  return (
    Math.imul(ports ^ Math.imul(source, 0x9e37_79b1) ^ Math.imul(destination, 0x85eb_ca6b), 0xc2b2_ae35) | 0
  );
}
