import assert from 'node:assert/strict';
import { test } from 'node:test';
import { datagramSizes, type Transform } from '../../../src/ipsec/encapsulation-size.js';
import { advertisedMss, pathMtu, pathMtuSteps, tcpMss } from '../../../src/ipsec/path-mtu.js';
import type { ProtectionStack } from '../../../src/ipsec/protection-stack.js';
import { parseAhSuite, parseEspSuite } from '../../../src/ipsec/suite.js';
import { AH_SUITES, ESP_SUITES } from '../../../src/ipsec/suite-table.js';

function transport(esp: string | null, ah: string | null = null, align4 = false): Transform[] {
  const steps: Transform[] = [];
  if (esp !== null) steps.push({ suite: parseEspSuite(esp), mode: 'transport' });
  if (ah !== null) steps.push({ suite: parseAhSuite(ah), mode: 'transport', align4 });
  return steps;
}

/** Read off a Linux 6.1 kernel with `ss -ti`: IPv4, link MTU 1500, timestamps on. */
const MEASURED: readonly [Transform[], number, number][] = [
  [transport(null), 1500, 1448],
  [transport('aes128gcm16'), 1466, 1414],
  [transport('chacha20poly1305'), 1466, 1414],
  [transport('aes128-sha256'), 1458, 1406],
  [transport('aes128-sha1'), 1458, 1406],
  [transport('3des-sha1'), 1466, 1414],
  [transport(null, 'sha1'), 1476, 1424],
  [transport(null, 'sha256'), 1468, 1416],
  [transport(null, 'sha256', true), 1472, 1420],
  [transport(null, 'sha512'), 1452, 1400],
  [transport('aes128-sha256', 'sha256'), 1426, 1374],
  [transport('aes128-sha256', 'sha256', true), 1426, 1374],
  [transport('aes128', 'sha256'), 1442, 1390],
  [transport('aes128gcm16', 'sha256'), 1434, 1382],
  [transport('aes128gcm16', 'sha256', true), 1438, 1386],
];

function describe(stack: readonly Transform[]): string {
  return (
    stack.map(({ suite, align4 }) => `${suite.name}${align4 === true ? ' align4' : ''}`).join(' + ') ||
    'clear'
  );
}

for (const [stack, mtu, mss] of MEASURED) {
  test(`path MTU and MSS are those a Linux kernel showed for ${describe(stack)}`, () => {
    assert.equal(pathMtu(stack, 4, 1500), mtu);
    assert.equal(tcpMss(mtu, 4), mss);
    assert.equal(tcpMss(mtu, 4, 0), mss + 12);
  });
}

test('the announced MSS stays that of the bare link', () => {
  for (const [stack] of MEASURED) assert.equal(advertisedMss(stack, 4, 1500), 1460);
  assert.equal(advertisedMss(transport('aes128gcm16'), 6, 9000), 8940);
});

test('the path MTU is the largest packet that fits the link, in transport and tunnel mode, for every suite, family and MTU', () => {
  for (const suite of ESP_SUITES) {
    for (const [mode, udpEncap] of [
      ['transport', false],
      ['transport', true],
      ['tunnel', false],
      ['tunnel', true],
    ] as const) {
      for (const family of [4, 6] as const) {
        for (const linkMtu of [1280, 1400, 1492, 1499, 1500, 1501, 9000]) {
          assertLargest([{ suite, mode, udpEncap }], family, linkMtu);
        }
      }
    }
  }
});

test('the path MTU is the largest packet that fits through AH alone and AH over ESP', () => {
  for (const ah of AH_SUITES) {
    for (const family of [4, 6] as const) {
      for (const linkMtu of [1280, 1493, 1500, 9000]) {
        assertLargest([{ suite: ah, mode: 'transport' }], family, linkMtu);
        assertLargest([{ suite: ah, mode: 'tunnel' }], family, linkMtu);
        for (const name of ['aes128gcm16', 'aes256-sha384', '3des-md5']) {
          assertLargest(
            [
              { suite: parseEspSuite(name), mode: 'transport' },
              { suite: ah, mode: 'transport' },
            ],
            family,
            linkMtu,
          );
        }
      }
    }
  }
});

/** Held against the sizes that the RFCs prescribe, not against the kernel's formula. */
function assertLargest(stack: Transform[], family: 4 | 6, linkMtu: number): void {
  const mtu = pathMtu(stack, family, linkMtu);
  const header = family === 4 ? 20 : 40;
  const onWire = (bytes: number): number =>
    datagramSizes({ family, transportHeaderBytes: 20, payloadBytes: bytes - header - 20 }, stack).total;
  const label = `${describe(stack)} ${stack[0]!.mode} IPv${family} ${linkMtu}`;
  assert.ok(onWire(mtu) <= linkMtu, `${label}: ${mtu} becomes ${onWire(mtu)}`);
  assert.ok(onWire(mtu + 1) > linkMtu, `${label}: ${mtu + 1} would fit too`);
}

