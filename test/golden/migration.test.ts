import assert from 'node:assert/strict';
import { createHash, type Hash } from 'node:crypto';
import { test } from 'node:test';
import type { MigrationIteration, MigrationRecord } from '../../src/migration/migration-record.js';
import type { PageSink } from '../../src/migration/page-sink.js';
import { ReassemblyBudget } from '../../src/migration/reassembly-budget.js';
import { TcpStream } from '../../src/migration/tcp-stream.js';
import { NONE, type PacketBatch, PacketFlag } from '../../src/packet/packet-batch.js';
import { expectedStreams, qemuReport, readMigrations, walkCapture } from './migration-captures.js';

/** Captures with what protected them. */
const CAPTURES = [
  { capture: 'captures/migration/m-clear-idle.pcap.gz', transport: 'clear' },
  { capture: 'captures/migration/m-clear-multifd.pcap.gz', transport: 'clear' },
  { capture: 'captures/migration/ms-clear-1500.pcap.gz', transport: 'clear' },
  { capture: 'captures/migration/ms-clear-40mbit.pcap.gz', transport: 'clear' },
  { capture: 'captures/migration/ms-ahesp-1500.pcap', transport: 'ahEsp' },
  { capture: 'captures/migration/ms-gcm-1500.pcap', transport: 'esp' },
] as const;

/** Type and id; EOS; 0x7e and id. */
const SECTION_HEADER_BYTES = 5;
const EOS_BYTES = 8;
const FOOTER_BYTES = 5;
const SECTION_FRAMING_BYTES = SECTION_HEADER_BYTES + EOS_BYTES + FOOTER_BYTES;
const NORMAL_PAGE_BYTES = 8 + 4096;
const ZERO_PAGE_BYTES = 9;
const MULTIFD_INITIAL_BYTES = 64;
const MULTIFD_HEADER_BYTES = 320 + 8 * 128;

const PLANTED = Buffer.from('root password: correct-horse-battery-staple');

async function onlyMigration(capture: string, keyed: boolean, sink: PageSink | null = null) {
  const records = await readMigrations(capture, keyed, sink);
  assert.equal(records.length, 1);
  return records[0]!;
}

function sum(iterations: readonly MigrationIteration[], pick: (i: MigrationIteration) => number): number {
  return iterations.reduce((total, iteration) => total + pick(iteration), 0);
}

function stagesOf(record: MigrationRecord, stage: MigrationIteration['stage']): MigrationIteration[] {
  return record.iterations.filter((iteration) => iteration.stage === stage);
}

