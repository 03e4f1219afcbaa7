import { NOT_WIRE } from '../analysis/packet-class.js';
import type { MigrationTransport } from '../migration/migration-record.js';
import { NONE, type PacketBatch, PacketFlag } from '../packet/packet-batch.js';
import { OpenEspTest } from './open-esp.js';
import type { PlantedSecret } from './planted-secrets.js';
import { Randomness, type RandomnessSummary } from './randomness.js';
import { noHits, SeamSearch, type SecretHits, searchBytes } from './secret-search.js';
import { type TrafficPattern, TrafficWatch } from './traffic-pattern.js';

const ESP = 50;
const ESP_HEADER_BYTES = 8;
/**
 * At the beginning of what is behind the ESP header there may be an IV: 8 or 16 bytes. That of GCM is a counter, which is no secret and not
 * random; it is left out, whatever the suite is.
 */
const MAX_IV_BYTES = 16;
/** Protection classes by the flags of AH and ESP, which stand side by side. */
const PROTECTION_SHIFT = 6;
const TRANSPORTS = ['clear', 'ah', 'esp', 'ahEsp'] as const satisfies readonly MigrationTransport[];

/** Looks at packets as they are on the wire, decrypting nothing. A RowSink (analysis/frame-walk.ts). */
export class WireWatch {
  /** Within frames and datagrams. Positions of first hits are numbers of frames, from 1. */
  readonly hits: SecretHits;
  /** Of one frame. */
  private readonly found: SecretHits;
  private readonly secrets: readonly PlantedSecret[];
  private readonly seams: SeamSearch;
  private readonly payloads = TRANSPORTS.map(() => new Randomness());
  private readonly traffic = new TrafficWatch();
  private readonly openEsp = new OpenEspTest();
  private frames = 0;

  constructor(secrets: readonly PlantedSecret[]) {
    this.secrets = secrets;
    this.hits = noHits(secrets);
    this.found = noHits(secrets);
    this.seams = new SeamSearch(secrets);
  }

  /** Across the seams of packets of one flow or SA. */
  get seamHits(): SecretHits {
    return this.seams.hits;
  }

  add(batch: PacketBatch, from: number, to: number): void {
    for (let row = from; row < to; row++) {
      const flags = batch.flags[row]!;
      const isFrame = (flags & PacketFlag.reassembled) === 0;
      if (isFrame) this.frames += 1;
      if ((flags & NOT_WIRE) !== 0) continue;
      this.search(batch, row);
      if ((flags & PacketFlag.fragment) === 0) this.addContent(batch, row);
    }
  }

  /** Of ESP that encrypts nothing, if that is what was seen: bytes of its ICV. */
  get openIcvBytes(): number | null {
    return this.openEsp.icvBytes;
  }

  payloadSummaries(): Partial<Record<MigrationTransport, RandomnessSummary>> {
    const summaries: Partial<Record<MigrationTransport, RandomnessSummary>> = {};
    TRANSPORTS.forEach((name, i) => {
      const summary = this.payloads[i]!.summary();
      if (summary !== null) summaries[name] = summary;
    });
    return summaries;
  }

  trafficPattern(): TrafficPattern | null {
    return this.traffic.summary();
  }

  private search(batch: PacketBatch, row: number): void {
    if (this.secrets.length === 0) return;
    const { block } = batch;
    const start = block.offset[row]!;
    const end = start + block.capturedLength[row]!;
    const { counts } = this.found;
    counts.fill(0);
    searchBytes(this.secrets, block.data, start, end, end, 0, this.found);
    for (let secret = 0; secret < counts.length; secret++) {
      if (counts[secret] === 0) continue;
      this.hits.counts[secret]! += counts[secret]!;
      if (this.hits.first[secret]! < 0) this.hits.first[secret] = this.frames;
    }
  }

  private addContent(batch: PacketBatch, row: number): void {
    const { block, security } = batch;
    const captureEnd = block.offset[row]! + block.capturedLength[row]!;
    const last = batch.securityStart[row + 1]! - 1;
    const isClosed =
      last >= batch.securityStart[row]! && security.protocol[last] === ESP && security.opened[last] === 0;
    let start: number;
    let end: number;
    let stream: string;
    if (isClosed) {
      start = security.offset[last]! + ESP_HEADER_BYTES;
      end = security.end[last]!;
      stream = `esp ${security.spi[last]}`;
    } else {
      start = batch.payloadOffset[row]!;
      if (start === NONE || batch.transportOffset[row] === NONE) return;
      end = start + batch.payloadLength[row]!;
      stream = this.flowOf(batch, row);
    }
    const closedBytes = Math.max(0, end - start);
    if (batch.ipOffset[row] !== NONE) this.traffic.add(batch, row, closedBytes);
    const to = Math.min(end, captureEnd);
    if (isClosed && end <= captureEnd) this.openEsp.add(block.data, start, end);
    this.seams.add(stream, block.data, start, to, this.frames);
    const kind = (batch.flags[row]! >> PROTECTION_SHIFT) & 3;
    this.payloads[kind]!.add(block.data, isClosed ? start + MAX_IV_BYTES : start, to);
  }

  /** Addresses and ports, as bytes. */
  private flowOf(batch: PacketBatch, row: number): string {
    const { data } = batch.block;
    const ip = batch.innerIpOffset[row]!;
    const transport = batch.transportOffset[row]!;
    const isIpv6 = (batch.flags[row]! & PacketFlag.ipv6) !== 0;
    const [at, bytes] = isIpv6 ? [ip + 8, 32] : [ip + 12, 8];
    const slice = (from: number, length: number) =>
      Buffer.from(data.buffer, data.byteOffset + from, length).toString('latin1');
    return slice(at, bytes) + slice(transport, 4);
  }
}
