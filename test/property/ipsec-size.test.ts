import assert from 'node:assert/strict';
import { test } from 'node:test';
import { datagramSizes, espSizes, type Transform } from '../../src/ipsec/encapsulation-size.js';
import { AH_SUITES, ESP_SUITES } from '../../src/ipsec/suite-table.js';
import fc from '../fast-check.js';

const espSuites = fc.constantFrom(...ESP_SUITES);
const payloads = fc.nat({ max: 65_535 });

const espTransforms: fc.Arbitrary<Transform> = fc.record({
  suite: espSuites,
  mode: fc.constantFrom('transport', 'tunnel', 'beet'),
  outerFamily: fc.constantFrom(4, 6),
  udpEncap: fc.boolean(),
});
const ahTransforms: fc.Arbitrary<Transform> = fc.record({
  suite: fc.constantFrom(...AH_SUITES),
  mode: fc.constantFrom('transport', 'tunnel'),
  outerFamily: fc.constantFrom(4, 6),
  align4: fc.boolean(),
});
const packets = fc.record({
  family: fc.constantFrom(4 as const, 6 as const),
  ipOptionBytes: fc.nat({ max: 5 }).map((n) => n * 8),
  transportHeaderBytes: fc.nat({ max: 60 }),
  payloadBytes: payloads,
});

test('ESP parts add up, padding is minimal and the cipher text is aligned', () => {
  fc.assert(
    fc.property(espSuites, payloads, (suite, payloadBytes) => {
      const sizes = espSizes(suite, payloadBytes);
      const { espHeader, iv, padding, trailer, icv, total } = sizes;
      assert.equal(espHeader + iv + payloadBytes + padding + trailer + icv, total);
      assert.equal((payloadBytes + padding + trailer) % suite.alignBytes, 0);
      assert.ok(padding >= 0 && padding < suite.alignBytes);
      assert.equal(total % 4, 0);
    }),
  );
});

test('more payload never makes a shorter ESP packet', () => {
  fc.assert(
    fc.property(espSuites, payloads, fc.nat({ max: 100 }), (suite, payloadBytes, more) => {
      assert.ok(espSizes(suite, payloadBytes + more).total >= espSizes(suite, payloadBytes).total);
    }),
  );
});

test('every byte of a datagram has one owner, whatever the stack of transforms', () => {
  const stacks = fc.array(fc.oneof(espTransforms, ahTransforms), { maxLength: 4 });
  fc.assert(
    fc.property(packets, stacks, (packet, transforms) => {
      const { total, ...parts } = datagramSizes(packet, transforms);
      assert.equal(
        Object.values(parts).reduce((sum, bytes) => sum + bytes, 0),
        total,
      );
      assert.equal(parts.payload, packet.payloadBytes);
      assert.equal(parts.transport, packet.transportHeaderBytes);
      assert.equal(parts.espTrailer, 2 * transforms.filter(({ suite }) => suite.protocol === 'esp').length);
    }),
  );
});
