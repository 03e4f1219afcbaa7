import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { after, before, type TestContext, test } from 'node:test';
import { AH_SUITES, ESP_SUITES } from '../../../../src/ipsec/suite-table.js';
import { kernelAlgorithms } from '../../../../src/orchestrator/xfrm/kernel-algorithm.js';
import {
  createXfrmChannel,
  type ProtectedService,
  type XfrmChannel,
} from '../../../../src/orchestrator/xfrm/xfrm-channel.js';
import { xfrmRemoval } from '../../../../src/orchestrator/xfrm/xfrm-removal.js';
import type { Ipsec } from '../../../../src/scenario/scenario.js';
import { findTool, requireTool } from '../../../tool.js';

const CLEAR: Ipsec = {
  esp: null,
  ah: null,
  mode: 'transport',
  encap: false,
  esn: false,
  align4: false,
};
const V4: ProtectedService = { source: '10.98.7.1', destination: '10.98.7.2', port: 4444 };
const V6: ProtectedService = { source: 'fd98:7::1', destination: 'fd98:7::2', port: 4444 };

/** Every kind of channel there is. */
const CHANNELS: Readonly<Record<string, Partial<Ipsec>>> = {
  'ESP, combined mode': { esp: 'aes128gcm16' },
  'ESP, cipher and MAC': { esp: 'aes256-sha256' },
  'ESP that encrypts nothing': { esp: 'null-sha256' },
  AH: { ah: 'sha256' },
  'AH padded to 4 bytes, long sequence numbers': { ah: 'sha1', align4: true, esn: true },
  'AH around ESP': { esp: 'aes128-sha256', ah: 'sha256' },
  'AH around ESP in tunnel mode': { esp: 'aes128gcm16', ah: 'sha512', mode: 'tunnel', esn: true },
  'ESP in UDP, in tunnel mode': { esp: 'chacha20poly1305', mode: 'tunnel', encap: true },
  'ESP in BEET mode': { esp: 'aes128gcm16', mode: 'beet' },
};

const NAMESPACE = `tare-xfrm-${process.pid}`;
let obstacle: string | null = null;

before(() => {
  const made = findTool('ip') === undefined ? null : ip(['netns', 'add', NAMESPACE]);
  if (made !== '') obstacle = `no network namespaces here: ${made}`;
});
after(() => {
  if (obstacle === null) ip(['netns', 'del', NAMESPACE]);
});

for (const [family, service] of Object.entries({ IPv4: V4, IPv6: V6 })) {
  for (const [name, ipsec] of Object.entries(CHANNELS)) {
    test(`the kernel takes the policies of ${name} over ${family}, and removing them leaves none`, (t) => {
      if (!canUseKernel(t)) return;
      const channel = create(ipsec, service);
      for (const side of ['Source', 'Destination'] as const) {
        const policies = linesOf(channel[`add${side}`], 'xfrm policy');
        assert.equal(policies.length, 4);
        assert.equal(batch(policies), '');
        assert.equal(listPolicies().match(/^src /gm)?.length, 4);
        assert.equal(batch(linesOf(channel[`remove${side}`], 'xfrm policy')), '');
        assert.equal(listPolicies(), '');
      }
    });

    test(`ip understands the states of ${name} over ${family}`, (t) => {
      if (!canUseKernel(t)) return;
      const channel = create(ipsec, service);
      const states = linesOf(channel.addSource, 'xfrm state');
      assert.ok(states.length > 0);
      // Where the kernel has no such protocol or algorithm it says so; what ip itself cannot read is an error of ours.
      for (const state of states)
        assert.doesNotMatch(batch([state]), /is wrong|garbage|not complete|unknown|duplicate/i);
      batch(linesOf(channel.removeSource, 'xfrm state'));
    });
  }
}

test('what is to be removed goes, whatever of it is gone already', (t) => {
  if (!canUseKernel(t)) return;
  const channel = create({ esp: 'aes128-sha256' }, V4);
  const policies = linesOf(channel.addSource, 'xfrm policy');
  for (const gone of policies) {
    batch(policies);
    batch([`xfrm policy del ${/src .* dir \w+/.exec(gone)![0]}`]);
    const { program, args, input } = xfrmRemoval(channel.removeSource);
    spawnSync('ip', ['netns', 'exec', NAMESPACE, program, ...args], { input });
    assert.equal(listPolicies(), '', gone);
  }
});

