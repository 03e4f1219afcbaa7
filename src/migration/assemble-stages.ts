import type { MigrationIteration } from './migration-record.js';
import { Stage, type StagePiece } from './stage-log.js';

/** An iteration with times relative to the capture's base. */
export interface IterationDraft extends Omit<MigrationIteration, 'startNs' | 'durationNs'> {
  startNs: number;
  endNs: number;
}

interface PlacedDraft extends IterationDraft {
  stageNumber: number;
  pass: number;
}

/** Where the guest was stopped, as the main connection tells. */
export interface StopMark {
  /** Synchronisations before the END section; -1: there was none. */
  epoch: number;
  /** Time of its header. */
  timeNs: number;
  /** Channels are synchronised once a pass only: the epoch does not tell what came behind the END section's header. */
  isWithinEpoch: boolean;
}

/** Bytes of everything that is no iteration. */
export interface Stages {
  iterations: IterationDraft[];
  setupBytes: number;
  deviceBytes: number;
  descriptionBytes: number;
  deviceNs: number;
}

const STAGE_NAMES: Readonly<Record<number, MigrationIteration['stage']>> = {
  [Stage.precopy]: 'precopy',
  [Stage.stopAndCopy]: 'stopAndCopy',
  [Stage.postcopy]: 'postcopy',
};

/**
 * Puts pieces together that belong to one pass over memory.
 *
 * Without multifd the main connection tells the passes. With it the channels' pages do, as the main connection has few
 * pages or none; what the main connection sent between two synchronisations then belongs to the pass that was under way.
 * @param channels pieces of all channels in the order of the scan; empty without multifd
 */
export function assembleStages(
  main: readonly StagePiece[],
  channels: readonly StagePiece[],
  stop: StopMark,
): Stages {
  const drafts = new Map<string, PlacedDraft>();
  const stages: Stages = { iterations: [], setupBytes: 0, deviceBytes: 0, descriptionBytes: 0, deviceNs: 0 };
  const withPages = channels.filter((piece) => pagesOf(piece) > 0);
  const stopPass = channels.reduce((pass, piece) => Math.max(pass, piece.pass), 0) + 1;
  let next = 0;
  let pass = 0;
  for (const piece of main) {
    while (next < withPages.length && withPages[next]!.epoch <= piece.epoch) {
      const isFirst = next === 0 || withPages[next - 1]!.epoch !== withPages[next]!.epoch;
      if (isFirst || withPages[next]!.epoch < piece.epoch) pass = withPages[next]!.pass;
      next += 1;
    }
    if (channels.length === 0) addMain(stages, drafts, piece, piece.pass);
    else addMain(stages, drafts, piece, piece.stage === Stage.stopAndCopy ? stopPass : pass);
  }
  for (const piece of channels) {
    if (isStopped(piece, stop)) addPiece(drafts, piece, Stage.stopAndCopy, stopPass);
    else if (piece.epoch > 0 || pagesOf(piece) > 0) addPiece(drafts, piece, Stage.precopy, piece.pass);
    else stages.setupBytes += piece.bytes;
  }
  stages.iterations = inOrder([...drafts.values()]);
  return stages;
}

/** Stages in the order in which a migration goes through them; each iteration lasts until the next one begins. */
function inOrder(drafts: PlacedDraft[]): IterationDraft[] {
  drafts.sort((a, b) => a.stageNumber - b.stageNumber || a.pass - b.pass);
  return drafts.map(({ stageNumber: _stage, pass: _pass, ...draft }, index) => {
    const before = drafts[index - 1];
    const startNs = Math.max(draft.startNs, before?.startNs ?? draft.startNs);
    drafts[index]!.startNs = startNs;
    const endNs = Math.max(startNs, drafts[index + 1]?.startNs ?? draft.endNs);
    return { ...draft, index, startNs, endNs };
  });
}

function isStopped(piece: StagePiece, stop: StopMark): boolean {
  if (stop.epoch < 0 || piece.epoch < stop.epoch) return false;
  return !stop.isWithinEpoch || piece.epoch > stop.epoch || piece.startNs >= stop.timeNs;
}

function addMain(stages: Stages, drafts: Map<string, PlacedDraft>, piece: StagePiece, pass: number): void {
  switch (piece.stage) {
    case Stage.setup:
      stages.setupBytes += piece.bytes;
      return;
    case Stage.device:
      stages.deviceBytes += piece.bytes;
      stages.deviceNs += piece.endNs - piece.startNs;
      return;
    case Stage.description:
      stages.descriptionBytes += piece.bytes;
      stages.deviceNs += piece.endNs - piece.startNs;
      return;
    default:
      addPiece(drafts, piece, piece.stage, pass);
  }
}

function addPiece(drafts: Map<string, PlacedDraft>, piece: StagePiece, stage: number, pass: number): void {
  const key = `${stage} ${pass}`;
  const draft = drafts.get(key) ?? createDraft(piece, stage, pass);
  drafts.set(key, draft);
  draft.startNs = Math.min(draft.startNs, piece.startNs);
  draft.endNs = Math.max(draft.endNs, piece.endNs);
  draft.normalPages += piece.normalPages;
  draft.zeroPages += piece.zeroPages;
  draft.xbzrlePages += piece.xbzrlePages;
  draft.compressedPages += piece.compressedPages;
  draft.resentPages += piece.resentPages;
  draft.resentFromPrevious += piece.resentFromPrevious;
  // What stop-and-copy sent again of a pass that was cut short.
  if (stage === Stage.stopAndCopy) draft.resentFromPrevious += piece.resentFromSame;
  draft.bytes += piece.bytes;
  draft.sections += piece.sections;
  draft.nameBytes += piece.nameBytes;
  draft.multifdPackets += piece.packets;
  draft.repeatedPages += piece.repeatedPages;
}

function createDraft(piece: StagePiece, stage: number, pass: number): PlacedDraft {
  return {
    stageNumber: stage,
    pass,
    index: 0,
    stage: STAGE_NAMES[stage] ?? 'precopy',
    startNs: piece.startNs,
    endNs: piece.endNs,
    normalPages: 0,
    zeroPages: 0,
    xbzrlePages: 0,
    compressedPages: 0,
    resentPages: 0,
    resentFromPrevious: 0,
    bytes: 0,
    sections: 0,
    nameBytes: 0,
    multifdPackets: 0,
    repeatedPages: 0,
  };
}

function pagesOf(piece: StagePiece): number {
  return piece.normalPages + piece.zeroPages + piece.compressedPages;
}
