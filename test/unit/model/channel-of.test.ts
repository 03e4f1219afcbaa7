import assert from 'node:assert/strict';
import { test } from 'node:test';
import { channelOf, threadCostsOf } from '../../../src/model/channel-of.js';
import { ModelError } from '../../../src/model/model-error.js';
import { datagramBytes } from '../../../src/plan/packet-cost.js';
import { calibrationWith, MIB, scenarioWith } from './drive-thread.js';

const CALIBRATION = calibrationWith();

/** What a real kernel chose (Linux 6.1, IPv4, timestamps on, AH padded to 8). */
const MEASURED = [
  { ipsec: { esp: null, ah: null }, mtu: 1500, mss: 1448 },
  { ipsec: { esp: 'aes128gcm16', ah: null }, mtu: 1500, mss: 1414 },
  { ipsec: { esp: null, ah: 'sha256' }, mtu: 1500, mss: 1416 },
  { ipsec: { esp: 'aes128gcm16', ah: 'sha256' }, mtu: 1500, mss: 1382 },
  { ipsec: { esp: 'aes128gcm16', ah: 'sha256', align4: true }, mtu: 1500, mss: 1386 },
] as const;

for (const { ipsec, mtu, mss } of MEASURED) {
  test(`${JSON.stringify(ipsec)} at MTU ${mtu}: segments of ${mss} bytes, as Linux makes them, fill the link's MTU`, () => {
    const channel = channelOf(scenarioWith({ ipsec, network: { mtu } }), CALIBRATION);
    assert.equal(channel.mssBytes, mss);
    assert.equal(channel.mtuBytes, mtu);
    const datagram = datagramBytes(channel.cost, mss);
    assert.ok(datagram <= mtu && datagram > mtu - 16, `${datagram}`);
  });
}

test('suites add their costs to those of TCP in the clear', () => {
  const clear = channelOf(scenarioWith(), CALIBRATION);
  const both = channelOf(scenarioWith({ ipsec: { esp: 'aes128gcm16', ah: 'sha256' } }), CALIBRATION);
  assert.equal(both.source.sendPacketNs, clear.source.sendPacketNs + 1000 + 2000);
  assert.equal(both.destination.receiveByteNs, clear.destination.receiveByteNs + 0.5 + 1);
});

test('a suite that differs in the length of its ICV alone costs the same', () => {
  const shorter = channelOf(scenarioWith({ ipsec: { esp: 'aes128gcm8' } }), CALIBRATION);
  const whole = channelOf(scenarioWith({ ipsec: { esp: 'aes128gcm16' } }), CALIBRATION);
  assert.equal(shorter.source.sendPacketNs, whole.source.sendPacketNs);
  assert.equal(shorter.mssBytes, whole.mssBytes + 8);
});

test('one core is shared by all, and takes longer by the share that is left to it', () => {
  const whole = channelOf(scenarioWith({ source: { cores: 1, cpuShare: 1 } }), CALIBRATION);
  const half = channelOf(scenarioWith({ source: { cores: 1, cpuShare: 0.5 } }), CALIBRATION);
  assert.equal(whole.source.sharedCore, true);
  assert.equal(half.source.sendPacketNs, 2 * whole.source.sendPacketNs);
  assert.equal(half.source.pageNs, 2 * whole.source.pageNs);
  assert.equal(half.destination.sharedCore, false);
});

test('of several cores one is for packets and the others are for QEMU', () => {
  for (const [cores, processServers] of [
    [2, 1],
    [4, 3],
    [8, 7],
  ] as const) {
    const { source } = channelOf(scenarioWith({ source: { cores, cpuShare: 0.5 } }), CALIBRATION);
    assert.equal(source.sharedCore, false);
    assert.equal(source.processServers, processServers);
    assert.equal(source.sendPacketNs, CALIBRATION.tcp.send.packetNs);
  }
});

test("what QEMU's connections do for a page is what the migration thread leaves to them", () => {
  const costs = threadCostsOf(scenarioWith({ source: { cores: 1, cpuShare: 0.5 } }), CALIBRATION);
  assert.equal(costs.pageNs, 600);
  assert.equal(costs.queuePageNs, 200);
  assert.equal(costs.connectionPageNs, 400);
});

test('costs for each page of RAM count all RAM', () => {
  const { qemu } = CALIBRATION;
  const calibration = { ...CALIBRATION, qemu: { ...qemu, setupNs: 0, setupPageNs: 10 } };
  const guest = { memoryBytes: MIB, filledBytes: 0, workload: { kind: 'idle' } } as const;
  assert.equal(threadCostsOf(scenarioWith({ guest }), calibration).setupNs, (256 + 130) * 10);
});

