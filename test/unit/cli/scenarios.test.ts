import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parse, parseAllDocuments } from 'yaml';
import { CATALOGUE } from '../../../src/scenario/catalogue.js';
import { runTare } from './run-tare.js';

test('the list has every named scenario, in 80 columns', () => {
  const { exitCode, stdout, stderr } = runTare(['scenarios']);
  assert.deepEqual([exitCode, stderr], [0, '']);
  for (const { name } of CATALOGUE) assert.match(stdout, new RegExp(`^  ${name} `, 'm'));
  for (const line of stdout.split('\n')) assert.ok(line.length <= 80, line);
});

test('a wide terminal shows the link and the protection of each', () => {
  const { stdout } = runTare(['scenarios'], { env: { COLUMNS: '160' } });
  assert.match(stdout, /^ {2}build-server +8GiB +1Gbit +1500 +aes128-sha256 /m);
});

test('a name prints that scenario in full, as YAML to start from', () => {
  const { exitCode, stdout } = runTare(['scenarios', 'office-vm']);
  assert.equal(exitCode, 0);
  const written = parse(stdout);
  assert.deepEqual(
    [written.schema, written.name, written.guest.memory, written.network.mtu],
    ['tare.scenario/1', 'office-vm', '4GiB', 1500],
  );
  assert.equal(runTare(['scenarios', 'office-vm', '--yaml']).stdout, stdout);
});

test('JSON of a name has the same fields, and all names are a list', () => {
  const one = JSON.parse(runTare(['scenarios', 'wan', '--json']).stdout);
  assert.deepEqual(one, parse(runTare(['scenarios', 'wan']).stdout));
  const all = JSON.parse(runTare(['scenarios', '--json']).stdout);
  assert.equal(all.schema, 'tare.scenarios/1');
  assert.equal(all.scenarios.length, CATALOGUE.length);
  assert.deepEqual(
    all.scenarios.find(({ name }: { name: string }) => name === 'wan'),
    one,
  );
});

test('all as YAML are one document each', () => {
  const documents = parseAllDocuments(runTare(['scenarios', '--yaml']).stdout);
  assert.equal([...documents].length, CATALOGUE.length);
});

test('a name there is not is answered with the nearest', () => {
  const { exitCode, stdout, stderr } = runTare(['scenarios', 'ofice-vm']);
  assert.deepEqual([exitCode, stdout], [2, '']);
  assert.match(stderr, /there is no scenario "ofice-vm": did you mean office-vm\?/);
});

test('YAML and JSON at once are wrong usage; help has examples', () => {
  assert.equal(runTare(['scenarios', 'wan', '--yaml', '--json']).exitCode, 2);
  assert.match(runTare(['scenarios', '--help']).stdout, /Examples:\n {2}\$ tare scenarios/);
});
