import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ExtendedSequence } from '../../../../src/ipsec/open/extended-sequence.js';

function guesses(sequence: ExtendedSequence, low: number): number[] {
  return Array.from({ length: sequence.guess(low) }, (_, i) => sequence.at(i));
}

test('guesses the high half that brings the number nearest to the last one', () => {
  const sequence = new ExtendedSequence(5, 0x8000_0000);
  assert.deepEqual(guesses(sequence, 0x8000_0001), [5, 6, 4]);
  assert.deepEqual(guesses(new ExtendedSequence(5, 0xffff_fffe), 2), [6, 5, 4]);
  assert.deepEqual(guesses(new ExtendedSequence(5, 2), 0xffff_fffe), [4, 5, 6]);
});

test('never guesses below zero or above 32 bits', () => {
  assert.deepEqual(guesses(new ExtendedSequence(0, 2), 0xffff_fffe), [0, 1]);
  assert.deepEqual(guesses(new ExtendedSequence(0xffff_ffff, 0xffff_fffe), 2), [0xffff_ffff, 0xffff_fffe]);
});

test('learns from what proved right, and forgets nothing for stragglers', () => {
  const sequence = new ExtendedSequence(0, 0xffff_fff0);
  sequence.proven(1, 3);
  assert.equal(guesses(sequence, 4)[0], 1);
  sequence.proven(0, 0xffff_fff8);
  assert.equal(guesses(sequence, 4)[0], 1);
});
