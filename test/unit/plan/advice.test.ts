import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseAhSuite, parseEspSuite } from '../../../src/ipsec/suite.js';
import { type AdviceRequest, adviceFor } from '../../../src/plan/advice.js';

const REQUEST: AdviceRequest = {
  family: 4,
  linkMtuBytes: 1500,
  pathMtuBytes: 1466,
  esp: parseEspSuite('aes128gcm16'),
  ah: null,
  mode: 'transport',
  udpEncap: false,
  device: 'ens1f0.42',
  destination: '10.9.0.2',
};

function commandsOf(request: AdviceRequest): string[] {
  return adviceFor(request).flatMap(({ commands }) => commands);
}

test('the commands for GCM in transport mode are the known ones', () => {
  const commands = commandsOf(REQUEST);
  for (const expected of [
    'ip link set dev ens1f0.42 mtu 1500',
    'ip route replace 10.9.0.2 dev ens1f0.42 advmss 1426',
    'ip route replace 10.9.0.2 dev ens1f0.42 mtu 1466 advmss 1426',
    `nft 'add rule inet tare_mss forward oifname "ens1f0.42" meta nfproto ipv4 tcp flags syn tcp option maxseg size set rt mtu'`,
    `nft 'add rule inet tare_mss forward oifname "ens1f0.42" meta nfproto ipv4 tcp flags syn tcp option maxseg size set 1426'`,
    'connections.migration.children.migration.esp_proposals = aes128gcm16',
    'connections.migration.children.migration.mode = transport',
    'sysctl -w net.ipv4.tcp_mtu_probing=1',
  ]) {
    assert.ok(commands.includes(expected), `missing: ${expected}\n${commands.join('\n')}`);
  }
});

test('every piece of advice has a caution', () => {
  for (const advice of adviceFor(REQUEST)) {
    assert.ok(advice.caution.length > 40, advice.title);
    assert.ok(advice.commands.length > 0, advice.title);
  }
});

test('the MSS to announce counts IPv6 headers where they are', () => {
  const commands = commandsOf({ ...REQUEST, family: 6, destination: 'fd09::/64', gateway: 'fe80::1' });
  assert.ok(commands.includes('ip route replace fd09::/64 via fe80::1 dev ens1f0.42 advmss 1406'));
});

test('tunnel mode and UDP encapsulation bring their settings', () => {
  const commands = commandsOf({ ...REQUEST, mode: 'tunnel', udpEncap: true, connection: 'vm', child: 'ram' });
  assert.ok(commands.includes('connections.vm.encap = yes'));
  assert.ok(commands.includes('connections.vm.children.ram.copy_df = yes'));
  assert.ok(commands.includes('charon.plugins.kernel-netlink.mtu = 1466'));
});

test('AH over ESP is not offered for strongSwan, which negotiates one of them; clear traffic gets no IPsec advice', () => {
  const both = commandsOf({ ...REQUEST, ah: parseAhSuite('sha256') });
  assert.ok(!both.some((command) => command.includes('proposals')));
  const ahAlone = commandsOf({ ...REQUEST, esp: null, ah: parseAhSuite('sha256') });
  assert.ok(ahAlone.includes('connections.migration.children.migration.ah_proposals = sha256'));
  const clear = commandsOf({ ...REQUEST, esp: null, pathMtuBytes: 1500 });
  assert.ok(!clear.some((command) => command.includes('advmss') || command.includes('connections.')));
});

test('names with anything that a shell, nft or a configuration file could read as more than a name are refused', () => {
  const evil = [
    'eth0; rm -rf /',
    'eth0"',
    "eth0'",
    '$(id)',
    '`id`',
    'a b',
    'a\nb',
    '',
    '-x',
    '..',
    'a/b',
    'x'.repeat(16),
    'eth0|',
    'é',
  ];
  for (const device of evil)
    assert.throws(() => adviceFor({ ...REQUEST, device }), RangeError, JSON.stringify(device));
  for (const connection of ['a.b', 'a{', 'a=b', ''])
    assert.throws(() => adviceFor({ ...REQUEST, connection }), RangeError);
  const addresses = [
    '10.9.0.2;id',
    '10.9.0.300',
    'fd09::2',
    '10.9.0.0/33',
    '10.9.0.0/8/8',
    '10.9.0.0/-1',
    '10.9.0.0/ 8',
    'host',
    '',
  ];
  for (const destination of addresses)
    assert.throws(() => adviceFor({ ...REQUEST, destination }), RangeError, destination);
  assert.throws(() => adviceFor({ ...REQUEST, family: 6, destination: 'fe80::1%$(id)' }), RangeError);
  assert.throws(() => adviceFor({ ...REQUEST, gateway: '10.9.0.0/24' }), RangeError);
});

test('whatever is accepted leaves no character with a meaning to a shell outside the known quotes', () => {
  fc.assert(
    fc.property(
      fc.string({ maxLength: 15, unit: 'binary' }),
      fc.string({ maxLength: 20 }),
      (device, child) => {
        try {
          for (const command of commandsOf({ ...REQUEST, device, child })) {
            assert.match(command.replace(/'[^']*'/g, ''), /^[A-Za-z0-9 _.:/=-]+$/);
          }
        } catch (error) {
          assert.ok(error instanceof RangeError);
        }
      },
    ),
    { seed: 2923, numRuns: 300 },
  );
});
