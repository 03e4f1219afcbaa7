/** FNV-1a over `data[start..end)`, 32 bits, unsigned. */
export function hashBytes(data: Uint8Array, start: number, end: number): number {
  let hash = 0x811c9dc5;
  for (let i = start; i < end; i++) hash = Math.imul(hash ^ data[i]!, 0x01000193);
  return hash >>> 0;
}