for (const { capture, transport } of CAPTURES) {
  const keyed = transport !== 'clear';
  const { final } = qemuReport(capture);
  const { ram } = final;

  test(`${capture}: pages and RAM bytes are those QEMU reported`, async () => {
    const record = await onlyMigration(capture, keyed);
    assert.equal(record.machine, 'pc-i440fx-7.2');
    assert.equal(record.transport, transport);
    assert.equal(record.complete, true);
    assert.deepEqual(record.gaps, { count: 0, bytes: 0, lost: 0, resynchronised: 0 });
    assert.equal(record.normalPages - record.repeatedPages, ram['normal']);
    assert.equal(record.zeroPages, ram['duplicate']);
    assert.equal(record.ramBytes, ram['transferred']);
    assert.equal(record.pageBytes, ram['page-size']);
    assert.equal(
      record.blocks.reduce((total, { bytes }) => total + bytes, 0),
      ram['total'],
    );
  });

  test(`${capture}: streams are as long as tshark's, and every byte belongs to one stage`, async () => {
    const record = await onlyMigration(capture, keyed);
    const expected = new Map(expectedStreams(capture).map((stream) => [stream.source, stream.bytes]));
    assert.equal(record.connections.length, expected.size);
    for (const { source, sourcePort, streamBytes } of record.connections) {
      assert.equal(streamBytes, expected.get(`${source}:${sourcePort}`));
    }
    const { setup, deviceState, iterations } = record;
    const bytes = setup.bytes + deviceState.bytes + deviceState.descriptionBytes;
    assert.equal(bytes + sum(iterations, (i) => i.bytes), record.streamBytes);
    assert.equal(
      record.streamBytes,
      [...expected.values()].reduce((total, streamBytes) => total + streamBytes, 0),
    );
  });

  test(`${capture}: a pass over memory is one synchronisation, and two more come at the beginning and the end`, async () => {
    const record = await onlyMigration(capture, keyed);
    assert.equal(record.iterations.length + 1, ram['dirty-sync-count']);
    assert.deepEqual(
      record.iterations.map(({ index, stage }) => [index, stage]),
      record.iterations.map((_, i) => [i, i < record.iterations.length - 1 ? 'precopy' : 'stopAndCopy']),
    );
    assert.equal(
      sum(record.iterations, (i) => i.sections),
      record.ramSections,
    );
  });

  test(`${capture}: the description names the devices and sizes that footers gave`, async () => {
    const { deviceState } = await onlyMigration(capture, keyed);
    assert.equal(deviceState.agreesWithDescription, true);
    assert.equal(deviceState.devices.length, 31);
    const headers = deviceState.devices.reduce(
      (total, { name, bytes }) => total + 14 + name.length + bytes + 5,
      0,
    );
    assert.equal(headers + 1, deviceState.bytes);
  });

  test(`${capture}: sends of pages add up`, async () => {
    const record = await onlyMigration(capture, keyed);
    const { pagesBySends, iterations, dirtying } = record;
    const all = record.normalPages - record.repeatedPages + record.zeroPages;
    assert.equal(
      pagesBySends.reduce((total, pages, i) => total + pages * (i + 1), 0),
      all,
    );
    const distinct = pagesBySends.reduce((total, pages) => total + pages, 0);
    assert.equal(distinct * 4096, ram['total']);
    assert.equal(
      sum(iterations, (i) => i.resentPages),
      all - distinct,
    );
    assert.deepEqual(
      dirtying.intervals.map(({ pages }) => pages),
      iterations.slice(1).map(({ resentPages }) => resentPages),
    );
    assert.equal(
      dirtying.groups.reduce((total, { resends, pages }) => total + resends * pages, 0),
      all - distinct,
    );
    assert.equal(record.hotPages[0]!.sent, pagesBySends.length);
  });

  test(`${capture}: the planted text is found in the pages`, async () => {
    const sink = new PlantedCounter();
    await onlyMigration(capture, keyed, sink);
    const expected = expectedStreams(capture).reduce((total, { planted }) => total + planted, 0);
    // One more copy of the boot sector is in the state of the disk controller.
    assert.equal(sink.planted, expected - 1);
    const filledPages = ram['total']! > 32 << 20 ? 2048 : 1024;
    assert.equal(sink.filled.size, filledPages);
  });

  test(`${capture}: reassembly gives the very bytes that tshark gives`, async () => {
    const hashes = new StreamHashes();
    await walkCapture(capture, keyed, hashes);
    for (const { source, bytes, sha256 } of expectedStreams(capture)) {
      const stream = hashes.streams.get(source)!;
      stream.tcp.finish();
      assert.equal(stream.tcp.position, bytes);
      assert.equal(stream.hash.digest('hex'), sha256);
    }
  });

  test(`${capture}: the guest stood still at least as long as the stream shows`, async () => {
    const record = await onlyMigration(capture, keyed);
    const stop = stagesOf(record, 'stopAndCopy')[0]!;
    const downtimeNs = Number(record.endNs - stop.startNs);
    assert.ok(record.downtimeNs !== null && record.downtimeNs >= downtimeNs);
    // QEMU's own clock stops when the last byte is in the socket, which a slow link has yet to send.
    const slack = 100e6;
    assert.ok(Math.abs(record.downtimeNs - final.downtime! * 1e6) < slack);
  });
}

for (const { capture, transport } of CAPTURES.filter(({ capture }) => !capture.includes('multifd'))) {
  const { final, rounds } = qemuReport(capture);

  test(`${capture}: bytes before and after the guest was stopped follow from the sections`, async () => {
    const record = await onlyMigration(capture, transport !== 'clear');
    const precopy = stagesOf(record, 'precopy');
    const body = sum(precopy, (i) => i.bytes - (SECTION_HEADER_BYTES + FOOTER_BYTES) * i.sections);
    assert.equal(body, final.ram['precopy-bytes']);
    const stop = stagesOf(record, 'stopAndCopy');
    assert.equal(stop[0]!.bytes - SECTION_FRAMING_BYTES, final.ram['downtime-bytes']);
  });

  test(`${capture}: an iteration's bytes are its pages, names and sections`, async () => {
    const record = await onlyMigration(capture, transport !== 'clear');
    for (const { bytes, normalPages, zeroPages, nameBytes, sections } of record.iterations) {
      // A pass that begins within a section leaves its header to the pass before, and its EOS and footer to the next.
      const pages = normalPages * NORMAL_PAGE_BYTES + zeroPages * ZERO_PAGE_BYTES + nameBytes;
      assert.ok(Math.abs(bytes - pages - sections * SECTION_FRAMING_BYTES) < SECTION_FRAMING_BYTES);
    }
    const { iterations } = record;
    assert.equal(
      sum(iterations, (i) => i.bytes),
      record.normalPages * NORMAL_PAGE_BYTES +
        record.zeroPages * ZERO_PAGE_BYTES +
        sum(iterations, (i) => i.nameBytes) +
        record.ramSections * SECTION_FRAMING_BYTES,
    );
  });

  test(`${capture}: what QEMU said at each synchronisation lies on the stream`, async () => {
    const states = new PageStates();
    await onlyMigration(capture, transport !== 'clear', states);
    for (const { ram } of rounds) {
      assert.ok(
        states.has(ram['normal']!, ram['duplicate']!),
        `${ram['normal']} and ${ram['duplicate']} pages`,
      );
    }
  });
}

