/** What a stretch of a stream belongs to. */
export const Stage = {
  setup: 0,
  precopy: 1,
  stopAndCopy: 2,
  postcopy: 3,
  device: 4,
  description: 5,
} as const;

/** How a page was sent. */
export const PageKind = { normal: 0, zero: 1, xbzrle: 2, compressed: 3 } as const;

/** A stretch of one stream: a RAM section, or the part of one that belongs to one pass, or all of another stage. */
export interface StagePiece {
  stage: number;
  /** Passes over memory, counted from 0. */
  pass: number;
  /** Synchronisations with the multifd channels before it. */
  epoch: number;
  startNs: number;
  endNs: number;
  /** Stream position at which it began. */
  position: number;
  bytes: number;
  normalPages: number;
  zeroPages: number;
  xbzrlePages: number;
  compressedPages: number;
  /** Pages that had been sent before; the next two are parts of them. */
  resentPages: number;
  /** Last sent in the pass before. */
  resentFromPrevious: number;
  /** Last sent in the same pass: it was cut by stop-and-copy. */
  resentFromSame: number;
  /** RAM sections that begin in it. */
  sections: number;
  /** Bytes of block names with their length bytes. */
  nameBytes: number;
  /** Packets of multifd channels, those that only synchronise included. */
  packets: number;
  /** Pages that QEMU queued a second time by mistake. */
  repeatedPages: number;
}

/** Greatest number of pieces kept: 50 ms a section make an hour. What comes after is added to the last one. */
const MAX_PIECES = 1 << 16;

/** Pieces of one stream in its order. They adjoin: their bytes add up to the stream's. */
export class StageLog {
  readonly pieces: StagePiece[] = [];
  current: StagePiece;

  /** @param timeNs of the first byte */
  constructor(timeNs: number) {
    this.current = createPiece(Stage.setup, 0, 0, 0, timeNs);
    this.pieces.push(this.current);
  }

  /** Ends the current piece where a new one begins. */
  begin(stage: number, pass: number, epoch: number, position: number, timeNs: number): void {
    const { current } = this;
    this.settle(position, timeNs);
    if (this.pieces.length >= MAX_PIECES && stage === current.stage) return;
    this.current = createPiece(stage, pass, epoch, position, timeNs);
    this.pieces.push(this.current);
  }

  /** Counts the current piece's bytes up to `position`. */
  settle(position: number, timeNs: number): void {
    const { current } = this;
    current.bytes = position - current.position;
    current.endNs = timeNs;
  }
}

export function createPiece(
  stage: number,
  pass: number,
  epoch: number,
  position: number,
  timeNs: number,
): StagePiece {
  return {
    stage,
    pass,
    epoch,
    startNs: timeNs,
    endNs: timeNs,
    position,
    bytes: 0,
    normalPages: 0,
    zeroPages: 0,
    xbzrlePages: 0,
    compressedPages: 0,
    resentPages: 0,
    resentFromPrevious: 0,
    resentFromSame: 0,
    sections: 0,
    nameBytes: 0,
    packets: 0,
    repeatedPages: 0,
  };
}

/** Counts a page in a piece. @param lastPass pass in which it was sent last; -1: never */
export function countPage(piece: StagePiece, kind: number, lastPass: number): void {
  if (kind === PageKind.normal) piece.normalPages += 1;
  else if (kind === PageKind.zero) piece.zeroPages += 1;
  else if (kind === PageKind.xbzrle) piece.xbzrlePages += 1;
  else piece.compressedPages += 1;
  if (lastPass < 0) return;
  piece.resentPages += 1;
  if (lastPass === piece.pass - 1) piece.resentFromPrevious += 1;
  else if (lastPass === piece.pass) piece.resentFromSame += 1;
}
