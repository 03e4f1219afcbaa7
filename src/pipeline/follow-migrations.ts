import { setImmediate } from 'node:timers/promises';
import { FrameWalk, type RowSink } from '../analysis/frame-walk.js';
import { createSaTable, type IpsecKnowledge } from '../analysis/known-ipsec.js';
import { profileTap } from '../analysis/tap-profile.js';
import { readFileBlocks } from '../capture/read-file-blocks.js';
import { KeyedOpener } from '../ipsec/open/keyed-opener.js';

/*
 * Theory of operation. With keys, what is encrypted is opened here a second time: ranges have opened it for their tallies. Two
 * ways out were rejected. Ranges that handed over what they opened would have it wait for the ranges before them: as much memory as the
 * file has bytes, where it is flat now. Opening without checking ICVs would save about half of it here, but take forged packets
 * for the migration's that a reading in one piece leaves closed: what is found must not depend on the number of threads.
 */

/** About 4 MiB: what else is waiting in this thread, results of other threads above all, goes on meanwhile. */
const BLOCKS_PER_TURN = 8;

/**
 * Reads an uncompressed capture from end to end for what takes its packets in order, in this thread. The observer sees the
 * rows that an analysis in one piece would have shown it.
 * @param endOffset behind the last byte; the file may grow
 * @param progress told after each block how many bytes it took
 * @throws CaptureOpenError
 */
export async function followMigrations(
  path: string,
  endOffset: number,
  knowledge: IpsecKnowledge,
  observer: RowSink,
  progress: (bytes: number) => void,
): Promise<void> {
  const table = createSaTable(knowledge);
  const opener = table.size === 0 ? null : new KeyedOpener(table);
  const reader = readFileBlocks(path, { endOffset });
  let walk: FrameWalk | null = null;
  let position = 0;
  let untilTurn = BLOCKS_PER_TURN;
  for (const block of reader) {
    walk ??= new FrameWalk(opener, profileTap(block), observer);
    walk.addBlock(block);
    const reached = reader.parser?.offset ?? position;
    progress(reached - position);
    position = reached;
    if (--untilTurn > 0) continue;
    await setImmediate();
    untilTurn = BLOCKS_PER_TURN;
  }
}
