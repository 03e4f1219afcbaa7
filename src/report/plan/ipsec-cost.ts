/**
 * What protection costs a transfer: bytes on the wire more than without it on the same link. Headers of packets that it makes
 * more are in it; below zero where it makes packets fewer.
 */
export function costOverClear(
  { wireBytes }: { readonly wireBytes: number },
  clear: { readonly wireBytes: number },
): number {
  return wireBytes - clear.wireBytes;
}