test('m-clear-multifd: packets of 1344 bytes, pages queued twice and initial messages make up what QEMU counts', async () => {
  const capture = 'captures/migration/m-clear-multifd.pcap.gz';
  const record = await onlyMigration(capture, false);
  const { ram } = qemuReport(capture).final;
  const channels = record.connections.filter(({ role }) => role === 'multifd');
  assert.deepEqual(channels.map(({ channel }) => channel).sort(), [0, 1, 2, 3]);
  const bytes = channels.reduce((total, { streamBytes }) => total + streamBytes, 0);
  assert.equal(bytes - MULTIFD_INITIAL_BYTES * channels.length, ram['multifd-bytes']);
  const packets = sum(record.iterations, (i) => i.multifdPackets);
  // One packet each synchronises setup.
  assert.equal(
    (packets + channels.length) * MULTIFD_HEADER_BYTES + record.normalPages * 4096,
    ram['multifd-bytes'],
  );
  assert.equal(record.repeatedPages, 4);
  const main = record.connections[0]!;
  const rest = record.setup.bytes - (MULTIFD_INITIAL_BYTES + MULTIFD_HEADER_BYTES) * channels.length;
  const ramOfMain = main.streamBytes - rest - record.deviceState.bytes - record.deviceState.descriptionBytes;
  assert.equal(
    ramOfMain - record.ramSections * (SECTION_HEADER_BYTES + FOOTER_BYTES) - EOS_BYTES,
    ram['precopy-bytes'],
  );
});

for (const { capture } of CAPTURES.filter(({ transport }) => transport !== 'clear')) {
  test(`${capture}: without keys there is no migration to be seen`, async () => {
    const sink = new PlantedCounter();
    assert.deepEqual(await readMigrations(capture, false, sink), []);
    assert.equal(sink.planted, 0);
  });
}

/** Finds the planted text in pages. */
class PlantedCounter implements PageSink {
  planted = 0;
  /** Pages of main memory from 1 MiB on, where the guest fills it. */
  readonly filled = new Set<number>();
  /** Begun pages: channels take turns. */
  private readonly pages = new Map<string, Buffer>();

  content(block: string, offset: number, data: Uint8Array, from: number, length: number, at: number): void {
    const key = `${block} ${offset}`;
    const page = this.pages.get(key) ?? Buffer.alloc(4096);
    this.pages.set(key, page);
    page.set(data.subarray(from, from + length), at);
    if (at + length < page.length) return;
    this.pages.delete(key);
    let found = page.indexOf(PLANTED);
    if (found >= 0 && block === 'pc.ram' && offset >= 1 << 20) this.filled.add(offset);
    for (; found >= 0; found = page.indexOf(PLANTED, found + 1)) this.planted += 1;
  }

  fill(): void {}
}

/** Numbers of normal and zero pages that the stream ran through. */
class PageStates implements PageSink {
  private normal = 0;
  private zero = 0;
  private readonly states = new Set(['0 0']);

  has(normal: number, zero: number): boolean {
    return this.states.has(`${normal} ${zero}`);
  }

  content(
    _block: string,
    _offset: number,
    _data: Uint8Array,
    _from: number,
    _length: number,
    at: number,
  ): void {
    if (at > 0) return;
    this.normal += 1;
    this.states.add(`${this.normal} ${this.zero}`);
  }

  fill(): void {
    this.zero += 1;
    this.states.add(`${this.normal} ${this.zero}`);
  }
}

/** Hashes every TCP stream of a capture. */
class StreamHashes {
  readonly streams = new Map<string, { tcp: TcpStream; hash: Hash }>();
  private readonly budget = new ReassemblyBudget(64 << 20);

  add(batch: PacketBatch, from: number, to: number): void {
    for (let row = from; row < to; row++) this.addRow(batch, row);
  }

  private addRow(batch: PacketBatch, row: number): void {
    const { block } = batch;
    const transport = batch.transportOffset[row]!;
    if ((batch.flags[row]! & PacketFlag.tcp) === 0 || transport === NONE || batch.payloadLength[row] === 0)
      return;
    const { data } = block;
    const ip = batch.innerIpOffset[row]!;
    const view = new DataView(data.buffer, data.byteOffset);
    const source = `${data.subarray(ip + 12, ip + 16).join('.')}:${view.getUint16(transport)}`;
    let stream = this.streams.get(source);
    if (stream === undefined) {
      const hash = createHash('sha256');
      const tcp = new TcpStream(
        {
          data: (bytes, offset, length) => hash.update(bytes.subarray(offset, offset + length)),
          gap: () => assert.fail('the captures are whole'),
        },
        this.budget,
      );
      stream = { tcp, hash };
      this.streams.set(source, stream);
    }
    const length = batch.payloadLength[row]!;
    stream.tcp.add(view.getUint32(transport + 4), data, batch.payloadOffset[row]!, length, length, 0);
  }
}
