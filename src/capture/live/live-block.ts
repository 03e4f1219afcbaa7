import { FrameBlock } from '../../packet/frame-block.js';

/** Frames as they came off an interface. `data` begins with them as records of pcapng, ready to be written to a file. */
export class LiveBlock extends FrameBlock {
  /** Enhanced Packet Blocks of interface 0, little endian, nanoseconds: `data[0, recordBytes)`. */
  recordBytes = 0;
}
