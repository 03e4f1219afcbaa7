import { randomInt } from 'node:crypto';
import { formatAddressWords } from './format-address.js';

/*
 * Theory of operation. A table of flows or SAs is a list of keys, in order of first appearance, and an index into it: open
 * addressing, linear probing, at most half full. Consecutive packets mostly belong to a few flows, so the key found last
 * among those with the same low bits is compared before anything is hashed. Keys are words, not strings, and 32-bit signed
 * ones: larger numbers would be boxed on their way through a call. The hash is seeded anew in each process, so that nobody
 * can prepare a capture whose keys all collide; results do not depend on it because order is order of appearance.
 *
 *   word 0   meta: the caller's bits; bit 31 says IPv6
 *   word 1   the caller's: ports, SPI
 *   2, 3     IPv4 source, destination; the rest is 0
 *   2-5, 6-9 IPv6 source, destination
 */
export const KEY_WORDS = 10;
/** Set in `meta` of keys with IPv6 addresses. */
export const KEY_IPV6 = 0x8000_0000 | 0;

/** Plain data: the keys of all slots. */
export interface KeyTableState {
  keys: Int32Array;
  /** Slots taken, the reserved ones included. */
  count: number;
}

const SEED = randomInt(0x7fff_ffff);
/** `meta` of reserved slots: no caller's key has all bits set. */
const RESERVED_META = -1;
const RECENT_PLACES = 64;

export class KeyTable {
  readonly state: KeyTableState;
  private readonly capacity: number;
  private readonly overflowSlot: number;
  private readonly scratch = new Int32Array(KEY_WORDS);
  /** Slot + 1; 0 is free. */
  private index = new Int32Array(256);
  /** Slot found last, by `recentPlace` of its key. */
  private readonly recent = new Int32Array(RECENT_PLACES);

  /**
   * @param reserved slots at the start that no key leads to
   * @param capacity most slots, the reserved ones not counted
   * @param overflowSlot reserved slot for keys which no longer fit
   */
  constructor(reserved: number, capacity: number, overflowSlot: number) {
    this.capacity = reserved + capacity;
    this.overflowSlot = overflowSlot;
    this.state = { keys: new Int32Array(64 * KEY_WORDS), count: reserved };
    for (let slot = 0; slot < reserved; slot++) this.state.keys[slot * KEY_WORDS] = RESERVED_META;
  }

  /** Slot of a key with IPv4 addresses (32-bit words); a new one if it is unknown. */
  find4(meta: number, extra: number, source: number, destination: number): number {
    const place = recentPlace(meta, extra, source, destination);
    const slot = this.recent[place]!;
    if (sameKey4(this.state.keys, slot * KEY_WORDS, meta, extra, source, destination)) return slot;
    const { scratch } = this;
    scratch.fill(0, 4);
    scratch[0] = meta;
    scratch[1] = extra;
    scratch[2] = source;
    scratch[3] = destination;
    return this.remember(place, this.probe(scratch, 0));
  }

  /** Slot of a key whose IPv6 source and destination stand one behind the other at `offset`. */
  find6(meta: number, extra: number, view: DataView, offset: number): number {
    const { scratch } = this;
    scratch[0] = meta | KEY_IPV6;
    scratch[1] = extra;
    for (let i = 0; i < 8; i++) scratch[2 + i] = view.getInt32(offset + i * 4);
    const place = recentPlace(meta, extra, scratch[5]!, scratch[9]!);
    const slot = this.recent[place]!;
    if (sameKey(this.state.keys, slot * KEY_WORDS, scratch, 0)) return slot;
    return this.remember(place, this.probe(scratch, 0));
  }

  /** Slot of the key at `at` of another table's keys. */
  findKey(keys: Int32Array, at: number): number {
    return this.probe(keys, at);
  }

  private probe(key: Int32Array, at: number): number {
    const { index, state } = this;
    const mask = index.length - 1;
    let place = hashKey(key, at) & mask;
    for (;;) {
      const slot = index[place]! - 1;
      if (slot < 0) break;
      if (sameKey(state.keys, slot * KEY_WORDS, key, at)) return slot;
      place = (place + 1) & mask;
    }
    if (state.count >= this.capacity) return this.overflowSlot;
    return this.insert(key, at, place);
  }

  private remember(place: number, slot: number): number {
    this.recent[place] = slot;
    return slot;
  }

  private insert(key: Int32Array, at: number, place: number): number {
    const { state } = this;
    const slot = state.count++;
    if (state.count * KEY_WORDS > state.keys.length) {
      const grown = new Int32Array(state.keys.length * 2);
      grown.set(state.keys);
      state.keys = grown;
    }
    for (let i = 0; i < KEY_WORDS; i++) state.keys[slot * KEY_WORDS + i] = key[at + i]!;
    this.index[place] = slot + 1;
    if (state.count * 2 > this.index.length) this.growIndex();
    return slot;
  }

  private growIndex(): void {
    const { keys, count } = this.state;
    const index = new Int32Array(this.index.length * 2);
    const mask = index.length - 1;
    for (let slot = 0; slot < count; slot++) {
      if (keys[slot * KEY_WORDS] === RESERVED_META) continue;
      let place = hashKey(keys, slot * KEY_WORDS) & mask;
      while (index[place] !== 0) place = (place + 1) & mask;
      index[place] = slot + 1;
    }
    this.index = index;
  }
}

/** Where to remember a key: cheap, and different for the two directions of a flow. */
function recentPlace(meta: number, extra: number, source: number, destination: number): number {
  return (meta ^ extra ^ (extra >>> 16) ^ source ^ (destination << 1)) & (RECENT_PLACES - 1);
}

function sameKey4(
  keys: Int32Array,
  at: number,
  meta: number,
  extra: number,
  source: number,
  destination: number,
): boolean {
  return (
    keys[at + 2] === source && keys[at + 3] === destination && keys[at + 1] === extra && keys[at] === meta
  );
}

function sameKey(keys: Int32Array, at: number, key: Int32Array, keyAt: number): boolean {
  for (let i = 0; i < KEY_WORDS; i++) if (keys[at + i] !== key[keyAt + i]) return false;
  return true;
}

/** Multiply and rotate over the words that are in use (constants of MurmurHash3, public domain). */
function hashKey(key: Int32Array, at: number): number {
  const words = key[at]! < 0 ? KEY_WORDS : 4;
  let hash = SEED;
  for (let i = 0; i < words; i++) {
    let word = Math.imul(key[at + i]!, 0xcc9e2d51);
    word = (word << 15) | (word >>> 17);
    hash ^= Math.imul(word, 0x1b873593);
    hash = (hash << 13) | (hash >>> 19);
    hash = (Math.imul(hash, 5) + 0xe6546b64) | 0;
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

/** Texts of the two addresses of a slot. */
export function addressesOf(state: KeyTableState, slot: number): { source: string; destination: string } {
  const { keys } = state;
  const at = slot * KEY_WORDS;
  if (keys[at]! >= 0) {
    return {
      source: formatAddressWords(keys, at + 2, 1),
      destination: formatAddressWords(keys, at + 3, 1),
    };
  }
  return { source: formatAddressWords(keys, at + 2, 4), destination: formatAddressWords(keys, at + 6, 4) };
}
