import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Transform } from '../../src/ipsec/encapsulation-size.js';
import { pathMtu, tcpMss } from '../../src/ipsec/path-mtu.js';
import { type Carrier, type ProtectionStack, stackSizes } from '../../src/ipsec/protection-stack.js';
import { AH_SUITES, ESP_SUITES } from '../../src/ipsec/suite-table.js';
import { bestMss } from '../../src/plan/best-mss.js';
import { PLAN_LAYERS, sumOfLayers } from '../../src/plan/layer-totals.js';
import { frameBytes, packetCost, paddingOf } from '../../src/plan/packet-cost.js';
import { planTransfer } from '../../src/plan/transfer.js';
import { type ObservedFlow, whatIf } from '../../src/plan/what-if.js';
import fc from '../fast-check.js';

const SEED = 4301;
const RUNS = { seed: SEED, numRuns: 400 };

const families = fc.constantFrom<4 | 6>(4, 6);
const tcpOptions = fc.constantFrom(0, 12, 20, 40);
const espTransform: fc.Arbitrary<Transform> = fc.record({
  suite: fc.constantFrom(...ESP_SUITES),
  mode: fc.constantFrom<Transform['mode']>('transport', 'tunnel', 'beet'),
  udpEncap: fc.boolean(),
});
const ahTransform: fc.Arbitrary<Transform> = fc.record({
  suite: fc.constantFrom(...AH_SUITES),
  mode: fc.constantFrom<Transform['mode']>('transport', 'tunnel'),
  align4: fc.boolean(),
});
const ipCarrier = fc.constantFrom<Carrier>({ kind: 'gre', key: true }, { kind: 'vxlan' });
const linkCarrier = fc.constantFrom<Carrier>(
  { kind: 'vlan' },
  { kind: 'qinq' },
  { kind: 'pppoe' },
  { kind: 'mpls', labels: 2 },
);
const stacks: fc.Arbitrary<ProtectionStack> = fc
  .tuple(
    fc.array(fc.oneof(espTransform, espTransform, ahTransform, ipCarrier), { maxLength: 3 }),
    fc.array(linkCarrier, { maxLength: 1 }),
  )
  .map(([steps, links]) => [...steps, ...links]);
const linkMtus = fc.integer({ min: 1280, max: 9216 });

test('the formula for a packet agrees with its layers added one by one, for any stack and length', () => {
  fc.assert(
    fc.property(
      stacks,
      families,
      tcpOptions,
      fc.integer({ min: 0, max: 9000 }),
      (stack, family, options, payloadBytes) => {
        const cost = packetCost(stack, family, options);
        const packet = { family, transportHeaderBytes: 20 + options, payloadBytes };
        const sizes = stackSizes(packet, stack);
        assert.equal(frameBytes(cost, payloadBytes), Math.max(60, sizes.total));
        assert.equal(paddingOf(cost, payloadBytes), sizes.espPadding);
        assert.equal(
          PLAN_LAYERS.reduce((sum, layer) => sum + sizes[layer], 0),
          sizes.total,
        );
      },
    ),
    RUNS,
  );
});

/** The definition: try every MSS. */
function bestMssOfAll(
  stack: ProtectionStack,
  family: 4 | 6,
  options: number,
  bytes: number,
  limit: number,
): number {
  const cost = packetCost(stack, family, options);
  let best = limit;
  let fewest = Number.POSITIVE_INFINITY;
  for (let mss = limit; mss >= 1; mss--) {
    const last = bytes % mss;
    const full = (bytes - last) / mss;
    const segments = full + (last > 0 ? 1 : 0);
    const wire =
      full * frameBytes(cost, mss) +
      (last > 0 ? frameBytes(cost, last) : 0) +
      Math.ceil(segments / 2) * frameBytes(cost, 0);
    if (wire < fewest) {
      fewest = wire;
      best = mss;
    }
  }
  return best;
}

test('the best MSS is the one that a search through all finds, for any stack, transfer and limit', () => {
  const transfers = fc.oneof(fc.integer({ min: 1, max: 20_000 }), fc.integer({ min: 1, max: 2 ** 40 }));
  const limits = fc.oneof(fc.integer({ min: 1, max: 80 }), fc.integer({ min: 1, max: 2000 }));
  fc.assert(
    fc.property(stacks, families, tcpOptions, transfers, limits, (stack, family, options, bytes, limit) => {
      const cost = packetCost(stack, family, options);
      assert.equal(bestMss(cost, bytes, limit), bestMssOfAll(stack, family, options, bytes, limit));
    }),
    { ...RUNS, numRuns: 1500 },
  );
});

test('the best MSS holds where short frames are filled up too', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 3000 }), fc.integer({ min: 1, max: 1460 }), (bytes, limit) => {
      const cost = packetCost([], 4, 0);
      assert.equal(bestMss(cost, bytes, limit), bestMssOfAll([], 4, 0, bytes, limit));
    }),
    { ...RUNS, numRuns: 1500 },
  );
});

