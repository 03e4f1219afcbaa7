/** net.ipv4.tcp_wmem[2]. */
const MAX_BUFFER_BYTES = 4 * 1024 * 1024;
/** Room in a segmentation offload buffer besides headers: `tcp_xmit_size_goal` with `sk_gso_max_size` 65536. */
const OFFLOAD_BYTES = 65_536 - 320 - 1;
/** `MAX_TCP_HEADER` and `struct skb_shared_info` on x86-64. */
const HEADROOM_BYTES = 320;
const SHARED_INFO_BYTES = 320;
/** `struct sk_buff`, aligned. */
const BUFFER_HEAD_BYTES = 256;
/** What a buffer is charged beside its payload: `SKB_TRUESIZE` of an empty head. */
const CHARGE_BYTES = 1280;
const INITIAL_WINDOW = 10;

/**
 * Memory of the socket for what is written and not acknowledged. Grows with the congestion window, up to 4 MiB, when it is what keeps
 * the window from being used (net/ipv4/tcp_input.c: `tcp_sndbuf_expand`, `tcp_should_expand_sndbuf`).
 */
export class SendBuffer {
  /** Payload that one buffer of the queue takes: writes are taken in these portions. */
  readonly portionBytes: number;
  /** Bytes written to the connection since it began. */
  writtenByte = 0;
  readonly #charge: number;
  readonly #segmentChargeBytes: number;
  #limitBytes = 0;

  constructor(mssBytes: number) {
    this.portionBytes = Math.max(1, Math.floor(OFFLOAD_BYTES / mssBytes)) * mssBytes;
    this.#charge = 1 + CHARGE_BYTES / this.portionBytes;
    const room = mssBytes + HEADROOM_BYTES + SHARED_INFO_BYTES;
    this.#segmentChargeBytes = 2 ** Math.ceil(Math.log2(room)) + BUFFER_HEAD_BYTES;
    this.expand(INITIAL_WINDOW);
  }

  /** `sk_stream_memory_free`: another portion may be begun. */
  hasRoom(ackedByte: number): boolean {
    return this.#chargedBytes(ackedByte) < this.#limitBytes;
  }

  /** `sk_stream_is_writeable`: who waits for room is woken when a third is free. */
  isWriteable(ackedByte: number): boolean {
    const charged = this.#chargedBytes(ackedByte);
    return this.#limitBytes - charged >= charged / 2;
  }

  /** Twice the window, for fast recovery sends as much again. */
  expand(windowSegments: number): void {
    const segments = Math.max(INITIAL_WINDOW, Math.floor(windowSegments));
    const wanted = 2 * segments * this.#segmentChargeBytes;
    this.#limitBytes = Math.max(this.#limitBytes, Math.min(MAX_BUFFER_BYTES, wanted));
  }

  #chargedBytes(ackedByte: number): number {
    return (this.writtenByte - ackedByte) * this.#charge;
  }
}
