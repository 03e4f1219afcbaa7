import { readFileBlocks } from '../../../src/capture/read-file-blocks.js';
import { repoPath } from '../../repo-root.js';

/** Bytes of a packet of a bundled capture. @param packet its number, from 1 */
export function captureFrame(capture: string, packet: number): Uint8Array {
  for (const block of readFileBlocks(repoPath(`captures/${capture}`))) {
    for (let row = 0; row < block.count; row++) {
      const start = block.offset[row]!;
      if (block.frameNumber[row] === packet)
        return block.data.slice(start, start + block.capturedLength[row]!);
    }
  }
  throw new Error(`${capture} has no packet ${packet}`);
}
