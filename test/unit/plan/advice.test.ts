import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { parseAhSuite, parseEspSuite } from '../../../src/ipsec/suite.js';
import { type Advice, type AdviceRequest, adviceFor } from '../../../src/plan/advice.js';
import fc from '../../fast-check.js';

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

test('what stands in for a device or an address is told, with the option that replaces it', () => {
  const { device: _, destination: __, ...bare } = REQUEST;
  const cautionsOf = (request: AdviceRequest): string =>
    adviceFor(request)
      .map(({ caution }) => caution)
      .join('\n');
  for (const { commands, caution } of adviceFor({ ...bare, ah: parseAhSuite('sha256') })) {
    const text = commands.join('\n');
    for (const [name, option] of [
      ['eth0', '--device'],
      ['192.0.2.2', '--destination'],
    ] as const) {
      assert.equal(caution.includes(option), text.includes(name), `${name} in ${text}`);
    }
  }
  assert.match(cautionsOf(bare), /^eth0 and 192\.0\.2\.2 are stand-ins: give --device and --destination\. /m);
  assert.match(cautionsOf({ ...bare, family: 6 }), /^eth0 and 2001:db8::2 are stand-ins/m);
  assert.match(
    cautionsOf({ ...bare, device: 'eth0' }),
    /^192\.0\.2\.2 is a stand-in: give --destination\. /m,
  );
  assert.doesNotMatch(cautionsOf({ ...REQUEST, device: 'eth0' }), /stand-in/);
});

test('routes go through the gateway, or say that they need one where the destination is behind a router', () => {
  const isRoute = ({ commands }: Advice): boolean => commands.some((each) => each.startsWith('ip route'));
  const [without, withGateway] = [undefined, '10.8.0.1'].map((gateway) =>
    adviceFor({ ...REQUEST, ...(gateway === undefined ? {} : { gateway }) }).filter(isRoute),
  );
  assert.equal(without!.length, 2);
  for (const { caution } of without!) assert.match(caution, /behind a router, give --gateway/);
  for (const { caution, commands } of withGateway!) {
    assert.doesNotMatch(caution, /--gateway/);
    assert.match(commands[0]!, /^ip route replace 10\.9\.0\.2 via 10\.8\.0\.1 dev ens1f0\.42 /);
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

test('extended sequence numbers are asked for in the proposal, of AH too', () => {
  const esp = commandsOf({ ...REQUEST, esn: true });
  assert.ok(esp.includes('connections.migration.children.migration.esp_proposals = aes128gcm16-esn'));
  const ah = commandsOf({ ...REQUEST, esn: true, esp: null, ah: parseAhSuite('sha256') });
  assert.ok(ah.includes('connections.migration.children.migration.ah_proposals = sha256-esn'));
});

const BUNDLE: AdviceRequest = { ...REQUEST, ah: parseAhSuite('sha256') };

test('AH around ESP comes as policies by hand, with the reason why strongSwan cannot set it up', () => {
  const commands = commandsOf(BUNDLE);
  assert.ok(!commands.some((command) => command.includes('proposals')));
  const templates = 'proto tcp tmpl proto esp reqid 1 mode transport tmpl proto ah reqid 2 mode transport';
  assert.ok(commands.includes(`ip xfrm policy add dir out dst 10.9.0.2 ${templates}`));
  assert.ok(commands.includes(`ip xfrm policy add dir in src 10.9.0.2 ${templates}`));
  const { caution } = adviceFor(BUNDLE).find(({ title }) => title.startsWith('AH around ESP'))!;
  assert.match(caution, /strongSwan knows no bundles/);
  assert.match(caution, /ESP with reqid 1 and AH with reqid 2; "ip -batch FILE" keeps their keys off/);
  assert.match(caution, /each ends after 2\^32 packets/);
});

test('in tunnel mode both ends of the tunnel are named, and forwarded packets have a policy too', () => {
  const host = commandsOf({ ...BUNDLE, mode: 'tunnel' });
  const outer = 'proto esp reqid 1 mode tunnel tmpl proto ah reqid 2 mode transport';
  assert.ok(
    host.includes(`ip xfrm policy add dir out dst 10.9.0.2 proto tcp tmpl src LOCAL dst 10.9.0.2 ${outer}`),
  );
  const network = commandsOf({ ...BUNDLE, mode: 'tunnel', destination: '10.9.0.0/24' });
  assert.ok(
    network.includes(`ip xfrm policy add dir fwd src 10.9.0.0/24 proto tcp tmpl src PEER dst LOCAL ${outer}`),
  );
});

test('a kernel takes the policies of AH around ESP, and gives them up by the words before the templates', (t) => {
  for (const request of [BUNDLE, { ...BUNDLE, family: 6, destination: 'fd09::2' } as const]) {
    const added = commandsOf(request).filter((command) => command.startsWith('ip xfrm policy add'));
    const deleted = added.map((command) => command.replace(' add ', ' delete ').split(' tmpl ')[0]!);
    const commands = [...added, 'ip xfrm policy', ...deleted, 'echo', 'ip xfrm policy'].join(' && ');
    // Names are in /etc/protocols, which this machine need not have.
    const script = commands.replaceAll('proto tcp', 'proto 6');
    const namespace = spawnSync('unshare', ['-Urn', 'ip', 'xfrm', 'policy'], { encoding: 'utf8' });
    if (namespace.status !== 0) return t.skip('no ip xfrm in a network namespace here');
    const { stdout, stderr } = spawnSync('unshare', ['-Urn', 'sh', '-c', script], { encoding: 'utf8' });
    assert.equal(stderr, '');
    const [before, after] = stdout.split('\n\n');
    assert.equal(
      before!.match(/proto esp reqid 1 mode transport\n.*\n.*proto ah reqid 2 mode transport/g)?.length,
      2,
    );
    assert.equal(after, '');
  }
});

test('strongSwan is advised for AH alone; clear traffic gets no IPsec advice', () => {
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
