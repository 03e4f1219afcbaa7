/**
 * A run of frames that share one buffer: what a capture source hands to the decoder.
 *
 * One block is filled, decoded, analysed and filled again: nothing here may be kept after the consumer returns. All
 * offsets are into `data`. Frame `i` is `data[offset[i] .. offset[i] + capturedLength[i])`; it was `wireLength[i]`
 * bytes long on the wire (`wireLength >= capturedLength`, unless the file is malformed).
 */
export class FrameBlock {
  /** Bytes of the block. Never a view of a SharedArrayBuffer. The decoder may decrypt ESP in place. */
  data: Uint8Array;
  /** Frames in the block. */
  count = 0;
  readonly capacity: number;
  readonly offset: Uint32Array;
  readonly capturedLength: Uint32Array;
  readonly wireLength: Uint32Array;
  /** Whole seconds since 1970-01-01 UTC. */
  readonly timeSeconds: Float64Array;
  /** Nanoseconds within the second, 0..999 999 999. */
  readonly timeNanoseconds: Uint32Array;
  /** LINKTYPE_ value of each frame (https://www.tcpdump.org/linktypes.html). */
  readonly linkType: Uint16Array;
  /** Packet number in its file as Wireshark counts: 1, 2, 3... */
  readonly frameNumber: Float64Array;

  /**
   * @param data buffer the offsets point into; replaced by the source when it reads on
   * @param capacity greatest number of frames
   */
  constructor(data: Uint8Array, capacity: number) {
    this.data = data;
    this.capacity = capacity;
    this.offset = new Uint32Array(capacity);
    this.capturedLength = new Uint32Array(capacity);
    this.wireLength = new Uint32Array(capacity);
    this.timeSeconds = new Float64Array(capacity);
    this.timeNanoseconds = new Uint32Array(capacity);
    this.linkType = new Uint16Array(capacity);
    this.frameNumber = new Float64Array(capacity);
  }
}
