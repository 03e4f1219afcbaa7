import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CATALOGUE } from '../../../src/scenario/catalogue.js';
import { parseNamedScenario, parseScenario } from '../../../src/scenario/parse-scenario.js';
import { renderScenario, writeScenario } from '../../../src/scenario/render-scenario.js';
import { SCENARIO_FIELDS } from '../../../src/scenario/scenario-fields.js';
import {
  writeBitRate,
  writeByteRate,
  writeBytes,
  writeDuration,
  writeShare,
} from '../../../src/scenario/write-quantity.js';
import { KNOWN_SUITES } from './known-suites.js';

test('amounts are written as people would, and exactly', () => {
  assert.deepEqual([2 ** 32, 1.5 * 2 ** 30, 4e8, 4096, 4097, 0].map(writeBytes), [
    '4GiB',
    '1.5GiB',
    '400MB',
    '4KiB',
    '4097B',
    '0B',
  ]);
  assert.deepEqual([134_217_728, 125_000_000, 1001].map(writeByteRate), ['128MiB/s', '125MB/s', '1001B/s']);
  assert.deepEqual([1e10, 2.5e9, 4e7, 1234].map(writeBitRate), ['10Gbit', '2.5Gbit', '40Mbit', '1234bit']);
  assert.deepEqual(
    [300, 60_000, 120_000, 3_600_000, 0.5, 0].map((ms) => writeDuration(ms, 'ms')),
    ['300ms', '60s', '2min', '1h', '0.5ms', '0ms'],
  );
  assert.deepEqual([0.9, 1, 0, 0.0001, 1e-9].map(writeShare), ['90%', '100%', 0, '0.01%', 1e-9]);
});

test('every field is written, under the name by which it can be set', () => {
  const everything = parseScenario(
    `guest: { memory: 1GiB, workload: { kind: hot-set, rate: 1 } }
migration: { multifdChannels: 1, compression: { ratio: 1, sourcePerPage: 0, destinationPerPage: 0 } }`,
    { suites: KNOWN_SUITES },
  );
  const written = leavesOf(writeScenario(everything));
  const expected = SCENARIO_FIELDS.filter((field) => !/groups|xbzrle\./.test(field));
  assert.deepEqual(written.toSorted(), ['schema', 'migration.xbzrle', ...expected].toSorted());
});

test('a named scenario is written in full, with hints for whoever changes it', () => {
  const text = renderScenario(parseNamedScenario('office-vm', KNOWN_SUITES), { hints: true });
  assert.match(text, /^schema: tare\.scenario\/1\nname: office-vm\n/);
  assert.match(text, /^ {2}mss: auto # or bytes of payload$/m);
  assert.match(text, /^ {2}maxBandwidth: 128MiB\/s$/m);
  assert.match(text, /^ {2}destination: \{ cores: 2, cpuShare: 100% \}$/m);
  for (const line of text.split('\n')) assert.ok(line.length <= 85, line);
});

test('every named scenario is read back to the same', () => {
  for (const { name } of CATALOGUE) {
    const scenario = parseNamedScenario(name, KNOWN_SUITES);
    assert.deepEqual(parseScenario(renderScenario(scenario), { suites: KNOWN_SUITES }), scenario);
  }
});

function leavesOf(value: object, prefix = ''): string[] {
  return Object.entries(value).flatMap(([key, member]) =>
    typeof member === 'object' && member !== null
      ? leavesOf(member, `${prefix}${key}.`)
      : [`${prefix}${key}`],
  );
}
