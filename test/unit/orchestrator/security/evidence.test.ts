import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Host } from '../../../../src/orchestrator/hosts/host.js';
import type { NetworkCounters } from '../../../../src/orchestrator/measure/network-counters.js';
import { authenticationCheck } from '../../../../src/orchestrator/security/authentication-check.js';
import { confidentialityCheck, originCheck } from '../../../../src/orchestrator/security/wire-checks.js';
import type { RunPlace } from '../../../../src/orchestrator/steps/run-context.js';

const KEY = { algorithm: 'ssh-ed25519', fingerprint: 'SHA256:abc' };

function place(
  source: object,
  destination: object,
  hosts: Partial<Record<'source' | 'destination', object>> = {},
) {
  return {
    hosts: {
      source: { name: 'alpha', ...hosts.source },
      destination: { name: 'beta', ...hosts.destination },
    } as Record<'source' | 'destination', Host>,
    descriptions: { source, destination } as RunPlace['descriptions'],
  } as RunPlace;
}

test('what proves a host is told: which key, who knows it; or that there is none', () => {
  const ssh = { kind: 'ssh', destination: 'root@alpha' };
  const pinned = { ...ssh, hostKeys: ['SHA256:abc'] };
  const both = authenticationCheck(
    place(pinned, ssh, { source: { hostKey: KEY }, destination: { hostKey: null } }),
  );
  assert.equal(
    both.evidence,
    'source: alpha, whose ssh server has the ssh-ed25519 key SHA256:abc that ssh knows and the inventory names; ' +
      'destination: beta, whose ssh server proved itself without a host key (Kerberos)',
  );
  const local = { kind: 'local' };
  assert.equal(authenticationCheck(place(local, local)).evidence, 'both are this machine itself');
  assert.match(
    authenticationCheck(place(local, ssh, { destination: { hostKey: KEY } })).evidence,
    /^source: this machine itself; destination: beta, whose ssh server has the ssh-ed25519 key SHA256:abc that ssh knows$/,
  );
});

test('nobody can read the guest only if all was encrypted, and by something that encrypts', () => {
  const whole = { unprotected: [], packets: 100 };
  const verdict = (ipsec: { esp: string | null; ah: string | null }, wire: typeof whole | object = whole) =>
    confidentialityCheck(ipsec, { ...whole, ...wire }).ok;
  assert.equal(verdict({ esp: 'aes128gcm16', ah: null }), true);
  assert.equal(verdict({ esp: 'aes128-sha256', ah: 'sha256' }), true);
  assert.equal(verdict({ esp: null, ah: 'sha256' }), false);
  assert.equal(verdict({ esp: 'null-sha256', ah: null }), false);
  assert.equal(verdict({ esp: 'aes128gmac', ah: null }), false);
  assert.equal(verdict({ esp: 'aes128gcm16', ah: null }, { packets: 0 }), false);
  const oneOpen = { unprotected: [{ what: 'clear', packets: 1 }] };
  assert.equal(verdict({ esp: 'aes128gcm16', ah: null }, oneOpen), false);
});

test('who sent it is certain only if both kernels had the SAs, and refused nothing', () => {
  const counters = (spis: readonly string[], failed = 0): NetworkCounters => ({
    xfrm: null,
    tcp: {},
    states: spis.map((spi) => ({
      ...{ protocol: 'esp', spi, source: '', destination: '', bytes: 1, packets: 1 },
      ...{ outsideWindow: 0, replayed: 0, failed },
    })),
  });
  const ipsec = { esp: 'aes128gcm16', ah: null };
  const both = ['0x01000001', '0x01000002'];
  const verdict = (source: NetworkCounters, destination: NetworkCounters) =>
    originCheck(ipsec, [0x01000001, 0x01000002], { source, destination });
  assert.equal(verdict(counters(both), counters([...both, '0x0badcafe'])).ok, true);
  assert.equal(verdict(counters(both), counters(['0x01000001'])).ok, false);
  const forged = verdict(counters(both), counters(both, 3));
  assert.equal(forged.ok, false);
  assert.match(forged.evidence, /they refused 6 packets whose ICV did not verify/);
});
