import { type PageBudget, PageSends } from './page-sends.js';

/** Most blocks of one guest; more than a real one has by far. */
const MAX_BLOCKS = 1024;

/** One of the guest's memory blocks: main memory, ROM, video memory. */
export class RamBlock {
  readonly name: string;
  /** As they came: names are compared as bytes. */
  readonly nameBytes: Uint8Array;
  /** Place in the scan's order. */
  readonly index: number;
  /** Infinity if the list of blocks was not seen. */
  readonly bytes: number;
  readonly sends: PageSends;

  constructor(nameBytes: Uint8Array, index: number, bytes: number, budget: PageBudget) {
    this.nameBytes = nameBytes;
    this.name = Buffer.from(nameBytes).toString('latin1');
    this.index = index;
    this.bytes = bytes;
    this.sends = new PageSends(budget);
  }
}

/** The blocks of one migration, in the order in which QEMU scans them. */
export class RamBlocks {
  readonly list: RamBlock[] = [];
  /** Of the target, as the stream's configuration says; 4096 if it does not. */
  pageBytes = 4096;
  /** The setup section named all blocks: others do not exist. */
  isListed = false;
  private readonly budget: PageBudget;
  private recent: RamBlock | null = null;

  constructor(budget: PageBudget) {
    this.budget = budget;
  }

  /** A block of the setup section's list. @returns false if there are too many */
  declare(data: Uint8Array, at: number, length: number, bytes: number): boolean {
    return this.create(data, at, length, bytes) !== null;
  }

  /** @returns the block of that name; null if there is none. Without a list blocks come into being when they are named. */
  find(data: Uint8Array, at: number, length: number): RamBlock | null {
    if (this.recent !== null && hasName(this.recent, data, at, length)) return this.recent;
    for (const block of this.list) {
      if (!hasName(block, data, at, length)) continue;
      this.recent = block;
      return block;
    }
    return this.isListed ? null : this.create(data, at, length, Number.POSITIVE_INFINITY);
  }

  /** The block that pages belong to whose block's name was not captured. */
  get nameless(): RamBlock | null {
    return this.find(new Uint8Array(0), 0, 0) ?? this.largest;
  }

  get largest(): RamBlock | null {
    let largest: RamBlock | null = null;
    for (const block of this.list) if (largest === null || block.bytes > largest.bytes) largest = block;
    return largest;
  }

  /** Of all blocks; 0 if their list was not seen. */
  get totalBytes(): number {
    const bytes = this.list.reduce((total, block) => total + block.bytes, 0);
    return Number.isFinite(bytes) ? bytes : 0;
  }

  private create(data: Uint8Array, at: number, length: number, bytes: number): RamBlock | null {
    if (this.list.length >= MAX_BLOCKS) return null;
    const block = new RamBlock(data.slice(at, at + length), this.list.length, bytes, this.budget);
    this.list.push(block);
    return block;
  }
}

function hasName(block: RamBlock, data: Uint8Array, at: number, length: number): boolean {
  const { nameBytes } = block;
  if (nameBytes.length !== length) return false;
  for (let i = 0; i < length; i++) if (nameBytes[i] !== data[at + i]) return false;
  return true;
}