test('BEET mode with IPv4 inside keeps 8 bytes for a pseudo header, as esp_init_state does', () => {
  const suite = parseEspSuite('aes128gcm16');
  assert.equal(pathMtu([{ suite, mode: 'beet' }], 4, 1500), 1466 - 8);
  assert.equal(pathMtu([{ suite, mode: 'beet' }], 6, 1500), 1466);
});

test('IPv6 inside an IPv4 tunnel loses the IPv4 header, and the other way round', () => {
  const suite = parseEspSuite('aes128gcm16');
  assert.equal(pathMtu([{ suite, mode: 'tunnel', outerFamily: 4 }], 6, 1500), 1446);
  assert.equal(pathMtu([{ suite, mode: 'tunnel', outerFamily: 6 }], 4, 1500), 1426);
});

test('GCM is padded to 4 bytes, not to 16', () => {
  const gcm = transport('aes128gcm16');
  assert.equal(datagramSizes({ family: 4, transportHeaderBytes: 32, payloadBytes: 1414 }, gcm).espPadding, 0);
  const wrongPathMtu = ((1500 - 16 - 16 - 20) & ~15) + 20 - 2;
  assert.equal(wrongPathMtu, 1458);
  assert.notEqual(pathMtu(gcm, 4, 1500), wrongPathMtu);
});

test('the salts of GCM, CCM, CTR, GMAC and ChaCha20 take nothing off the path MTU', () => {
  const salted = ESP_SUITES.filter((suite) => suite.saltBytes > 0);
  assert.ok(salted.length > 20);
  for (const suite of salted) {
    const expected = ((1500 - 8 - 8 - suite.icvBytes - 20) & ~3) + 18;
    assert.equal(pathMtu([{ suite, mode: 'transport' }], 4, 1500), expected, suite.name);
  }
});

test('carriers take their headers, and VLAN tags nothing', () => {
  const cases: [ProtectionStack, number][] = [
    [[{ kind: 'vlan' }], 1500],
    [[{ kind: 'qinq' }], 1500],
    [[{ kind: 'pppoe' }], 1492],
    [[{ kind: 'mpls', labels: 2 }], 1492],
    [[{ kind: 'gre' }], 1476],
    [[{ kind: 'gre', key: true, sequence: true, checksum: true }], 1464],
    [[{ kind: 'gre', outerFamily: 6 }], 1456],
    [[{ kind: 'vxlan' }], 1450],
    [[{ kind: 'vxlan', outerFamily: 6 }], 1430],
    [[...transport('aes128gcm16'), { kind: 'pppoe' }], 1458],
    // GRE protected by transport mode, and the other way round
    [[{ kind: 'gre' }, ...transport('aes128gcm16')], 1466 - 24],
    [[...transport('aes128gcm16'), { kind: 'gre' }], 1442],
  ];
  for (const [stack, expected] of cases)
    assert.equal(pathMtu(stack, 4, 1500), expected, JSON.stringify(stack));
  assert.equal(advertisedMss([{ kind: 'gre' }, ...transport('aes128gcm16')], 4, 1500), 1476 - 40);
});

test('the steps tell what each transform takes, outermost first', () => {
  const steps = pathMtuSteps(transport('aes128-sha256', 'sha256'), 4, 1500);
  assert.deepEqual(
    steps.map(({ outsideBytes, insideBytes }) => [outsideBytes, insideBytes]),
    [
      [1500, 1468],
      [1468, 1426],
    ],
  );
});

test('a smaller MSS announced by the peer limits, options still go off', () => {
  assert.equal(tcpMss(1466, 4, 12, 1000), 988);
  assert.equal(tcpMss(1466, 4, 12, 9000), 1414);
});

test('the MSS never falls below the kernel minimum', () => {
  assert.equal(tcpMss(80, 4, 12), 36);
});

test('impossible MTUs are refused with what is possible', () => {
  assert.throws(() => pathMtu([], 4, 67), /67 does not exist for IPv4: give 68 to 65535/);
  assert.throws(() => pathMtu([], 6, 1279), /give 1280 to 65535/);
  assert.throws(() => pathMtu([], 4, 1500.5), RangeError);
  assert.throws(() => pathMtu(transport('aes128-sha512', 'sha512'), 4, 100), /leaves -?\d+ bytes inside/);
  assert.throws(() => tcpMss(1500, 4, 41), /give 0 to 40/);
});