test('policies are for the one service, both directions, and each side has them the other way round', (t) => {
  if (!canUseKernel(t)) return;
  const channel = create({ esp: 'aes128-sha256', ah: 'sha256' }, V4);
  batch(linesOf(channel.addDestination, 'xfrm policy'));
  const listed = listPolicies();
  batch(linesOf(channel.removeDestination, 'xfrm policy'));
  const [fromAnyone = '', first = '', toAnyone = '', second = ''] = listed.split(/^(?=src )/m).toSorted();
  assert.match(first, /^src 10\.98\.7\.1\/32 dst 10\.98\.7\.2\/32 proto (tcp|6) dport 4444/);
  assert.match(first, /dir in/);
  assert.match(second, /^src 10\.98\.7\.2\/32 dst 10\.98\.7\.1\/32 proto (tcp|6) sport 4444/);
  assert.match(second, /dir out/);
  for (const policy of [first, second]) {
    // Templates are applied in their order: ESP first, AH around it. Without an SA packets are dropped: level required.
    assert.match(policy, /proto esp[\s\S]*proto ah/);
    assert.doesNotMatch(policy, /level use/);
    assert.match(policy, /priority 0/);
  }
  // Whoever else speaks to the service, from whatever address, is not heard.
  assert.match(fromAnyone, /^src 0\.0\.0\.0\/0 dst 10\.98\.7\.2\/32 proto (tcp|6) dport 4444/);
  assert.match(fromAnyone, /dir in action block .*priority 1/);
  assert.match(toAnyone, /^src 10\.98\.7\.2\/32 dst 0\.0\.0\.0\/0 proto (tcp|6) sport 4444/);
  assert.match(toAnyone, /dir out action block .*priority 1/);
});

test('what is to be removed holds no key, and names every state that is added', () => {
  for (const ipsec of Object.values(CHANNELS)) {
    const channel = create(ipsec, V4);
    const keys = keysOf(channel);
    assert.ok(keys.length > 0);
    for (const side of ['Source', 'Destination'] as const) {
      const add = channel[`add${side}`];
      const remove = channel[`remove${side}`];
      for (const key of keys) {
        assert.ok(add.includes(key), 'the key that captures are opened with is the one the kernel gets');
        assert.ok(!remove.includes(key));
      }
      assert.doesNotMatch(remove, /0x[0-9a-f]{9,}/, 'nothing longer than an SPI');
      const spis = (text: string) => [...text.matchAll(/spi (0x[0-9a-f]+)/g)].map(([, spi]) => spi);
      assert.deepEqual(spis(remove), spis(add));
      assert.equal(new Set(spis(add)).size, channel.associations.length);
    }
  }
});

test('each run has keys and SPIs of its own', () => {
  const channels = [create({ esp: 'aes128-sha256' }, V4), create({ esp: 'aes128-sha256' }, V4)];
  const all = channels.flatMap(keysOf);
  assert.equal(new Set(all).size, 8);
});

test('nothing to protect makes no channel', () => {
  assert.equal(createXfrmChannel(CLEAR, V4), null);
});

test('a suite that Linux has not is refused by name', () => {
  const missing = [...ESP_SUITES, ...AH_SUITES].filter((suite) => kernelAlgorithms(suite) === null);
  assert.ok(missing.length > 0);
  for (const suite of missing) {
    const ipsec = { ...CLEAR, [suite.protocol]: suite.name };
    assert.throws(() => createXfrmChannel(ipsec, V4), {
      name: 'RangeError',
      message: new RegExp(suite.name.replace(/[.*+?^$()|]/g, '\\$&')),
    });
  }
});

function create(ipsec: Partial<Ipsec>, service: ProtectedService): XfrmChannel {
  const channel = createXfrmChannel({ ...CLEAR, ...ipsec }, service);
  assert.ok(channel);
  return channel;
}

function keysOf({ associations }: XfrmChannel): string[] {
  return associations
    .flatMap(({ encryptionKey, integrityKey }) => [encryptionKey, integrityKey])
    .filter((key) => key !== null)
    .map((key) => Buffer.from(key.bytes()).toString('hex'));
}

function linesOf(text: string, kind: string): string[] {
  return text.split('\n').filter((line) => line.startsWith(kind));
}

function canUseKernel(t: TestContext): boolean {
  if (!requireTool(t, 'ip')) return false;
  if (obstacle !== null) t.skip(obstacle);
  return obstacle === null;
}

function listPolicies(): string {
  const { stdout } = spawnSync('ip', ['-n', NAMESPACE, 'xfrm', 'policy'], { encoding: 'utf8' });
  return stdout;
}

/** @returns what ip complained of */
function batch(lines: readonly string[]): string {
  return ip(['-n', NAMESPACE, '-force', '-batch', '-'], `${lines.join('\n')}\n`);
}

function ip(args: readonly string[], input = ''): string {
  const { stderr, error } = spawnSync('ip', args, { encoding: 'utf8', input });
  return error?.message ?? stderr;
}
