import { setImmediate } from 'node:timers/promises';
import { FrameWalk, type RowSink } from '../analysis/frame-walk.js';
import { createSaTable, type IpsecKnowledge } from '../analysis/known-ipsec.js';
import { profileTap } from '../analysis/tap-profile.js';
import { readFileBlocks } from '../capture/read-file-blocks.js';
import { KeyedOpener } from '../ipsec/open/keyed-opener.js';

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
