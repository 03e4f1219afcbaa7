import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { datagramSizes, type Transform } from '../../../src/ipsec/encapsulation-size.js';
import {
  fragmentBytes,
  hopFate,
  type PacketFate,
  packetFate,
} from '../../../src/ipsec/path-mtu-fragments.js';
import { parseAhSuite, parseEspSuite } from '../../../src/ipsec/suite.js';
import { ESP_SUITES } from '../../../src/ipsec/suite-table.js';
import { repoPath } from '../../repo-root.js';

const esp = (name: string): Transform => ({ suite: parseEspSuite(name), mode: 'transport' });
const ah = (name: string): Transform => ({ suite: parseAhSuite(name), mode: 'transport' });

const STACKS: Readonly<Record<string, { family: 4 | 6; stack: Transform[] }>> = {
  't4-cbc-sha1': { family: 4, stack: [esp('aes128-sha1')] },
  't4-cbc-sha256': { family: 4, stack: [esp('aes256-sha256')] },
  't4-chacha': { family: 4, stack: [esp('chacha20poly1305')] },
  't4-gcm16': { family: 4, stack: [esp('aes128gcm16')] },
  't4-esn-gcm16': { family: 4, stack: [esp('aes128gcm16')] },
  't4-null-sha256': { family: 4, stack: [esp('null-sha256')] },
  't4-ah-sha256': { family: 4, stack: [ah('sha256')] },
  't4-ah-esp-cbc-sha1': { family: 4, stack: [esp('aes128-sha1'), ah('sha1')] },
  't6-ah-esp': { family: 6, stack: [esp('aes128-sha256'), ah('sha256')] },
  'tun4-natt-cbc-sha256': {
    family: 4,
    stack: [{ suite: parseEspSuite('aes256-sha256'), mode: 'tunnel', udpEncap: true }],
  },
};

interface ExpectedFragments {
  captures: Record<string, number[][]>;
}

const expected = JSON.parse(
  readFileSync(repoPath('test/golden/expected/fragments.json'), 'utf8'),
) as ExpectedFragments;

test('every bundled IPsec capture has an expectation and a stack', () => {
  assert.deepEqual(Object.keys(expected.captures).sort(), Object.keys(STACKS).sort());
});

for (const [name, { family, stack }] of Object.entries(STACKS)) {
  test(`a ping of 2000 bytes falls into the fragments seen in ${name}`, () => {
    const seen = expected.captures[name]!;
    assert.equal(seen.length, 2);
    for (const ipBytes of seen) {
      assert.deepEqual(sent(ping(2000, family), stack), { kind: 'sent', fragmented: 'after', ipBytes });
    }
  });
}

function ping(dataBytes: number, family: 4 | 6) {
  return { family, transportBytes: 8 + dataBytes, dontFragment: false, origin: 'socket' } as const;
}

function sent(packet: Parameters<typeof packetFate>[0], stack: Transform[]): PacketFate {
  return packetFate(packet, stack, 1500);
}

test('a packet of the path MTU leaves whole, one byte more does not', () => {
  const stack = [esp('aes128gcm16')];
  assert.deepEqual(sent({ ...ping(0, 4), transportBytes: 1446 }, stack), {
    kind: 'sent',
    fragmented: 'no',
    ipBytes: [1500],
  });
  const larger = sent({ ...ping(0, 4), transportBytes: 1447 }, stack);
  assert.equal(larger.kind === 'sent' && larger.fragmented, 'after');
});

test('with DF the sender is told the path MTU instead', () => {
  const packet = { ...ping(2000, 4), dontFragment: true };
  assert.deepEqual(sent(packet, [esp('aes128gcm16')]), { kind: 'refused', mtuBytes: 1466 });
});

test('a forwarded packet is cut at the link, not at the path MTU', () => {
  const stack: Transform[] = [{ suite: parseEspSuite('aes128gcm16'), mode: 'tunnel' }];
  const fate = sent({ family: 4, transportBytes: 1480, dontFragment: false, origin: 'forwarded' }, stack);
  // 1500 inner + 2 + 2 padding + 8 + 8 + 16 = 1536 of data in packets of 1480
  assert.deepEqual(fate, { kind: 'sent', fragmented: 'after', ipBytes: [1500, 76] });
});

