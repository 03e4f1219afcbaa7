import type { IntegrityName } from '../suite-table.js';
import { BlockCipherMac } from './block-cipher-mac.js';
import { GmacMac } from './gmac.js';
import { HmacMac } from './hmac-mac.js';
import type { Mac } from './mac.js';

/**
 * @param icvBytes ICV on the wire, after truncation; with GMAC in AH the IV counts (RFC 4543 section 4)
 * @returns null if there is nothing to compute: no authentication, or by an unknown algorithm
 * @throws Error from node:crypto if this build of it lacks the algorithm; it does not show the key
 */
export function createMac(integrity: IntegrityName, key: Uint8Array, icvBytes: number): Mac | null {
  switch (integrity) {
    case 'hmac-md5':
      return new HmacMac('md5', key, icvBytes);
    case 'hmac-sha1':
      return new HmacMac('sha1', key, icvBytes);
    case 'hmac-sha256':
      return new HmacMac('sha256', key, icvBytes);
    case 'hmac-sha384':
      return new HmacMac('sha384', key, icvBytes);
    case 'hmac-sha512':
      return new HmacMac('sha512', key, icvBytes);
    case 'hmac-ripemd160':
      return new HmacMac('ripemd160', key, icvBytes);
    case 'aes-xcbc':
      return BlockCipherMac.xcbc(key, icvBytes);
    case 'aes-cmac':
      return BlockCipherMac.cmac(key, icvBytes);
    case 'aes-gmac':
      return new GmacMac(key);
    case 'none':
    case 'unknown':
      return null;
  }
}
