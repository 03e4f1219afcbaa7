import type { MigrationRecord } from '../migration/migration-record.js';
import type { MemoryExposure } from './exposure.js';
import { type GuestMemory, PageState } from './guest-memory.js';
import { findKeyMaterial, KEY_MATERIAL, type KeyMaterialId, MATERIAL_REACH } from './key-material.js';
import { MemoryCells } from './memory-cells.js';
import { pageKind } from './page-kind.js';
import type { PlantedSecret } from './planted-secrets.js';
import { forEachRun } from './printable-runs.js';
import { noHits, type SecretHits, searchBytes } from './secret-search.js';
import { StringSample } from './string-sample.js';

const MATERIAL_SAMPLES = 5;

export interface ScannedMemory {
  readonly exposure: MemoryExposure;
  /** By secret. Positions of the first hits count through all blocks. */
  readonly hits: SecretHits;
  /** Where blocks begin in these positions. */
  readonly blockStarts: readonly { readonly block: string; readonly start: number }[];
}

/** Looks through a guest's memory once, from its first byte to its last. */
export function scanMemory(
  memory: GuestMemory,
  record: MigrationRecord,
  secrets: readonly PlantedSecret[],
): ScannedMemory {
  const scan = new MemoryScan(memory, secrets);
  const declared = new Map(record.blocks.map(({ name, bytes }) => [name, bytes]));
  const names = new Set([...declared.keys(), ...memory.blocks.keys()]);
  const isDeclared = record.blocks.length > 0 && record.blocks.every(({ bytes }) => bytes > 0);
  for (const name of names) scan.addBlock(name, declared.get(name) ?? 0);
  const { source = '', destination = '' } = record.connections[0] ?? {};
  return {
    hits: scan.hits,
    blockStarts: scan.blockStarts,
    exposure: {
      machine: record.machine,
      transport: record.transport,
      source,
      destination,
      complete: record.complete && !memory.isPartial,
      pageBytes: memory.pageBytes,
      memoryBytes: scan.memoryBytes,
      isDeclared,
      iterations: record.iterations.length,
      ...scan.summary(),
    },
  };
}

class MemoryScan {
  readonly hits: SecretHits;
  readonly blockStarts: { block: string; start: number }[] = [];
  memoryBytes = 0;
  private readonly memory: GuestMemory;
  private readonly secrets: readonly PlantedSecret[];
  private readonly blocks: { name: string; bytes: number; knownBytes: number }[] = [];
  /** Of the largest block up to now: a stream may declare many that are as large as they like. */
  private largest: { name: string; bytes: number; cells: MemoryCells } | null = null;
  private readonly pages: MemoryExposure['pages'] = {
    unseen: 0,
    unread: 0,
    zero: 0,
    text: 0,
    code: 0,
    random: 0,
    data: 0,
  };
  private partialPages = 0;
  private readonly strings = new StringSample();
  private readonly material = new Map<KeyMaterialId, { count: number; samples: Set<string> }>();
  /** End of the chunk before, and where it begins. */
  private carry: Uint8Array = new Uint8Array(0);
  private carryAt = 0;

  constructor(memory: GuestMemory, secrets: readonly PlantedSecret[]) {
    this.memory = memory;
    this.secrets = secrets;
    this.hits = noHits(secrets);
  }

  /** @param bytes that the stream declared; 0: it did not */
  addBlock(name: string, bytes: number): void {
    const { memory } = this;
    const { pageBytes } = memory;
    const seenPages = memory.pageCount(name);
    const pageCount = bytes > 0 ? Math.ceil(bytes / pageBytes) : seenPages;
    const start = this.memoryBytes;
    this.blockStarts.push({ block: name, start });
    this.memoryBytes += pageCount * pageBytes;
    const cells = new MemoryCells(pageCount);
    memory.forEachChunk(name, (firstPage, chunk) => {
      this.addChunk(name, firstPage, chunk, start + firstPage * pageBytes, cells);
    });
    this.flush();
    const { knownBytes, seen } = this.countOthers(name, cells);
    this.pages.unseen += pageCount - seen;
    const size = pageCount * pageBytes;
    this.blocks.push({ name, bytes: size, knownBytes });
    if (size > (this.largest?.bytes ?? -1)) this.largest = { name, bytes: size, cells };
  }

  summary(): Pick<
    MemoryExposure,
    'knownBytes' | 'blocks' | 'pages' | 'partialPages' | 'strings' | 'keyMaterial' | 'picture'
  > {
    const { blocks, pages, partialPages } = this;
    const largest = this.largest!;
    return {
      knownBytes: blocks.reduce((sum, { knownBytes }) => sum + knownBytes, 0),
      blocks: [...blocks],
      pages,
      partialPages,
      strings: this.strings.summary(),
      keyMaterial: KEY_MATERIAL.flatMap(({ id }) => {
        const found = this.material.get(id);
        return found === undefined ? [] : [{ id, count: found.count, samples: [...found.samples] }];
      }),
      picture: { block: largest.name, ...largest.cells.picture() },
    };
  }

  private addChunk(
    block: string,
    firstPage: number,
    chunk: Uint8Array,
    position: number,
    cells: MemoryCells,
  ): void {
    const { memory } = this;
    const { pageBytes } = memory;
    for (let at = 0; at < chunk.length; at += pageBytes) {
      const page = firstPage + at / pageBytes;
      const state = memory.stateOf(block, page);
      if (state !== PageState.whole && state !== PageState.partial) continue;
      const kind = pageKind(chunk, at, at + pageBytes);
      this.pages[kind] += 1;
      cells.add(page, kind);
    }
    forEachRun(chunk, 0, chunk.length, (from, to) => this.strings.add(chunk, from, to));
    this.search(chunk, position);
  }

  /** What begins at the end of a chunk may reach into the next: it is looked at together with that. */
  private search(chunk: Uint8Array, position: number): void {
    if (this.carryAt + this.carry.length !== position) this.flush();
    const before = this.carry.length;
    const window = new Uint8Array(before + chunk.length);
    window.set(this.carry);
    window.set(chunk, before);
    const to = window.length - MATERIAL_REACH;
    this.searchWindow(window, to, position - before);
    this.carry = window.slice(to);
    this.carryAt = position - before + to;
  }

  private flush(): void {
    this.searchWindow(this.carry, this.carry.length, this.carryAt);
    this.carry = new Uint8Array(0);
  }

  private searchWindow(window: Uint8Array, to: number, position: number): void {
    searchBytes(this.secrets, window, 0, to, window.length, position, this.hits);
    findKeyMaterial(window, 0, to, window.length, position, ({ id, text }) => {
      let found = this.material.get(id);
      if (found === undefined) {
        found = { count: 0, samples: new Set() };
        this.material.set(id, found);
      }
      found.count += 1;
      if (found.samples.size < MATERIAL_SAMPLES) found.samples.add(text);
    });
  }

  /** Pages without content of their own. @returns what is known of all pages, and how many were seen */
  private countOthers(block: string, cells: MemoryCells): { knownBytes: number; seen: number } {
    const { pages } = this;
    let knownBytes = 0;
    let seen = 0;
    this.memory.forEachPage(block, (page, state, known) => {
      seen += 1;
      knownBytes += known;
      if (state === PageState.partial) this.partialPages += 1;
      const other = OTHER_KINDS[state];
      if (other === undefined) return;
      pages[other] += 1;
      cells.add(page, other);
    });
    return { knownBytes, seen };
  }
}

const OTHER_KINDS: Readonly<Record<number, 'zero' | 'unread'>> = {
  [PageState.zero]: 'zero',
  [PageState.unread]: 'unread',
};
