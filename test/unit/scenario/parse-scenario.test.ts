import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseScenario } from '../../../src/scenario/parse-scenario.js';
import type { Scenario } from '../../../src/scenario/scenario.js';
import { ScenarioError } from '../../../src/scenario/scenario-error.js';
import { KNOWN_SUITES } from './known-suites.js';

function parse(text: string): Scenario {
  return parseScenario(text, { suites: KNOWN_SUITES });
}

function refusal(text: string, path?: string): ScenarioError {
  try {
    parseScenario(text, { suites: KNOWN_SUITES, ...(path === undefined ? {} : { path }) });
  } catch (error) {
    assert.ok(error instanceof ScenarioError, String(error));
    return error;
  }
  throw new assert.AssertionError({ message: `accepted: ${text}` });
}

const EVERYTHING = `# a comment
schema: tare.scenario/1
name: everything
description: Every field once.
guest:
  memory: 4GiB
  filled: 1GiB
  workload: { kind: hot-set, rate: 2000pages/s, workingSet: 256MiB, hotShare: 10%, hotWrites: 0.9 }
network: { link: 10Gbit, rtt: 200us, loss: 0.01%, mtu: 9000, mss: 1400, queue: 500packets, family: ipv6, congestionControl: reno }
ipsec: { esp: aes256gcm16, ah: sha256, mode: tunnel, encap: false, esn: true, align4: false }
migration:
  maxBandwidth: 125MB/s
  downtimeLimit: 0.5s
  multifdChannels: 4
  autoConverge: true
  xbzrle: null
  compression: { ratio: 40%, sourcePerPage: 12us, destinationPerPage: 2.5us }
  postcopyAfterIterations: 3
  timeout: 2min
hosts: { calibration: mine.json, source: { cores: 4, cpuShare: 1 }, destination: { cores: 1, cpuShare: 50% } }
seed: 7
`;

test('every field is read, in the units of the scenario', () => {
  assert.deepEqual(parse(EVERYTHING), {
    name: 'everything',
    description: 'Every field once.',
    guest: {
      memoryBytes: 2 ** 32,
      filledBytes: 2 ** 30,
      workload: {
        kind: 'hot-set',
        pagesPerSecond: 2000,
        workingSetBytes: 2 ** 28,
        hotShare: 0.1,
        hotWrites: 0.9,
      },
    },
    network: {
      linkBps: 1e10,
      rttUs: 200,
      loss: 0.0001,
      mtu: 9000,
      mss: 1400,
      queuePackets: 500,
      family: 'ipv6',
      congestionControl: 'reno',
    },
    ipsec: { esp: 'aes256gcm16', ah: 'sha256', mode: 'tunnel', encap: false, esn: true, align4: false },
    migration: {
      maxBandwidth: 125_000_000,
      downtimeLimitMs: 500,
      multifdChannels: 4,
      autoConverge: true,
      xbzrle: null,
      compression: { ratio: 0.4, sourceNsPerPage: 12_000, destinationNsPerPage: 2500 },
      postcopyAfterIterations: 3,
      timeoutMs: 120_000,
    },
    hosts: {
      calibration: 'mine.json',
      source: { cores: 4, cpuShare: 1 },
      destination: { cores: 1, cpuShare: 0.5 },
    },
    seed: 7,
  });
});

test('memory is all that must be given; the rest is what QEMU and Linux do by default', () => {
  const scenario = parse('guest: { memory: 2GiB }');
  assert.deepEqual(scenario.guest, {
    memoryBytes: 2 ** 31,
    filledBytes: 2 ** 31,
    workload: { kind: 'idle' },
  });
  assert.deepEqual(scenario.network, {
    linkBps: 1e10,
    rttUs: 200,
    loss: 0,
    mtu: 1500,
    mss: 'auto',
    queuePackets: 1000,
    family: 'ipv4',
    congestionControl: 'cubic',
  });
  assert.deepEqual(scenario.ipsec, {
    esp: null,
    ah: null,
    mode: 'transport',
    encap: false,
    esn: false,
    align4: false,
  });
  assert.deepEqual(scenario.migration, {
    maxBandwidth: 134_217_728,
    downtimeLimitMs: 300,
    multifdChannels: 0,
    autoConverge: false,
    xbzrle: null,
    compression: null,
    postcopyAfterIterations: null,
    timeoutMs: 600_000,
  });
  assert.deepEqual(scenario.hosts, {
    calibration: 'reference',
    source: { cores: 2, cpuShare: 1 },
    destination: { cores: 2, cpuShare: 1 },
  });
  assert.equal(scenario.seed, 1);
});

test('a writer writes to all filled memory unless a working set is given', () => {
  const { guest } = parse('guest: { memory: 2GiB, filled: 1GiB, workload: { kind: uniform, rate: 8MiB/s } }');
  assert.deepEqual(guest.workload, { kind: 'uniform', pagesPerSecond: 2048, workingSetBytes: 2 ** 30 });
});

