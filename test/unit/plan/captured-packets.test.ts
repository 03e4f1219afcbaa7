import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Transform } from '../../../src/ipsec/encapsulation-size.js';
import { stackSizes } from '../../../src/ipsec/protection-stack.js';
import { parseAhSuite, parseEspSuite } from '../../../src/ipsec/suite.js';
import { PLAN_LAYERS } from '../../../src/plan/layer-totals.js';
import { BurstCollector, type ObservedFlow, whatIf } from '../../../src/plan/what-if.js';
import { type CapturedPacket, decodeCapture } from './decode-capture.js';

const esp = (name: string): Transform => ({ suite: parseEspSuite(name), mode: 'transport' });
const ah = (name: string): Transform => ({ suite: parseAhSuite(name), mode: 'transport' });

interface Capture {
  readonly path: string;
  readonly family: 4 | 6;
  readonly stack: Transform[];
  /** Largest TCP payload in it, as a Linux kernel chose it. */
  readonly mss: number;
}

const CAPTURES: readonly Capture[] = [
  { path: 'captures/ipsec/t4-cbc-sha1', family: 4, stack: [esp('aes128-sha1')], mss: 1406 },
  { path: 'captures/ipsec/t4-cbc-sha256', family: 4, stack: [esp('aes256-sha256')], mss: 1406 },
  { path: 'captures/ipsec/t4-chacha', family: 4, stack: [esp('chacha20poly1305')], mss: 1414 },
  { path: 'captures/ipsec/t4-gcm16', family: 4, stack: [esp('aes128gcm16')], mss: 1414 },
  { path: 'captures/ipsec/t4-esn-gcm16', family: 4, stack: [esp('aes128gcm16')], mss: 1414 },
  { path: 'captures/ipsec/t4-null-sha256', family: 4, stack: [esp('null-sha256')], mss: 1422 },
  { path: 'captures/ipsec/t4-ah-sha256', family: 4, stack: [ah('sha256')], mss: 1416 },
  {
    path: 'captures/ipsec/t4-ah-esp-cbc-sha1',
    family: 4,
    stack: [esp('aes128-sha1'), ah('sha1')],
    mss: 1374,
  },
  { path: 'captures/ipsec/t6-ah-esp', family: 6, stack: [esp('aes128-sha256'), ah('sha256')], mss: 1342 },
  {
    path: 'captures/ipsec/tun4-natt-cbc-sha256',
    family: 4,
    stack: [{ suite: parseEspSuite('aes256-sha256'), mode: 'tunnel', udpEncap: true }],
    mss: 1370,
  },
  { path: 'captures/migration/ms-gcm-1500', family: 4, stack: [esp('aes128gcm16')], mss: 1414 },
  {
    path: 'captures/migration/ms-ahesp-1500',
    family: 4,
    stack: [esp('aes128-sha256'), ah('sha256')],
    mss: 1374,
  },
];

const packetsOf = new Map<string, CapturedPacket[]>();

function packetsIn({ path }: Capture): CapturedPacket[] {
  const known = packetsOf.get(path) ?? decodeCapture(path);
  packetsOf.set(path, known);
  return known;
}

for (const capture of CAPTURES) {
  test(`each packet of ${capture.path} has the predicted size, layer by layer`, () => {
    const packets = packetsIn(capture);
    assert.ok(packets.length > 400, `${packets.length} packets`);
    for (const packet of packets) {
      const { transportBytes: transportHeaderBytes, payloadBytes } = packet;
      const sizes = stackSizes({ family: capture.family, transportHeaderBytes, payloadBytes }, capture.stack);
      assert.equal(sizes.total, packet.wireBytes, `payload ${payloadBytes}`);
      for (const layer of PLAN_LAYERS) {
        assert.equal(sizes[layer], packet.layers[layer], `${layer} at payload ${payloadBytes}`);
      }
    }
  });

  test(`the largest TCP payload in ${capture.path} is the MSS derived from its stack`, () => {
    const tcp = packetsIn(capture).filter(({ protocol }) => protocol === 6);
    assert.equal(Math.max(...tcp.map(({ payloadBytes }) => payloadBytes)), capture.mss);
    const flows = flowsOf(capture);
    const predicted = whatIf(flows, { stack: capture.stack, linkMtuBytes: 1500, mss: 'auto' });
    for (const flow of predicted.flows) assert.equal(flow.mssBytes, capture.mss);
  });

  test(`what-if with the same protection gives back the packets and bytes of ${capture.path}`, () => {
    const packets = usualTcp(capture);
    const result = whatIf(flowsOf(capture), { stack: capture.stack, linkMtuBytes: 1500, mss: 'auto' });
    assert.equal(result.packets, packets.length);
    assert.equal(
      result.wireBytes,
      sumOf(packets, ({ wireBytes }) => wireBytes),
    );
    for (const layer of PLAN_LAYERS) {
      assert.equal(
        result.layers[layer],
        sumOf(packets, ({ layers }) => layers[layer]),
        layer,
      );
    }
  });
}

