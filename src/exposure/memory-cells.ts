import type { MemoryPicture } from './exposure.js';
import type { PageKindName } from './page-kind.js';

/** Cells of a picture: a square of 128 by 128. */
const MAX_CELLS = 1 << 14;

type CellKind = PageKindName | 'unseen' | 'unread';

const LETTERS = ['.', '?', 'z', 't', 'c', 'r', 'd'] as const;
const INDEX: Readonly<Record<CellKind, number>> = {
  unseen: 0,
  unread: 1,
  zero: 2,
  text: 3,
  code: 4,
  random: 5,
  data: 6,
};

/** Pages of a block by what they hold, a cell for one page or for several. Of pages that are not added nothing was seen. */
export class MemoryCells {
  private readonly pagesPerCell: number;
  private readonly cellCount: number;
  private readonly pageCount: number;
  private readonly counts: Float64Array;

  constructor(pageCount: number) {
    this.pageCount = pageCount;
    this.pagesPerCell = Math.max(1, Math.ceil(pageCount / MAX_CELLS));
    this.cellCount = Math.ceil(pageCount / this.pagesPerCell);
    this.counts = new Float64Array(this.cellCount * LETTERS.length);
  }

  add(page: number, kind: Exclude<CellKind, 'unseen'>): void {
    const cell = Math.floor(page / this.pagesPerCell);
    if (cell < this.cellCount) this.counts[cell * LETTERS.length + INDEX[kind]]! += 1;
  }

  picture(): Omit<MemoryPicture, 'block'> {
    const { pagesPerCell, cellCount, counts } = this;
    let cells = '';
    for (let cell = 0; cell < cellCount; cell++) {
      const ofCell = counts.subarray(cell * LETTERS.length, (cell + 1) * LETTERS.length);
      const pages = Math.min(pagesPerCell, this.pageCount - cell * pagesPerCell);
      ofCell[INDEX.unseen] = pages - ofCell.subarray(1).reduce((sum, count) => sum + count, 0);
      let most = 0;
      for (let kind = 1; kind < ofCell.length; kind++) if (ofCell[kind]! > ofCell[most]!) most = kind;
      cells += LETTERS[most];
    }
    return { pagesPerCell, cells };
  }
}