test('layers add up to the wire bytes, the payload is all there, and nothing is fragmented at the derived MSS', () => {
  fc.assert(
    fc.property(
      stacks,
      families,
      linkMtus,
      fc.integer({ min: 0, max: 2 ** 45 }),
      (stack, family, mtu, payloadBytes) => {
        fc.pre(hasRoom(stack, family, mtu));
        const plan = planTransfer({ payloadBytes, stack, family, linkMtuBytes: mtu });
        assert.equal(sumOfLayers(plan.layers), plan.wireBytes);
        assert.equal(plan.layers.payload, payloadBytes);
        assert.equal(plan.packets, plan.segments);
        assert.equal(plan.fragmented, false);
        assert.equal(plan.lineBytes, plan.wireBytes + 24 * plan.packets);
        assert.ok(plan.bestMssBytes <= plan.mssBytes);
      },
    ),
    RUNS,
  );
});

test('a larger MTU never takes more packets, and never a smaller MSS', () => {
  fc.assert(
    fc.property(
      stacks,
      families,
      linkMtus,
      fc.integer({ min: 1, max: 64 }),
      fc.integer({ min: 0, max: 2 ** 40 }),
      (stack, family, mtu, more, payloadBytes) => {
        fc.pre(hasRoom(stack, family, mtu));
        const small = planTransfer({ payloadBytes, stack, family, linkMtuBytes: mtu });
        const large = planTransfer({ payloadBytes, stack, family, linkMtuBytes: mtu + more });
        assert.ok(large.mssBytes >= small.mssBytes);
        assert.ok(large.packets <= small.packets);
      },
    ),
    RUNS,
  );
});

test('an MSS beyond what fits never carries the transfer in fewer bytes than the best MSS', () => {
  fc.assert(
    fc.property(
      espTransform,
      families,
      linkMtus,
      fc.integer({ min: 1, max: 400 }),
      (transform, family, mtu, beyond) => {
        fc.pre(transform.mode !== 'beet');
        const request = { payloadBytes: 2 ** 30, stack: [transform], family, linkMtuBytes: mtu };
        const fitting = planTransfer(request);
        const tooLarge = planTransfer({ ...request, mss: fitting.mssBytes + beyond });
        assert.equal(tooLarge.fragmented, true);
        assert.ok(tooLarge.packets > fitting.packets);
        assert.equal(sumOfLayers(tooLarge.layers), tooLarge.wireBytes);
      },
    ),
    RUNS,
  );
});

test('more payload never costs fewer bytes, and protection never fewer than none', () => {
  fc.assert(
    fc.property(
      stacks,
      families,
      linkMtus,
      fc.integer({ min: 1, max: 2 ** 40 }),
      (stack, family, mtu, payloadBytes) => {
        fc.pre(hasRoom(stack, family, mtu));
        const request = { stack, family, linkMtuBytes: mtu };
        const plan = planTransfer({ ...request, payloadBytes });
        assert.ok(planTransfer({ ...request, payloadBytes: payloadBytes + 1 }).wireBytes >= plan.wireBytes);
        assert.ok(planTransfer({ ...request, stack: [], payloadBytes }).wireBytes <= plan.wireBytes);
      },
    ),
    RUNS,
  );
});

test('what-if keeps all payload, and repeats counts exactly where protection and MSS are as observed', () => {
  const bursts = fc.dictionary(
    fc.integer({ min: 1, max: 200_000 }).map(String),
    fc.integer({ min: 1, max: 500 }),
  );
  fc.assert(
    fc.property(
      stacks,
      families,
      bursts,
      fc.integer({ min: 0, max: 1000 }),
      (stack, family, histogram, pureAcks) => {
        fc.pre(hasRoom(stack, family, 1500));
        const mssBytes = tcpMss(pathMtu(stack, family, 1500), family, 12);
        const entries = Object.entries(histogram).map(([bytes, count]) => [Number(bytes), count] as const);
        const flow: ObservedFlow = {
          family,
          linkHeaderBytes: 14,
          tcpOptionBytes: 12,
          mssBytes,
          bursts: new Map(entries),
          pureAcks,
          peer: 0,
        };
        const result = whatIf([flow], { stack, linkMtuBytes: 1500, mss: 'auto' });
        const segments = entries.reduce(
          (sum, [bytes, count]) => sum + Math.ceil(bytes / mssBytes) * count,
          0,
        );
        assert.equal(result.packets, segments + pureAcks);
        assert.equal(
          result.layers.payload,
          entries.reduce((sum, [bytes, count]) => sum + bytes * count, 0),
        );
        assert.equal(sumOfLayers(result.layers), result.wireBytes);
        const smaller = whatIf([flow], { stack, linkMtuBytes: 1500, mss: Math.max(1, mssBytes - 100) });
        assert.ok(smaller.packets >= result.packets);
      },
    ),
    RUNS,
  );
});

/** A few stacks of three leave less than a packet's headers of a small MTU. */
function hasRoom(stack: ProtectionStack, family: 4 | 6, mtu: number): boolean {
  return tcpMss(pathMtu(stack, family, mtu), family, 0) > 100;
}