test('modes, UDP encapsulation and alignment without IPsec change nothing', () => {
  const clear = channelOf(scenarioWith(), CALIBRATION);
  const idle = channelOf(
    scenarioWith({ ipsec: { mode: 'tunnel', encap: true, align4: true, esn: true } }),
    CALIBRATION,
  );
  assert.deepEqual(idle, clear);
});

const IMPOSSIBLE: readonly [string, Parameters<typeof scenarioWith>[0], RegExp][] = [
  [
    'a suite that does not exist',
    { ipsec: { esp: 'aes129gcm16' } },
    /unknown ESP suite "aes129gcm16": did you mean/,
  ],
  [
    'a suite that is not calibrated',
    { ipsec: { esp: 'aes256-sha512' } },
    /calibration made-up has no costs of ESP aes256-sha512: it has aes128gcm16/,
  ],
  ['AH that is not calibrated', { ipsec: { ah: 'sha1' } }, /no costs of AH sha1: it has sha256/],
  [
    'an MTU that IPv6 does not have',
    { network: { family: 'ipv6', mtu: 1000 } },
    /MTU of 1000 does not exist for IPv6/,
  ],
  [
    'an MTU that IPsec leaves nothing of',
    { ipsec: { esp: 'aes128gcm16', mode: 'tunnel' }, network: { mtu: 68 } },
    /give a larger one/,
  ],
  ['AH in BEET mode', { ipsec: { ah: 'sha256', mode: 'beet' } }, /AH has no BEET mode/],
  ['an MSS of 0', { network: { mss: 0 } }, /MSS of 0 is impossible/],
  ['an MSS that makes more than IP carries', { network: { mss: 65_534 } }, /more than IP carries/],
  ['a host without cores', { source: { cores: 0, cpuShare: 1 } }, /0 cores/],
  ['a host without time', { destination: { cores: 1, cpuShare: 0 } }, /share 0/],
];

for (const [title, parts, message] of IMPOSSIBLE) {
  test(`${title} is refused with a message that says what`, () => {
    assert.throws(
      () => channelOf(scenarioWith(parts), CALIBRATION),
      (error: unknown) => error instanceof ModelError && message.test(error.message),
    );
  });
}

test('an MSS above what the path takes makes fragments', () => {
  const channel = channelOf(
    scenarioWith({ ipsec: { esp: 'aes128gcm16' }, network: { mss: 1460 } }),
    CALIBRATION,
  );
  assert.equal(channel.mssBytes, 1460);
  assert.ok(datagramBytes(channel.cost, 1460) > channel.mtuBytes);

  // Two fragments: either host handles one packet more for each segment; acknowledgements are as they were.
  const whole = channelOf(scenarioWith({ ipsec: { esp: 'aes128gcm16' } }), CALIBRATION);
  const { send, receive } = CALIBRATION.tcp;
  assert.equal(channel.source.sendPacketNs, whole.source.sendPacketNs + send.packetNs);
  assert.equal(channel.destination.receivePacketNs, whole.destination.receivePacketNs + receive.packetNs);
  assert.equal(channel.source.receivePacketNs, whole.source.receivePacketNs);
  assert.equal(channel.destination.sendPacketNs, whole.destination.sendPacketNs);
});

test('what AH around ESP does once for both is taken off where both are there, and nowhere else', () => {
  const shared = { ...CALIBRATION, sharedNs: 700 };
  const sendNs = (ipsec: object, calibration: typeof shared | typeof CALIBRATION) =>
    channelOf(scenarioWith({ ipsec }), calibration).source.sendPacketNs;
  const both = { esp: 'aes128gcm16', ah: 'sha256' };
  assert.equal(sendNs(both, shared), sendNs(both, CALIBRATION) - 700);
  assert.equal(sendNs({ esp: 'aes128gcm16' }, shared), sendNs({ esp: 'aes128gcm16' }, CALIBRATION));
});

test("what the guest's writing takes is off the share of a source's only core", () => {
  const calibration = { ...CALIBRATION, guestWriteNs: 100_000 };
  const workload = { kind: 'uniform', pagesPerSecond: 2000, workingSetBytes: MIB } as const;
  const guest = { memoryBytes: 16 * MIB, filledBytes: 8 * MIB, workload };
  const sendNs = (cores: number) =>
    channelOf(scenarioWith({ source: { cores, cpuShare: 1 }, guest }), calibration).source.sendPacketNs;
  assert.ok(Math.abs(sendNs(1) / sendNs(2) - 1 / 0.8) < 1e-9, "a fifth of the core is the guest's");
});
