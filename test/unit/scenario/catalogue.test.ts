import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { CATALOGUE, namedScenario } from '../../../src/scenario/catalogue.js';
import { parseNamedScenario } from '../../../src/scenario/parse-scenario.js';
import { repoPath } from '../../repo-root.js';
import { KNOWN_SUITES } from './known-suites.js';

test('every named scenario can be used', () => {
  for (const { name } of CATALOGUE) assert.equal(parseNamedScenario(name, KNOWN_SUITES).name, name);
});

test('names are unique and can be typed; each has one sentence that says what it is', () => {
  assert.equal(new Set(CATALOGUE.map(({ name }) => name)).size, CATALOGUE.length);
  for (const { name, description } of CATALOGUE) {
    assert.match(name, /^[a-z0-9]+(-[a-z0-9]+)*$/);
    assert.match(description, /^[A-Z].{10,110}\.$/, name);
  }
});

test('the published grid is complete: three protections, two MTUs, two MSSs', () => {
  const published = CATALOGUE.filter(({ name }) => name.startsWith('published-'));
  const seen = published.map(({ name }) => {
    const { network, ipsec } = parseNamedScenario(name, KNOWN_SUITES);
    return `${name}: ${ipsec.ah}+${ipsec.esp} ${network.mtu} ${network.mss} ${ipsec.mode}`;
  });
  const expected = [
    ['clear', 'null+null'],
    ['esp', 'null+aes128-sha256'],
    ['ah-esp', 'sha256+aes128-sha256'],
  ].flatMap(([key, suites]) =>
    [1500, 9000].flatMap((mtu) => [
      `published-${key}-${mtu}-default: ${suites} ${mtu} 524 transport`,
      `published-${key}-${mtu}-maximal: ${suites} ${mtu} auto transport`,
    ]),
  );
  assert.deepEqual(seen, expected);
});

test('the published grid differs in nothing but protection, MTU and MSS', () => {
  const rest = CATALOGUE.filter(({ name }) => name.startsWith('published-')).map(({ name }) => {
    const scenario = parseNamedScenario(name, KNOWN_SUITES);
    const { mtu, mss, ...network } = scenario.network;
    const { esp, ah, ...ipsec } = scenario.ipsec;
    const { name: _, description, ...others } = scenario;
    return JSON.stringify({ ...others, network, ipsec });
  });
  assert.equal(new Set(rest).size, 1);
});

/** As QEMU reported them beside the captures. */
test('guests of the laboratory are those of the bundled captures', () => {
  for (const [name, capture, memoryBytes] of [
    ['lab-16mib', 'ms-clear-1500', 16 * 2 ** 20],
    ['lab-32mib', 'm-clear-idle', 32 * 2 ** 20],
  ] as const) {
    const { guest, migration } = parseNamedScenario(name, KNOWN_SUITES);
    const { parameters, final } = JSON.parse(
      readFileSync(repoPath(`captures/migration/${capture}.json`), 'utf8'),
    );
    assert.equal(guest.memoryBytes, memoryBytes);
    assert.equal(migration.maxBandwidth, parameters['max-bandwidth']);
    assert.equal(migration.downtimeLimitMs, parameters['downtime-limit']);
    // QEMU's total has the machine's ROMs and video memory besides.
    assert.ok(final.ram.total > memoryBytes && final.ram.total < memoryBytes * 1.05);
    // What was filled, the firmware's pages, and what was sent again.
    assert.ok(final.ram.normal * 4096 > guest.filledBytes);
  }
});

test('names are found in any case, and nothing else is', () => {
  assert.equal(namedScenario(' Office-VM ')?.name, 'office-vm');
  assert.equal(namedScenario('office'), null);
  assert.throws(() => parseNamedScenario('databse', KNOWN_SUITES), {
    name: 'ScenarioError',
    message: 'there is no scenario "databse": did you mean database?',
  });
  assert.throws(() => parseNamedScenario('xyz', KNOWN_SUITES), /"tare scenarios" lists them$/);
});
