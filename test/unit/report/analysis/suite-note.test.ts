import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SecurityAssociationSummary } from '../../../../src/analysis/analysis-summary.js';
import { renderSecurityAssociations } from '../../../../src/report/analysis/sa-table.js';
import { suiteNotes } from '../../../../src/report/analysis/suite-note.js';
import { createTextStyle } from '../../../../src/report/text/text-style.js';
import { sampleAssociation } from '../sample-summary.js';

function inferred(alternatives?: string[]): SecurityAssociationSummary {
  const { suite } = sampleAssociation();
  const [candidate] = suite.candidates;
  const candidates = [{ ...candidate!, ...(alternatives === undefined ? {} : { alternatives }) }];
  return sampleAssociation({ suite: { ...suite, candidates } });
}

test('an inferred suite is told to stand for all of its sizes, once', () => {
  const alike = inferred(['aes192gcm16', 'aes256gcm16', 'chacha20poly1305']);
  assert.deepEqual(suiteNotes([alike, alike]), [
    'aes128gcm16 stands for its sizes, which are also those of aes{192,256}gcm16, chacha20poly1305.',
  ]);
});

test('of a suite that was given or opened there is nothing to say', () => {
  const opened = inferred(['aes256gcm16']);
  assert.deepEqual(
    suiteNotes([inferred(), { ...opened, suite: { ...opened.suite, certainty: 'measured' } }]),
    [],
  );
});

test('the note stands below the table, within the terminal', () => {
  const context = { width: 60, style: createTextStyle(false) };
  const lines = renderSecurityAssociations([inferred(['aes256gcm16', 'chacha20poly1305'])], context);
  assert.match(lines.at(-2)!, /^ {2}~ aes128gcm16 stands for its sizes/);
  assert.ok(lines.every((line) => line.length <= 60));
});
