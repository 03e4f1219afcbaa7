/**
 * What the decoder asks of whoever holds keys. `ipsec/` implements it; `packet/` stays free of cryptography.
 *
 * Offsets are into `data`; `end` is the end of the IP payload and lies inside the captured bytes: the decoder only asks
 * for whole packets. IPv4 and IPv6 are told apart by the version nibble at `ipOffset`.
 */
export interface IpsecOpener {
  /** Checks the ICV of the AH at `ahOffset`, before anything behind it is decrypted. @returns an `Integrity` value */
  verifyAh(data: Uint8Array, ipOffset: number, ahOffset: number, end: number): number;

  /**
   * Opens the ESP packet whose SPI is at `espOffset`: checks the ICV, decrypts in place (the plain text takes the place
   * of the cipher text, same offsets), checks padding. Always sets `integrity`; sets the other fields if it returns true.
   * @returns true if what is inside can be read; false if there is no key, the ICV failed or the padding is wrong
   */
  openEsp(data: Uint8Array, ipOffset: number, espOffset: number, end: number): boolean;

  /** Results of the last `openEsp`. */
  readonly integrity: number;
  readonly ivBytes: number;
  readonly icvBytes: number;
  /** Padding without the two trailer bytes. */
  readonly padBytes: number;
  readonly nextHeader: number;
}
