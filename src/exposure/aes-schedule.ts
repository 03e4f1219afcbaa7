/*
 * An AES key in use lies in memory with its round keys behind it, and each of these follows from those before (FIPS 197, 5.2). So a key
 * can be told from any other bytes: by the first four words that follow it by chance once in 2^128. (The idea: Halderman et al., "Lest We
 * Remember", 2008.) Schedules with the bytes of each word reversed, as some programs keep them, are not looked for.
 */

const SBOX = createSbox();

/** Schedules of AES-128 and AES-256; those of AES-192 are rare. */
export type AesKeyBits = 128 | 256;

/** Bytes that a schedule takes: 11 or 15 round keys. */
export function scheduleBytes(keyBits: AesKeyBits): number {
  return 16 * (keyBits / 32 + 7);
}

/** @returns size of the key whose schedule begins at `at`; null if none does. What is there must be `scheduleBytes(256)` bytes */
export function aesScheduleAt(data: Uint8Array, at: number): AesKeyBits | null {
  if (follows(data, at, 4, 4) && !isConstant(data, at, 16) && isWhole(data, at, 4)) return 128;
  if (follows(data, at, 8, 8) && !isConstant(data, at, 32) && isWhole(data, at, 8)) return 256;
  return null;
}

function isWhole(data: Uint8Array, at: number, keyWords: number): boolean {
  const words = 4 * (keyWords + 7);
  for (let word = keyWords + 1; word < words; word++) {
    if (!follows(data, at, keyWords, word)) return false;
  }
  return true;
}

/** Is word `word` what FIPS 197's key expansion makes of those before it? */
function follows(data: Uint8Array, at: number, keyWords: number, word: number): boolean {
  const before = at + 4 * (word - 1);
  const old = at + 4 * (word - keyWords);
  const place = at + 4 * word;
  if (word % keyWords === 0) {
    const constant = roundConstant(word / keyWords);
    for (let i = 0; i < 4; i++) {
      const substituted = SBOX[data[before + ((i + 1) & 3)]!]! ^ (i === 0 ? constant : 0);
      if (data[place + i] !== (data[old + i]! ^ substituted)) return false;
    }
    return true;
  }
  const isSubstituted = keyWords === 8 && word % 8 === 4;
  for (let i = 0; i < 4; i++) {
    const value = data[before + i]!;
    if (data[place + i] !== (data[old + i]! ^ (isSubstituted ? SBOX[value]! : value))) return false;
  }
  return true;
}

/** Keys are not one byte over and over. */
function isConstant(data: Uint8Array, at: number, bytes: number): boolean {
  for (let i = 1; i < bytes; i++) if (data[at + i] !== data[at]) return false;
  return true;
}

function roundConstant(round: number): number {
  let value = 1;
  for (let i = 1; i < round; i++) value = double(value);
  return value;
}

function double(value: number): number {
  return ((value << 1) ^ (value & 0x80 ? 0x11b : 0)) & 0xff;
}

/** FIPS 197, 5.1.1: inverse in GF(2^8), then an affine transformation. Powers of 3 run through all of it. */
function createSbox(): Uint8Array {
  const powers = new Uint8Array(255);
  const logs = new Uint8Array(256);
  for (let i = 0, value = 1; i < 255; i++) {
    powers[i] = value;
    logs[value] = i;
    value ^= double(value);
  }
  const box = new Uint8Array(256);
  for (let i = 0; i < 256; i++) {
    const inverse = i === 0 ? 0 : powers[(255 - logs[i]!) % 255]!;
    let sum = 0x63;
    for (let turn = 0; turn < 5; turn++) sum ^= ((inverse << turn) | (inverse >> (8 - turn))) & 0xff;
    box[i] = sum;
  }
  return box;
}