test('a trace is a list of groups of pages', () => {
  const { guest } = parse(`guest:
  memory: 1GiB
  workload:
    kind: trace
    groups: [{ pages: 100, writesPerSecond: 2.5 }, { pages: 5000, writesPerSecond: 0 }]`);
  assert.deepEqual(guest.workload, {
    kind: 'trace',
    groups: [
      { pages: 100, writesPerSecond: 2.5 },
      { pages: 5000, writesPerSecond: 0 },
    ],
  });
});

test('XBZRLE has the cache of QEMU unless another is given', () => {
  const { migration } = parse('{ guest: { memory: 1GiB }, migration: { xbzrle: { delta: 25% } } }');
  assert.deepEqual(migration.xbzrle, { cacheBytes: 64 * 2 ** 20, deltaShare: 0.25 });
});

test('JSON is read as well, indented by tabs too', () => {
  const written = { guest: { memory: '1GiB', workload: 'idle' }, network: { mtu: 9000, loss: 1e-7 } };
  for (const text of [JSON.stringify(written), JSON.stringify(written, null, '\t')]) {
    const { guest, network } = parse(text);
    assert.deepEqual([guest.memoryBytes, network.mtu, network.loss], [2 ** 30, 9000, 1e-7]);
  }
});

test('words people use for nothing are null', () => {
  const scenario = parse(`guest: { memory: 1GiB }
ipsec: { esp: none, ah: off, esn: on, encap: no }
migration: { xbzrle: off, compression: none, postcopyAfterIterations: off }`);
  assert.deepEqual(scenario.ipsec, { ...parse('guest: {memory: 1GiB}').ipsec, esn: true });
  assert.equal(scenario.migration.xbzrle, null);
  assert.equal(scenario.migration.compression, null);
  assert.equal(scenario.migration.postcopyAfterIterations, null);
});

test('suites may be spelled as strongSwan allows, and get the name they are listed under', () => {
  const { ipsec } = parse('{ guest: { memory: 1GiB }, ipsec: { esp: AES128GCM128, ah: sha2_256 } }');
  assert.deepEqual([ipsec.esp, ipsec.ah], ['aes128gcm16', 'sha256']);
});

test('a scenario may extend a named one, field by field', () => {
  const base = parse('extends: office-vm');
  const changed = parse(
    'extends: office-vm\nname: mine\nguest: { workload: { rate: 1 } }\nnetwork: { mtu: 9000 }',
  );
  assert.deepEqual(changed, {
    ...base,
    name: 'mine',
    guest: { ...base.guest, workload: { ...base.guest.workload, pagesPerSecond: 1 } },
    network: { ...base.network, mtu: 9000 },
  });
});

test('a workload of another kind keeps nothing of the one it replaces', () => {
  const { guest } = parse('extends: office-vm\nguest: { workload: { kind: uniform, rate: 5 } }');
  assert.deepEqual(guest.workload, { kind: 'uniform', pagesPerSecond: 5, workingSetBytes: 2 ** 30 });
});

test('all that is wrong is told at once, each with its place', () => {
  const text = `guest:
  memory: 4096
  filed: 1GiB
  workload: { kind: hotset }
network:
  mtu: 90000
  link: 10GB/s
  max-mtu: 3
ipsec: { esp: aes128gcm1, mode: beat, encap: perhaps }
migration: { maxBandwidth: 134217728, downtimeLimit: 300, loss: 1% }
hosts:
seed: -1
colour: red
`;
  const problems = refusal(text).problems.map(
    ({ field, position }) => `${position?.line}:${position?.column} ${field}`,
  );
  assert.deepEqual(problems, [
    '2:11 guest.memory',
    '3:3 guest.filed',
    '4:21 guest.workload.kind',
    '6:8 network.mtu',
    '7:9 network.link',
    '8:3 network.max-mtu',
    '9:15 ipsec.esp',
    '9:33 ipsec.mode',
    '9:46 ipsec.encap',
    '10:28 migration.maxBandwidth',
    '10:54 migration.downtimeLimit',
    '10:59 migration.loss',
    '11:7 hosts',
    '12:7 seed',
    '13:1 colour',
  ]);
});

test('messages begin with file, line and column, as editors link to', () => {
  const error = refusal('guest:\n  memory: 1GiB\nnetwork: { mtu: 90000 }\n', 'mine.yaml');
  assert.equal(error.message, 'mine.yaml:3:17: network.mtu: 90000 is out of bounds: allowed is 576 to 65535');
});

