import type { EspSuite } from '../suite-table.js';
import { AeadTransform } from './aead-transform.js';
import { createMac } from './create-mac.js';
import type { EspTransform } from './esp-transform.js';
import { GmacTransform } from './gmac-transform.js';
import type { MacMessage } from './mac-message.js';
import { createPayloadCipher, SeparateTransform } from './separate-transform.js';

/**
 * @param encryptionKey with the salt behind it; null if unknown
 * @param integrityKey null if unknown
 * @returns null if the keys do not suffice to decrypt. An integrity key is not needed for that, except in combined mode
 * @throws Error from node:crypto if this build of it lacks an algorithm; it does not show the keys
 */
export function createEspTransform(
  suite: EspSuite,
  encryptionKey: Uint8Array | null,
  integrityKey: Uint8Array | null,
  message: MacMessage,
): EspTransform | null {
  switch (suite.cipher) {
    case 'aes-gcm':
    case 'aes-ccm':
    case 'chacha20-poly1305':
      return encryptionKey === null ? null : new AeadTransform(suite, encryptionKey);
    case 'aes-gmac':
      return encryptionKey === null ? null : new GmacTransform(encryptionKey, message);
    case 'null':
      break;
    default:
      if (encryptionKey === null) return null;
  }
  const cipher = createPayloadCipher(suite, encryptionKey ?? new Uint8Array(0));
  const mac = integrityKey === null ? null : createMac(suite.integrity, integrityKey, suite.icvBytes);
  return new SeparateTransform(cipher, mac, message);
}
