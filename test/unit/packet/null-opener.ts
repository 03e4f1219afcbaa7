import type { IpsecOpener } from '../../../src/packet/ipsec-opener.js';
import { Integrity } from '../../../src/packet/packet-batch.js';

/** Opens every ESP packet as one with a null cipher and an ICV it does not check; notes what it was asked. */
export class NullOpener implements IpsecOpener {
  integrity: number = Integrity.verified;
  ivBytes = 0;
  readonly icvBytes: number;
  padBytes = 0;
  nextHeader = 0;
  /** Arguments of each call, in order. */
  readonly calls: { what: 'ah' | 'esp'; ipOffset: number; offset: number; end: number }[] = [];

  constructor(icvBytes = 12) {
    this.icvBytes = icvBytes;
  }

  verifyAh(_data: Uint8Array, ipOffset: number, ahOffset: number, end: number): number {
    this.calls.push({ what: 'ah', ipOffset, offset: ahOffset, end });
    return Integrity.verified;
  }

  openEsp(data: Uint8Array, ipOffset: number, espOffset: number, end: number): boolean {
    this.calls.push({ what: 'esp', ipOffset, offset: espOffset, end });
    const trailer = end - this.icvBytes - 2;
    this.padBytes = data[trailer]!;
    this.nextHeader = data[trailer + 1]!;
    return trailer - this.padBytes >= espOffset + 8;
  }
}
