import type { SaTable } from '../sa-table.js';
import type { SecurityAssociation } from '../security-association.js';
import { buildAhMessage } from './ah-message.js';
import { createEspTransform } from './create-esp-transform.js';
import { createMac } from './create-mac.js';
import { looksLikeEspPlain } from './esp-padding.js';
import { type EspTransform, NO_ESN } from './esp-transform.js';
import { ExtendedSequence } from './extended-sequence.js';
import type { Mac } from './mac.js';
import { MacMessage, readUint32 } from './mac-message.js';

/** Results of checking an ICV, the values `packet/` uses. */
const UNCHECKED = 0;
const VERIFIED = 1;
const FAILED = 2;

const ESP_HEADER_BYTES = 8;
const ESP_TRAILER_BYTES = 2;
const AH_FIXED_BYTES = 12;

/** What is made once from an SA, so that nothing is left to set up for a packet. */
interface OpenableAssociation {
  readonly esp: EspTransform | null;
  readonly ahMac: Mac | null;
  readonly sequence: ExtendedSequence | null;
  readonly ivBytes: number;
  readonly icvBytes: number;
  readonly alignBytes: number;
  /** ESP that encrypts nothing: sizes suffice to read it. */
  readonly isClear: boolean;
}

/** An SA whose keys cannot be used, for instance because this build of node:crypto lacks the algorithm. */
export interface UnusableAssociation {
  readonly association: SecurityAssociation;
  /** Why, without keys. */
  readonly reason: string;
}

/**
 * Checks AH and opens ESP with the keys of an SA table. Implements `IpsecOpener` of the packet layer.
 *
 * A packet is opened if its ICV is right; then the padding may hold anything, as some ciphers prescribe their own
 * (RFC 4303 section 2.4), as long as it fits. Where no ICV can be checked (suites without, ICV by an unknown algorithm, missing
 * integrity key) or no keys are known but nothing is encrypted (NULL, GMAC), it is opened if what comes out looks like ESP's
 * plain text; `integrity` remains unchecked. Packets that are not opened stay as they are.
 *
 * Extended sequence numbers make this stateful: the high half is followed from packet to packet.
 */
export class KeyedOpener {
  integrity = UNCHECKED;
  ivBytes = 0;
  icvBytes = 0;
  padBytes = 0;
  nextHeader = 0;

  readonly #table: SaTable;
  readonly #openable = new Map<SecurityAssociation, OpenableAssociation>();
  readonly #unusable: UnusableAssociation[] = [];
  readonly #message = new MacMessage();

  constructor(table: SaTable) {
    this.#table = table;
    for (const association of table.associations) this.#openable.set(association, this.#prepare(association));
  }

  /** SAs of the table that have keys of no use here; empty unless something is missing. */
  get unusable(): readonly UnusableAssociation[] {
    return this.#unusable;
  }

  /**
   * Checks the ICV of the AH at `ahOffset` (RFC 4302 section 3.4.4).
   *
   * @param ipOffset IP header that the AH belongs to
   * @param end end of the IP payload
   * @returns an `Integrity` value: unchecked if there is no key or the bytes are too few for an AH
   */
  verifyAh(data: Uint8Array, ipOffset: number, ahOffset: number, end: number): number {
    if (end > data.length || ahOffset + AH_FIXED_BYTES > end) return UNCHECKED;
    const openable = this.#find(51, data, ipOffset, ahOffset + 4, ahOffset);
    if (openable === null || openable.ahMac === null) return UNCHECKED;
    const { sequence } = openable;
    if (sequence === null) return this.#checkAh(openable, data, ipOffset, ahOffset, end, NO_ESN);
    const low = readUint32(data, ahOffset + 8);
    const guesses = sequence.guess(low);
    for (let i = 0; i < guesses; i++) {
      const high = sequence.at(i);
      if (this.#checkAh(openable, data, ipOffset, ahOffset, end, high) === VERIFIED) {
        sequence.proven(high, low);
        return VERIFIED;
      }
    }
    return FAILED;
  }

  /**
   * Opens the ESP packet whose SPI is at `espOffset`. Sets `integrity`; if it returns true, the payload is in the clear from
   * `espOffset + 8 + ivBytes` on, and the other results are set.
   *
   * @param ipOffset IP header whose destination, with the SPI, names the SA
   * @param end end of the ESP packet
   * @returns true if what is inside can be read; then `data` was changed in place
   */
  openEsp(data: Uint8Array, ipOffset: number, espOffset: number, end: number): boolean {
    this.integrity = UNCHECKED;
    if (end > data.length || espOffset + ESP_HEADER_BYTES > end) return false;
    const openable = this.#find(50, data, ipOffset, espOffset, espOffset);
    if (openable === null) return false;
    const plainOffset = espOffset + ESP_HEADER_BYTES + openable.ivBytes;
    const icvOffset = end - openable.icvBytes;
    if (plainOffset + ESP_TRAILER_BYTES > icvOffset) return false;
    const { esp } = openable;
    if (esp === null) return this.#openClear(openable, data, plainOffset, icvOffset);
    if (esp.canVerify) {
      this.integrity = this.#checkEsp(openable, esp, data, espOffset, icvOffset);
      if (this.integrity === FAILED) return false;
    }
    return this.#decrypt(openable, esp, data, espOffset, icvOffset);
  }

