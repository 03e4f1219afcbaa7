/** IP protocols that ESP carries in practice; index is the protocol number. IP-TFS (RFC 9347) is 144. */
const CARRIED = new Uint8Array(256);
for (const protocol of [
  1, 2, 4, 6, 17, 33, 41, 43, 44, 46, 47, 50, 51, 58, 59, 60, 88, 89, 94, 97, 103, 108,
]) {
  CARRIED[protocol] = 1;
}
for (const protocol of [112, 115, 132, 135, 136, 137, 139, 140, 144]) CARRIED[protocol] = 1;

/**
 * True if `plain[from, to)`, pad length and next header in its last two bytes, looks like what a sender put together:
 * whole alignment units, padding 1, 2, 3... (RFC 4303 section 2.4), a protocol that ESP carries, and an IP version that
 * agrees with it. The only evidence where no ICV is checked; noise passes one time in 2000.
 */
export function looksLikeEspPlain(plain: Uint8Array, from: number, to: number, alignBytes: number): boolean {
  const length = to - from;
  if (length < 2 || length % alignBytes !== 0) return false;
  const padBytes = plain[to - 2]!;
  const payloadBytes = length - 2 - padBytes;
  if (payloadBytes < 0) return false;
  const padStart = from + payloadBytes;
  for (let i = 0; i < padBytes; i++) {
    if (plain[padStart + i] !== i + 1) return false;
  }
  return isLikelyPayload(plain[to - 1]!, payloadBytes, payloadBytes > 0 ? plain[from]! >> 4 : 0);
}

function isLikelyPayload(nextHeader: number, payloadBytes: number, ipVersion: number): boolean {
  if (nextHeader === 4) return payloadBytes >= 20 && ipVersion === 4;
  if (nextHeader === 41) return payloadBytes >= 40 && ipVersion === 6;
  return CARRIED[nextHeader] === 1;
}