test('IPv6 is fragmented before encryption in tunnel mode, and never when forwarded', () => {
  const stack: Transform[] = [{ suite: parseEspSuite('aes128gcm16'), mode: 'tunnel' }];
  const fate = sent(ping(2000, 6), stack);
  assert.ok(fate.kind === 'sent');
  assert.equal(fate.fragmented, 'before');
  // path MTU 1426: 1376 bytes of data, then 632; each with 48 of headers, then ESP and the outer header
  assert.deepEqual(
    fate.ipBytes,
    [1376, 632].map((data) => 40 + 16 + Math.ceil((48 + data + 2) / 4) * 4 + 16),
  );
  assert.deepEqual(sent({ ...ping(2000, 6), origin: 'forwarded' }, stack), {
    kind: 'refused',
    mtuBytes: 1426,
  });
});

test('datagrams of a socket fall into pieces that fit the link and add up, for every suite and mode', () => {
  for (const suite of ESP_SUITES) {
    for (const mode of ['transport', 'tunnel', 'beet'] as const) {
      const stack: Transform[] = [{ suite, mode, udpEncap: suite.keyBits === 256 }];
      const withAh: Transform[] = mode === 'transport' ? [...stack, ah('sha512')] : stack;
      for (let bytes = 1400; bytes < 4600; bytes += 53) {
        const fate = sent(ping(bytes, 4), withAh);
        assert.ok(fate.kind === 'sent');
        const data = fate.ipBytes.map((size) => size - 20);
        assert.ok(
          data.every((size) => size > 0 && size <= 1480),
          `${suite.name} ${mode} ${bytes}: ${data}`,
        );
        assert.ok(data.slice(0, -1).every((size) => size % 8 === 0));
        const whole = datagramSizes(
          { family: 4, transportHeaderBytes: 8, payloadBytes: bytes },
          withAh,
        ).total;
        assert.equal(
          data.reduce((a, b) => a + b),
          whole - 20,
        );
      }
    }
  }
});

test('fragments carry all bytes, multiples of 8 but for the last', () => {
  for (const family of [4, 6] as const) {
    const header = family === 4 ? 20 : 48;
    for (const mtu of [1280, 1500, 1501, 9000]) {
      for (let bytes = mtu - 10; bytes < 3 * mtu; bytes += 37) {
        const sizes = fragmentBytes(bytes, family, mtu);
        if (bytes <= mtu) {
          assert.deepEqual(sizes, [bytes]);
          continue;
        }
        const data = sizes.map((size) => size - header);
        assert.equal(
          data.reduce((a, b) => a + b),
          bytes - (family === 4 ? 20 : 40),
        );
        assert.ok(data.slice(0, -1).every((size) => size % 8 === 0));
        assert.ok(sizes.every((size) => size <= mtu && size > header));
      }
    }
  }
});

test('a router passes, fragments, reports, or swallows', () => {
  const packet = { ipBytes: 1500, family: 4, dontFragment: true } as const;
  assert.deepEqual(hopFate(packet, 1500, true), { kind: 'passes' });
  assert.deepEqual(hopFate(packet, 1400, true), { kind: 'reported', mtuBytes: 1400 });
  assert.deepEqual(hopFate(packet, 1400, false), { kind: 'black-hole' });
  assert.deepEqual(hopFate({ ...packet, dontFragment: false }, 1400, false), {
    kind: 'fragmented',
    ipBytes: [1396, 124],
  });
  assert.deepEqual(hopFate({ ...packet, family: 6, dontFragment: false }, 1400, false), {
    kind: 'black-hole',
  });
});

test('carriers outside IPsec narrow the device, carriers inside are refused', () => {
  const fate = packetFate(ping(2000, 4), [esp('aes128gcm16'), { kind: 'pppoe' }], 1500);
  assert.ok(fate.kind === 'sent' && fate.ipBytes.every((bytes) => bytes <= 1492));
  assert.throws(
    () => packetFate(ping(8, 4), [{ kind: 'gre' }, esp('aes128gcm16')], 1500),
    /gre lies inside IPsec/,
  );
});
