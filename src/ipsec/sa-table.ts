import { isSingleAddress, matchesAddress } from './ip-address.js';
import { type ExportedSecurityAssociation, SecurityAssociation } from './security-association.js';

/** What `SaTable.exportForWorker` gives: plain data **with keys in the clear**, for `postMessage` alone. */
export interface ExportedSaTable {
  readonly associations: readonly ExportedSecurityAssociation[];
}

/**
 * Security associations by SPI and destination address (RFC 4301 section 4.1). Immutable; lookups allocate nothing.
 *
 * Theory of operation: SAs with a plain SPI hang in chains off an open-addressed hash of (protocol, SPI) in Int32Arrays: a
 * Map would box every SPI above 2^31, signed 32-bit numbers are never boxed. The few with wildcards in the SPI (Wireshark's
 * table allows it) are tried one after the other, and only if no plain SPI matched. Among matches the most exact destination
 * wins, then the source: a source address that differs is no obstacle, since NAT rewrites it and the SPI does not depend on
 * it.
 */
export class SaTable {
  readonly associations: readonly SecurityAssociation[];
  readonly #slots: Int32Array;
  readonly #slotMask: number;
  readonly #next: Int32Array;
  readonly #spis: Int32Array;
  readonly #protocols: Uint8Array;
  readonly #destinationRank: Uint8Array;
  readonly #masked: readonly number[];

  /** @param associations where two match equally well, the earlier one is taken */
  constructor(associations: readonly SecurityAssociation[]) {
    this.associations = [...associations];
    const slotCount = 2 ** Math.ceil(Math.log2(Math.max(8, associations.length * 2)));
    this.#slotMask = slotCount - 1;
    this.#slots = new Int32Array(slotCount).fill(-1);
    this.#next = new Int32Array(associations.length).fill(-1);
    this.#spis = Int32Array.from(associations, (sa) => sa.spi | 0);
    this.#protocols = Uint8Array.from(associations, (sa) => sa.protocolNumber);
    this.#destinationRank = Uint8Array.from(associations, destinationRank);
    this.#masked = associations.flatMap((sa, i) => (sa.spiMask === 0xffff_ffff ? [] : [i]));
    // Backwards, so that chains list earlier associations first.
    for (let i = associations.length - 1; i >= 0; i--) {
      if (associations[i]!.spiMask === 0xffff_ffff) this.#insert(i);
    }
  }

  get size(): number {
    return this.associations.length;
  }

  /**
   * The SA that a packet belongs to.
   * @param protocol 50 ESP, 51 AH
   * @param spi as read from the packet; 32 bits, signed or unsigned
   * @param data holds the packet
   * @param ipOffset IP header that ESP or AH belongs to, wholly inside `data`; its version nibble tells the family
   * @returns null if there is none
   */
  lookup(protocol: number, spi: number, data: Uint8Array, ipOffset: number): SecurityAssociation | null {
    let best: SecurityAssociation | null = null;
    let bestRank = -1;
    let index = this.#slots[this.#findSlot(protocol, spi | 0)]!;
    while (index >= 0) {
      const rank = this.#rank(index, data, ipOffset);
      if (rank > bestRank) {
        bestRank = rank;
        best = this.associations[index]!;
      }
      index = this.#next[index]!;
    }
    return best === null && this.#masked.length > 0
      ? this.#lookupMasked(protocol, spi, data, ipOffset)
      : best;
  }

  /** Plain data with keys in the clear, to hand to a worker thread and to nobody else. */
  exportForWorker(): ExportedSaTable {
    return { associations: this.associations.map((sa) => sa.exportForWorker()) };
  }

  /** The table that `exportForWorker` was called on. */
  static fromWorker(exported: ExportedSaTable): SaTable {
    return new SaTable(exported.associations.map((sa) => SecurityAssociation.fromWorker(sa)));
  }

  #lookupMasked(
    protocol: number,
    spi: number,
    data: Uint8Array,
    ipOffset: number,
  ): SecurityAssociation | null {
    let best: SecurityAssociation | null = null;
    let bestRank = -1;
    for (let i = 0; i < this.#masked.length; i++) {
      const index = this.#masked[i]!;
      const sa = this.associations[index]!;
      if (sa.protocolNumber !== protocol || ((sa.spi ^ spi) & sa.spiMask) !== 0) continue;
      const rank = this.#rank(index, data, ipOffset);
      if (rank > bestRank) {
        bestRank = rank;
        best = sa;
      }
    }
    return best;
  }

  /** How well addresses match: -1 not at all; more is better; destination counts before source. */
  #rank(index: number, data: Uint8Array, ipOffset: number): number {
    const sa = this.associations[index]!;
    const isIpv6 = data[ipOffset]! >> 4 === 6;
    if (sa.family !== null && sa.family !== (isIpv6 ? 6 : 4)) return -1;
    const sourceOffset = ipOffset + (isIpv6 ? 8 : 12);
    const destinationOffset = ipOffset + (isIpv6 ? 24 : 16);
    if (sa.destination !== null && !matchesAddress(sa.destination, data, destinationOffset)) return -1;
    let sourceRank = 1;
    if (sa.source !== null) sourceRank = matchesAddress(sa.source, data, sourceOffset) ? 2 : 0;
    return this.#destinationRank[index]! * 3 + sourceRank;
  }

  #insert(index: number): void {
    const sa = this.associations[index]!;
    const slot = this.#findSlot(sa.protocolNumber, sa.spi | 0);
    this.#next[index] = this.#slots[slot]!;
    this.#slots[slot] = index;
  }

  /** The slot whose chain has this protocol and SPI, or the empty slot where it would be. */
  #findSlot(protocol: number, spi: number): number {
    let slot = (Math.imul(spi ^ (protocol << 24), 0x9e37_79b1) >>> 7) & this.#slotMask;
    for (;;) {
      const index = this.#slots[slot]!;
      if (index < 0) return slot;
      if (this.#spis[index] === spi && this.#protocols[index] === protocol) return slot;
      slot = (slot + 1) & this.#slotMask;
    }
  }
}

function destinationRank(sa: SecurityAssociation): number {
  if (sa.destination === null) return 0;
  return isSingleAddress(sa.destination) ? 2 : 1;
}
