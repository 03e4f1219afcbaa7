/**
 * Bytes of hexadecimal text without a prefix.
 * @returns null if a character is no hexadecimal digit, or their number is odd
 */
export function parseHexKey(digits: string): Uint8Array | null {
  if (digits.length % 2 !== 0 || !/^[0-9a-f]*$/i.test(digits)) return null;
  return Uint8Array.from(Buffer.from(digits, 'hex'));
}