  #find(
    protocol: number,
    data: Uint8Array,
    ipOffset: number,
    spiOffset: number,
    headersEnd: number,
  ): OpenableAssociation | null {
    const version = data[ipOffset]! >> 4;
    const ipBytes = version === 4 ? 20 : version === 6 ? 40 : Number.POSITIVE_INFINITY;
    if (ipOffset + ipBytes > headersEnd) return null;
    const association = this.#table.lookup(protocol, readUint32(data, spiOffset), data, ipOffset);
    return association === null ? null : this.#openable.get(association)!;
  }

  #checkAh(
    openable: OpenableAssociation,
    data: Uint8Array,
    ipOffset: number,
    ahOffset: number,
    end: number,
    sequenceHigh: number,
  ): number {
    const message = this.#message;
    if (!buildAhMessage(message, data, ipOffset, ahOffset, end, openable.icvBytes)) return FAILED;
    if (sequenceHigh !== NO_ESN) message.appendUint32(sequenceHigh);
    return openable.ahMac!.verify(message, data, ahOffset + AH_FIXED_BYTES) ? VERIFIED : FAILED;
  }

  #checkEsp(
    openable: OpenableAssociation,
    esp: EspTransform,
    data: Uint8Array,
    espOffset: number,
    icvOffset: number,
  ): number {
    const { sequence } = openable;
    if (sequence === null) return esp.verify(data, espOffset, icvOffset, NO_ESN) ? VERIFIED : FAILED;
    const low = readUint32(data, espOffset + 4);
    const guesses = sequence.guess(low);
    for (let i = 0; i < guesses; i++) {
      const high = sequence.at(i);
      if (esp.verify(data, espOffset, icvOffset, high)) {
        sequence.proven(high, low);
        return VERIFIED;
      }
    }
    return FAILED;
  }

  #decrypt(
    openable: OpenableAssociation,
    esp: EspTransform,
    data: Uint8Array,
    espOffset: number,
    icvOffset: number,
  ): boolean {
    const dataOffset = espOffset + ESP_HEADER_BYTES + openable.ivBytes;
    if (esp.isClear) return this.#openClear(openable, data, dataOffset, icvOffset);
    const decrypted = esp.decrypt(data, espOffset, icvOffset);
    if (decrypted === null) return false;
    const { plainOffset } = esp;
    if (!this.#accept(openable, decrypted, plainOffset, decrypted.length)) return false;
    data.set(plainOffset === 0 ? decrypted : decrypted.subarray(plainOffset), dataOffset);
    return true;
  }

  #openClear(openable: OpenableAssociation, data: Uint8Array, from: number, to: number): boolean {
    return openable.isClear && this.#accept(openable, data, from, to);
  }

  /** Checks padding and sets the results, for plain text in `plain[from, to)`. */
  #accept(openable: OpenableAssociation, plain: Uint8Array, from: number, to: number): boolean {
    const padBytes = plain[to - 2]!;
    if (from + padBytes + ESP_TRAILER_BYTES > to) return false;
    if (this.integrity !== VERIFIED && !looksLikeEspPlain(plain, from, to, openable.alignBytes)) return false;
    this.ivBytes = openable.ivBytes;
    this.icvBytes = openable.icvBytes;
    this.padBytes = padBytes;
    this.nextHeader = plain[to - 1]!;
    return true;
  }

  #prepare(association: SecurityAssociation): OpenableAssociation {
    const { suite } = association;
    try {
      return prepareAssociation(association, this.#message);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      this.#unusable.push({ association, reason: `${suite.name} is not available: ${reason}` });
      return openableAssociation(association, null, null);
    }
  }
}

function prepareAssociation(association: SecurityAssociation, message: MacMessage): OpenableAssociation {
  const { suite } = association;
  const integrityKey = association.integrityKey?.bytes() ?? null;
  if (suite.protocol === 'ah') {
    const mac = integrityKey === null ? null : createMac(suite.integrity, integrityKey, suite.icvBytes);
    return openableAssociation(association, null, mac);
  }
  const encryptionKey = association.encryptionKey?.bytes() ?? null;
  const esp = createEspTransform(suite, encryptionKey, integrityKey, message);
  return openableAssociation(association, esp, null);
}

function openableAssociation(
  association: SecurityAssociation,
  esp: EspTransform | null,
  ahMac: Mac | null,
): OpenableAssociation {
  const { suite, esn, sequenceHigh, sequenceLow } = association;
  return {
    esp,
    ahMac,
    sequence: esn ? new ExtendedSequence(sequenceHigh, sequenceLow) : null,
    ivBytes: suite.ivBytes,
    icvBytes: suite.icvBytes,
    alignBytes: suite.protocol === 'esp' ? suite.alignBytes : 1,
    isClear: suite.protocol === 'esp' && (suite.cipher === 'null' || suite.cipher === 'aes-gmac'),
  };
}
