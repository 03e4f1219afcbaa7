/*
 * Two independent hashes of the same words make a key of 64 bits (multipliers of MurmurHash3, public domain). They are the same
 * in every thread, because keys travel between threads. Whoever makes up a capture can make keys collide, and so make up
 * findings; that he can do without, too.
 */

/** Adds a word to a hash. */
export function mixLow(hash: number, word: number): number {
  const mixed = Math.imul(hash ^ word, 0x85eb_ca6b);
  return mixed ^ (mixed >>> 13);
}

/** Adds a word to another hash. */
export function mixHigh(hash: number, word: number): number {
  const mixed = Math.imul(hash ^ word, 0xc2b2_ae35);
  return mixed ^ (mixed >>> 16);
}
