import { createHash } from 'node:crypto';

/**
 * A seed for one part of an experiment: depends on the experiment's seed and on what the part is called, not on when or where it
 * is calculated. Different names give unrelated seeds.
 * @param seed 0..2^32-1
 * @returns 0..2^32-1
 */
export function deriveSeed(seed: number, name: string): number {
  return createHash('sha256').update(`${seed}\n${name}`).digest().readUInt32BE(0);
}
