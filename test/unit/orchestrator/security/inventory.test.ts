import assert from 'node:assert/strict';
import { chmodSync, chownSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { authorize, type MigrationRequest } from '../../../../src/orchestrator/security/authorize.js';
import { parseHostPlace, writeHostPlace } from '../../../../src/orchestrator/security/host-place.js';
import { parseInventory } from '../../../../src/orchestrator/security/inventory.js';
import { readInventoryFile } from '../../../../src/orchestrator/security/inventory-file.js';

const folder = mkdtempSync(join(tmpdir(), 'tare-inventory-'));
after(() => rmSync(folder, { recursive: true }));

const KEY = `SHA256:${'k'.repeat(43)}`;
const TEXT = `
schema: tare.inventory/1
operators: [alice, bob]
hosts:
  alpha: { at: "ssh://root@alpha.example", device: eth1, address: 10.9.0.1, hostKey: ${KEY} }
  beta:
    at: ssh://ops@[fd00::2]:2222
    sudo: true
    device: eth1
    address: [10.9.0.2, "fd09::2"]
  here: { at: local, device: eth0 }
guests:
  test-guest: { test: true }
  web: { domain: web-1 }
  db: { qmp: /run/db.qmp }
auditLog: /var/log/tare/audit.jsonl
`;

test('an inventory says what it says, and what is left out is nothing in particular', () => {
  assert.deepEqual(parseInventory(TEXT, 'x.yaml'), {
    operators: ['alice', 'bob'],
    hosts: {
      alpha: {
        at: { kind: 'ssh', destination: 'root@alpha.example' },
        sudo: false,
        device: 'eth1',
        addresses: ['10.9.0.1'],
        hostKeys: [KEY],
      },
      beta: {
        at: { kind: 'ssh', destination: 'ops@fd00::2', port: 2222 },
        sudo: true,
        device: 'eth1',
        addresses: ['10.9.0.2', 'fd09::2'],
        hostKeys: [],
      },
      here: { at: { kind: 'local' }, sudo: false, device: 'eth0', addresses: [], hostKeys: [] },
    },
    guests: {
      'test-guest': { kind: 'test' },
      web: { kind: 'domain', domain: 'web-1' },
      db: { kind: 'qmp', socket: '/run/db.qmp' },
    },
    auditLog: '/var/log/tare/audit.jsonl',
  });
  const json = '{"schema":"tare.inventory/1","operators":["a"],"hosts":{}}';
  assert.deepEqual(parseInventory(json, 'x.json').guests, {});
});

test('what is wrong is told with file, line, column and field, all at once', () => {
  const wrong = TEXT.replace('[alice, bob]', 'alice')
    .replace('ssh://root@alpha.example', 'root@alpha')
    .replace(KEY, 'SHA256:short')
    .replace('sudo: true', 'sudo: maybe')
    .replace('web-1', 'web-1, test: true')
    .replace('auditLog: /var', 'auditlog: /var');
  assert.throws(() => parseInventory(wrong, 'x.yaml'), {
    name: 'InventoryError',
    message: [
      'x.yaml:3:12: operators: write a list of login names',
      'x.yaml:5:16: hosts.alpha.at: write ssh://USER@HOST, ssh://USER@HOST:PORT, or local',
      'x.yaml:5:72: hosts.alpha.hostKey: write SHA256:... as "ssh-keygen -l -f /etc/ssh/ssh_host_ed25519_key.pub" shows it on the host',
      'x.yaml:8:11: hosts.beta.sudo: write true or false',
      'x.yaml:14:8: guests.web: write test: true, domain: NAME, or qmp: SOCKET',
      'x.yaml:16:1: auditlog: unknown field',
    ].join('\n'),
  });
  for (const [text, said] of [
    ['', /this is no inventory/],
    ['[1', /^x\.yaml:1:/],
    ['schema: tare.scenario/1\noperators: []\nhosts: {}', /write tare\.inventory\/1/],
    [
      'schema: tare.inventory/1\noperators: []\nhosts: { "a b": { at: local, device: lo } }',
      /write a name of letters/,
    ],
    [
      'schema: tare.inventory/1\noperators: []\nhosts: { a: { at: local } }',
      /hosts\.a\.device: write the name of a/,
    ],
    [`schema: tare.inventory/1\n${'x'.repeat(200_000)}`, /longer than 131072 characters, and no inventory/],
  ] as const)
    assert.throws(() => parseInventory(text, 'x.yaml'), { name: 'InventoryError', message: said });
});

test('a file that others could list themselves in is not believed', (t) => {
  const path = join(folder, 'inventory.yaml');
  writeFileSync(path, TEXT);
  chmodSync(path, 0o644);
  const file = readInventoryFile(path);
  assert.equal(file?.inventory.operators.length, 2);
  assert.match(file!.sha256, /^[0-9a-f]{64}$/);
  for (const mode of [0o664, 0o646]) {
    chmodSync(path, mode);
    assert.throws(() => readInventoryFile(path), { message: /can be written by others.*chmod go-w/ });
  }
  chmodSync(path, 0o600);
  if (process.geteuid?.() !== 0) return t.diagnostic('only root can give files away');
  chownSync(path, 12_345, 0);
  assert.throws(() => readInventoryFile(path), { message: /belongs to another user/ });
});

test('an inventory that is not there is none only if nobody named it', () => {
  const missing = join(folder, 'missing.yaml');
  assert.throws(() => readInventoryFile(missing), { name: 'InventoryError', message: /cannot read/ });
  assert.throws(() => readInventoryFile(folder), { name: 'InventoryError' });
  const before = process.env['XDG_CONFIG_HOME'];
  process.env['XDG_CONFIG_HOME'] = folder;
  assert.equal(readInventoryFile(null), null);
  if (before === undefined) delete process.env['XDG_CONFIG_HOME'];
  else process.env['XDG_CONFIG_HOME'] = before;
});

test('places are written as they were read', () => {
  for (const text of [
    'local',
    'ssh://alpha',
    'ssh://root@alpha.example:22',
    'ssh://root@[fd00::1]',
    'ssh://root@[fd00::1]:2222',
  ])
    assert.equal(writeHostPlace(parseHostPlace(text)!), text);
  for (const text of [
    '',
    'alpha',
    'root@alpha',
    'ssh://',
    'ssh://-oProxyCommand=x',
    'ssh://a:99999',
    'ssh://a/b',
  ])
    assert.equal(parseHostPlace(text), null, text);
});

const FILE = { path: '/etc/inventory.yaml', sha256: 'ab'.repeat(32), inventory: parseInventory(TEXT, 'x') };
const REQUEST: MigrationRequest = {
  operator: { name: 'alice', userId: 1000, identifiedBy: 'login' },
  guest: { kind: 'test' },
  source: { host: 'alpha', device: null },
  destination: { host: 'beta', device: null },
};

test('what is listed is admitted, by name or by place', () => {
  const named = authorize(FILE, REQUEST);
  assert.deepEqual([named.source.name, named.destination.name, named.guest], ['alpha', 'beta', 'test-guest']);
  const placed = authorize(FILE, {
    ...REQUEST,
    guest: { kind: 'domain', domain: 'web-1' },
    source: { host: parseHostPlace('ssh://root@alpha.example:22')!, device: 'eth1' },
    destination: { host: { kind: 'local' }, device: null },
  });
  assert.deepEqual([placed.source.name, placed.destination.name, placed.guest], ['alpha', 'here', 'web']);
});

test('what is not listed is refused, each with what to add where', () => {
  const refused = (change: Partial<MigrationRequest>, ...lines: string[]) =>
    assert.throws(() => authorize(FILE, { ...REQUEST, ...change }), {
      name: 'NotListedError',
      message: lines.join('\n'),
    });
  refused(
    { operator: { name: 'mallory', userId: 7, identifiedBy: 'user' } },
    'operator mallory is not listed: add mallory to operators in /etc/inventory.yaml',
  );
  refused(
    { source: { host: 'gamma', device: null }, guest: { kind: 'domain', domain: 'hr' } },
    'host gamma is not listed (but alpha, beta, here): add gamma: { at: ssh://USER@HOST, device: eth1 } to hosts in /etc/inventory.yaml',
    'libvirt domain hr is not listed: add hr: { domain: hr } to guests in /etc/inventory.yaml',
  );
  refused(
    { destination: { host: parseHostPlace('ssh://ops@[fd00::2]')!, device: 'ens3' } },
    'host ssh://ops@[fd00::2] is not listed (but alpha, beta, here): add NAME: { at: ssh://ops@[fd00::2], device: ens3 } to hosts in /etc/inventory.yaml',
  );
  refused(
    { source: { host: 'alpha', device: 'eth0' } },
    'device eth0 of host alpha is not listed (but eth1): change device of this host in /etc/inventory.yaml',
  );
  refused(
    { guest: { kind: 'qmp', socket: '/run/other.qmp' } },
    'the guest with QMP socket /run/other.qmp is not listed: add NAME: { qmp: /run/other.qmp } to guests in /etc/inventory.yaml',
  );
});
