/** No extended sequence numbers. */
export const NO_ESN = -1;

/**
 * Opens ESP packets under one key. `verify` and `decrypt` come in pairs; neither changes `data`.
 * `espOffset` is the SPI's, `icvOffset` the end of the cipher text; the caller has checked that IV, two trailer bytes and
 * ICV fit in between and behind.
 */
export interface EspTransform {
  /** True if nothing is encrypted. */
  readonly isClear: boolean;

  /** False if the key to check ICVs is missing or ICVs do not exist; then `verify` is not to be called. */
  readonly canVerify: boolean;

  /** True if the ICV at `icvOffset` is right. @param sequenceHigh high half of the sequence number, or `NO_ESN` */
  verify(data: Uint8Array, espOffset: number, icvOffset: number, sequenceHigh: number): boolean;

  /**
   * Payload, padding and trailer in the clear, in a buffer valid until the next call; they begin at `plainOffset` in it.
   * In combined mode only what `verify` has just accepted.
   * @returns null if they do not fill whole cipher blocks, or are in the clear in `data` already
   */
  decrypt(data: Uint8Array, espOffset: number, icvOffset: number): Uint8Array | null;
  readonly plainOffset: number;
}