/** What is wrong with a field -> how the message names it and what is allowed. */
const WRONG_FIELDS: readonly (readonly [text: string, message: RegExp])[] = [
  ['guest: { memory: 4096 }', /^.*guest\.memory: 4096 has no unit: write a size such as 4GiB$/],
  ['guest: { memory: 4GB }', /memory: 4GB is not a whole number of 4 KiB pages: write /],
  ['guest: { memory: 1PiB }', /memory: 1PiB is out of bounds: allowed is 4KiB to 64TiB$/],
  ['guest: {}', /guest\.memory: missing: write a size such as 4GiB$/],
  ['name: nobody', /guest: missing: write its fields below it: memory, filled, workload$/],
  ['guest: { memory: [1] }', /memory: write a size such as 4GiB$/],
  ['guest: { memory: 1GiB, workload: { kind: uniform } }', /workload\.rate: missing: write a rate such as/],
  ['guest: { memory: 1GiB, workload: { rate: 4 } }', /workload\.kind: write a kind: idle, uniform/],
  [
    'guest: { memory: 1GiB, workload: { kind: idle, rate: 4 } }',
    /workload\.rate: does not go with kind idle: choose another/,
  ],
  ['guest: { memory: 1GiB, workload: { kind: trace, groups: [] } }', /groups: has no group of pages$/],
  ['{ guest: { memory: 1GiB }, network: { rtt: 200 } }', /rtt: 200 has no unit: write a time such as/],
  ['{ guest: { memory: 1GiB }, network: { loss: 5 } }', /loss: "5" is more than the whole: write 5%/],
  ['{ guest: { memory: 1GiB }, network: { loss: -1 } }', /loss: -1 is negative: write a share/],
  [
    '{ guest: { memory: 1GiB }, network: { loss: 100% } }',
    /loss: nothing would arrive: write a share below 100%$/,
  ],
  ['{ guest: { memory: 1GiB }, network: { mss: big } }', /mss: "big" is no whole number: .*; or auto$/],
  ['{ guest: { memory: 1GiB }, network: { mtu: 1500.5 } }', /mtu: "1500\.5" is no whole number/],
  [
    '{ guest: { memory: 1GiB }, network: { family: ipv5 } }',
    /"ipv5" is none of ipv4, ipv6: did you mean ipv4\?/,
  ],
  [
    '{ guest: { memory: 1GiB }, ipsec: { ah: sha255 } }',
    /ipsec\.ah: unknown AH suite "sha255": did you mean sha256/,
  ],
  ['{ guest: { memory: 1GiB }, mtu: 9000 }', /mtu: unknown field: it belongs to network$/],
  ['{ guest: { memory: 1GiB }, schema: tare.scenario/2 }', /schema: is not tare\.scenario\/1/],
  ['extends: ofice-vm', /extends: there is no scenario "ofice-vm": did you mean office-vm\?$/],
];

test('a message says what is wrong and what is allowed', () => {
  for (const [text, message] of WRONG_FIELDS) assert.match(refusal(text).message, message, text);
});

