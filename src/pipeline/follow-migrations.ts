import { FrameWalk, type RowSink } from '../analysis/frame-walk.js';
import { createSaTable, type IpsecKnowledge } from '../analysis/known-ipsec.js';
import { profileTap } from '../analysis/tap-profile.js';
import { openCapture } from '../capture/capture-source.js';
import { KeyedOpener } from '../ipsec/open/keyed-opener.js';
import type { CountProgress } from './analyze-range.js';

/**
 * Reads a capture once more, from end to end in this thread, for what takes its packets in order. The observer sees the rows that
 * an analysis in one piece would have shown it.
 * @throws CaptureOpenError
 */
export async function followMigrations(
  path: string,
  knowledge: IpsecKnowledge,
  observer: RowSink,
  progress: CountProgress,
): Promise<void> {
  const table = createSaTable(knowledge);
  const opener = table.size === 0 ? null : new KeyedOpener(table);
  const source = await openCapture(path);
  let walk: FrameWalk | null = null;
  let position = 0;
  for await (const block of source) {
    walk ??= new FrameWalk(opener, profileTap(block), observer);
    walk.addBlock(block);
    progress(source.bytesRead - position, block.count);
    position = source.bytesRead;
  }
}