test('what-if from one recording gives the bytes of the same transfer as recorded under another protection', () => {
  // The same 400 KB were sent in each of these. In t4-gcm16 one segment was sent twice, which no other recording can know.
  const recordings = CAPTURES.filter(({ path }) => path.includes('/t4-'));
  assert.equal(recordings.length, 8);
  for (const from of recordings) {
    for (const to of recordings) {
      const predicted = whatIf([bulkFlow(from)], { stack: to.stack, linkMtuBytes: 1500, mss: 'auto' });
      const difference = predicted.wireBytes - bulkBytes(to);
      const sentTwice = Number(from.path.endsWith('t4-gcm16')) - Number(to.path.endsWith('t4-gcm16'));
      const label = `${from.path} -> ${to.path}: ${difference} bytes off`;
      assert.equal(Math.sign(difference), sentTwice, label);
      assert.ok(Math.abs(difference) <= 1600, label);
    }
  }
});

/** TCP with timestamps alone: no SYN, no SACK blocks. */
function usualTcp(capture: Capture): CapturedPacket[] {
  const tcp = packetsIn(capture).filter(({ protocol }) => protocol === 6);
  const usual = tcp.filter(({ isSyn, transportBytes }) => !isSyn && transportBytes === 32);
  assert.ok(
    usual.length > 0.9 * tcp.length,
    `${usual.length} of ${tcp.length} segments have timestamps alone`,
  );
  return usual;
}

function flowsOf(capture: Capture): ObservedFlow[] {
  return directions(capture).map((packets) => {
    const collector = new BurstCollector(capture.mss);
    for (const { payloadBytes } of packets) collector.add(payloadBytes);
    collector.end();
    return {
      family: capture.family,
      linkHeaderBytes: 14,
      tcpOptionBytes: 12,
      mssBytes: capture.mss,
      bursts: collector.bursts,
      pureAcks: packets.filter(({ payloadBytes }) => payloadBytes === 0).length,
    };
  });
}

/** The flow that carried most, without its acknowledgements. */
function bulkFlow(capture: Capture): ObservedFlow {
  const carried = (flow: ObservedFlow): number => sumOf([...flow.bursts], ([bytes, count]) => bytes * count);
  const flows = flowsOf(capture).sort((a, b) => carried(b) - carried(a));
  return { ...flows[0]!, pureAcks: 0 };
}

/** Wire bytes of that flow as captured. */
function bulkBytes(capture: Capture): number {
  const withPayload = directions(capture).map((packets) =>
    packets.filter(({ payloadBytes }) => payloadBytes > 0),
  );
  return Math.max(...withPayload.map((packets) => sumOf(packets, ({ wireBytes }) => wireBytes)));
}

/** One list for each side of each connection. */
function directions(capture: Capture): CapturedPacket[][] {
  const bySource = new Map<string, CapturedPacket[]>();
  for (const packet of usualTcp(capture)) {
    const packets = bySource.get(packet.source);
    if (packets === undefined) bySource.set(packet.source, [packet]);
    else packets.push(packet);
  }
  return [...bySource.values()];
}

function sumOf<T>(items: readonly T[], value: (item: T) => number): number {
  return items.reduce((sum, item) => sum + value(item), 0);
}
