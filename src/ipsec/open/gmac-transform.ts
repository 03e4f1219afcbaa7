import { type EspTransform, NO_ESN } from './esp-transform.js';
import { Gmac } from './gmac.js';
import { type MacMessage, MESSAGE_START } from './mac-message.js';

const ESP_HEADER_BYTES = 8;

/** AES-GMAC in ESP (RFC 4543 section 3): the payload stays in the clear; header, IV, payload and trailer are authenticated. */
export class GmacTransform implements EspTransform {
  readonly isClear = true;
  readonly canVerify = true;
  readonly plainOffset = 0;
  readonly #gmac: Gmac;
  readonly #message: MacMessage;

  /** @param keyAndSalt AES key with the 4-byte salt behind it */
  constructor(keyAndSalt: Uint8Array, message: MacMessage) {
    this.#gmac = new Gmac(keyAndSalt);
    this.#message = message;
  }

  verify(data: Uint8Array, espOffset: number, icvOffset: number, sequenceHigh: number): boolean {
    const ivOffset = espOffset + ESP_HEADER_BYTES;
    const authenticated =
      sequenceHigh === NO_ESN
        ? data.subarray(espOffset, icvOffset)
        : this.#withSequenceHigh(data, espOffset, icvOffset, sequenceHigh);
    return this.#gmac.verify(authenticated, data, ivOffset, icvOffset);
  }

  decrypt(): null {
    return null;
  }

  /** The high half goes between SPI and low half (RFC 4543 section 3.3). */
  #withSequenceHigh(
    data: Uint8Array,
    espOffset: number,
    icvOffset: number,
    sequenceHigh: number,
  ): Uint8Array {
    const message = this.#message;
    message.start(icvOffset - espOffset + 4);
    message.append(data, espOffset, espOffset + 4);
    message.appendUint32(sequenceHigh);
    message.append(data, espOffset + 4, icvOffset);
    return message.bytes.subarray(MESSAGE_START, MESSAGE_START + message.length);
  }
}