/** Fields that do not go together. */
const CONTRADICTIONS: readonly (readonly [text: string, message: RegExp])[] = [
  ['guest: { memory: 1GiB, filled: 2GiB }', /guest\.filled: 2GiB is more than the guest's memory of 1GiB$/],
  [
    'guest: { memory: 4GiB, filled: 1GiB, workload: { kind: uniform, rate: 1, workingSet: 2GiB } }',
    /workingSet: 2GiB is more than the guest's filled memory of 1GiB$/,
  ],
  [
    'guest: { memory: 1MiB, workload: { kind: trace, groups: [{ pages: 300, writesPerSecond: 1 }] } }',
    /groups: 1200KiB of pages are more than the guest's memory of 1MiB$/,
  ],
  ['guest: { memory: 1GiB, filled: 0, workload: { kind: uniform, rate: 1 } }', /of which there is none$/],
  ['{ guest: { memory: 1GiB }, network: { mtu: 1279, family: ipv6 } }', /mtu: 1279 is too small for IPv6/],
  [
    '{ guest: { memory: 1GiB }, ipsec: { esp: aes128gcm16, ah: sha256, encap: true } }',
    /AH does not pass a NAT/,
  ],
  ['{ guest: { memory: 1GiB }, ipsec: { ah: sha256, mode: beet } }', /BEET is a mode of ESP/],
  [
    '{ guest: { memory: 1GiB }, migration: { multifdChannels: 2, xbzrle: { delta: 1% } } }',
    /xbzrle: QEMU has no XBZRLE with multifd/,
  ],
  [
    '{ guest: { memory: 1GiB }, migration: { compression: { ratio: 1, sourcePerPage: 0, destinationPerPage: 0 } } }',
    /compression: QEMU compresses in multifd channels/,
  ],
];

test('fields that contradict each other are refused', () => {
  for (const [text, message] of CONTRADICTIONS) {
    const error = refusal(text);
    assert.equal(error.problems.length, 1, text);
    assert.match(error.message, message, text);
  }
});

test('contradictions are told beside other mistakes, but not between mistakes', () => {
  const beside = refusal('guest: { memory: 1GiB, filled: 2GiB }\nnetwork: { mtu: x }');
  assert.deepEqual(
    beside.problems.map(({ field }) => field),
    ['guest.filled', 'network.mtu'],
  );
  const between = refusal('guest: { memory: 4096, filled: 2GiB }');
  assert.deepEqual(
    between.problems.map(({ field }) => field),
    ['guest.memory'],
  );
});

test('what says nothing without protection may stand there for sweeps', () => {
  const { ipsec } = parse('{ guest: { memory: 1GiB }, ipsec: { mode: beet, encap: true, align4: true } }');
  assert.deepEqual([ipsec.esp, ipsec.ah, ipsec.mode], [null, null, 'beet']);
});

test('text that is no YAML is refused at its first fault', () => {
  const wrong: Readonly<Record<string, RegExp>> = {
    'guest: [': /^line 1, column 9: /,
    'guest: { memory: 1GiB, memory: 2GiB }': /^line 1, column 24: "memory" is given twice$/,
    'guest: { memory: 1GiB }\n---\nname: x': /a second document begins here/,
    'guest: !!js/function x': /Unresolved tag/,
    '': /this is no scenario/,
    '[1, 2]': /this is no scenario/,
    '42': /this is no scenario/,
  };
  for (const [text, message] of Object.entries(wrong)) assert.match(refusal(text).message, message, text);
});

test('aliases may save typing, not blow up', () => {
  const { hosts } = parse(
    'guest: { memory: 1GiB }\nhosts: { source: &host { cores: 4 }, destination: *host }',
  );
  assert.equal(hosts.destination.cores, 4);
  const misplaced = refusal('guest: &g { memory: 1GiB, x: 1 }\nnetwork: *g');
  assert.deepEqual(misplaced.problems.map(({ field }) => field).toSorted(), [
    'guest.x',
    'network.memory',
    'network.x',
  ]);
  const levels = ['a: &a [x, x, x, x, x, x, x, x, x]'];
  for (const [i, name] of [...'bcdefgh'].entries()) {
    const below = `*${String.fromCharCode(97 + i)}`;
    levels.push(`${name}: &${name} [${Array(9).fill(below).join(', ')}]`);
  }
  assert.match(refusal(levels.join('\n')).message, /alias/);
});

test('texts too long or too deep for a scenario are refused before they cost anything', () => {
  const hostile = {
    long: `# ${'x'.repeat(300_000)}`,
    brackets: '['.repeat(60_000),
    braces: '{a: '.repeat(30_000),
    dashes: '- '.repeat(50_000),
    indented: Array.from({ length: 400 }, (_, i) => `${' '.repeat(i)}a:`).join('\n'),
  };
  for (const [name, text] of Object.entries(hostile)) {
    assert.match(refusal(text).message, /this is (longer than|nested too deeply)/, name);
  }
});

test('texts of more marks than a scenario can have are refused before they cost anything', () => {
  const marks = [
    ']',
    '}\n',
    ',',
    ':\n',
    '- a\n',
    '[],',
    '{},',
    'a: 1\n',
    '*a ',
    '&a ',
    '!t ',
    '"" ',
    '#\n',
    '@\r',
  ];
  for (const mark of marks) {
    const text = mark.repeat(Math.floor(130_000 / mark.length));
    assert.match(refusal(text).message, /this has more than 16000 marks of YAML/, mark);
  }
});

test('a trace of a thousand groups of pages is no hostile text', () => {
  const groups = Array.from(
    { length: 1000 },
    (_, i) => `      - { pages: ${i + 1}, writesPerSecond: 0.125 }`,
  );
  const { guest } = parse(
    `guest:\n  memory: 64GiB\n  workload:\n    kind: trace\n    groups:\n${groups.join('\n')}\n`,
  );
  assert.ok(guest.workload.kind === 'trace' && guest.workload.groups.length === 1000);
});

test('keys that JavaScript knows are as unknown as any other', () => {
  for (const key of ['__proto__', 'constructor', 'toString', 'hasOwnProperty']) {
    const { problems } = refusal(`guest: { memory: 1GiB, ${key}: { memory: 2GiB } }\n${key}: 1`);
    assert.deepEqual(
      problems.map(({ field }) => field),
      [`guest.${key}`, key],
    );
  }
});

test('a hundred mistakes are told in forty lines', () => {
  const keys = Array.from({ length: 100 }, (_, i) => `wrong${i}: 1`).join('\n');
  const lines = refusal(`guest: { memory: 1GiB }\n${keys}`).message.split('\n');
  assert.equal(lines.length, 41);
  assert.equal(lines.at(-1), 'and 60 more');
});
