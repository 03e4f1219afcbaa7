import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type AlternativeName,
  planAlternatives,
  qemuTlsStreamBytes,
  sshPacketBytes,
  sshStreamBytes,
  tlsStreamBytes,
  wireguardDatagramBytes,
} from '../../../src/plan/alternatives.js';
import { planTransfer } from '../../../src/plan/transfer.js';

const REQUEST = { payloadBytes: 100_000_000, family: 4, linkMtuBytes: 1500 } as const;

function alternative(name: AlternativeName, request: Parameters<typeof planAlternatives>[0] = REQUEST) {
  return planAlternatives(request).find((each) => each.name === name)!;
}

test('a TLS 1.3 record is as long as in the trace of RFC 8448 section 3: 72 bytes for 50', () => {
  assert.equal(tlsStreamBytes(50), 72);
});

test('TLS adds 22 bytes to each 16 KiB', () => {
  assert.equal(tlsStreamBytes(16_384), 16_384 + 22);
  assert.equal(tlsStreamBytes(16_385), 16_385 + 44);
  assert.equal(tlsStreamBytes(0), 0);
});

test('QEMU sends two records for a page: its header of 8 bytes and the page', () => {
  assert.equal(qemuTlsStreamBytes(4104), 4104 + 44);
  assert.equal(qemuTlsStreamBytes(8 * 4104), 8 * (4104 + 44));
  assert.equal(qemuTlsStreamBytes(4104 + 8), 4104 + 8 + 66);
  assert.equal(qemuTlsStreamBytes(4104 + 9), 4104 + 9 + 88);
});

test('SSH packets are padded by at least 4 bytes to the block, the length field left out', () => {
  for (const blockBytes of [8, 16] as const) {
    for (let data = 1; data < 200; data++) {
      const bytes = sshPacketBytes(data, blockBytes);
      const padding = bytes - 4 - 1 - 9 - data - 16;
      assert.equal((bytes - 4 - 16) % blockBytes, 0);
      assert.ok(padding >= 4 && padding < 4 + blockBytes);
    }
  }
  // 1 + 9 + 32768 + 4 = 32782: 32784 of 16-byte blocks and of 8-byte ones
  assert.equal(sshPacketBytes(32_768, 16), 4 + 32_784 + 16);
  assert.equal(sshStreamBytes(2 * 32_768 + 1, 8), 2 * 32_804 + (4 + 16 + 16));
});

test('WireGuard takes 60 bytes over IPv4 and 80 over IPv6, pads to 16, but not beyond its MTU', () => {
  assert.equal(wireguardDatagramBytes(0, 1420, 4), 60);
  assert.equal(wireguardDatagramBytes(0, 1420, 6), 80);
  assert.equal(wireguardDatagramBytes(84, 1420, 4), 60 + 96);
  assert.equal(wireguardDatagramBytes(1420, 1420, 4), 1480);
  assert.equal(wireguardDatagramBytes(1409, 1420, 6), 1500);
});

test('WireGuard with its default MTU of 1420 sends segments of 1368 bytes', () => {
  const plan = alternative('wireguard');
  assert.equal(plan.mssBytes, 1368);
  assert.equal(plan.segments, Math.ceil(REQUEST.payloadBytes / 1368));
  assert.throws(() => planAlternatives({ ...REQUEST, wireguardMtuBytes: 1500 }), /does not fit/);
});

test('MACsec takes 32 bytes of the MTU and adds 32 to each frame, 24 without SCI', () => {
  const plan = alternative('macsec');
  assert.equal(plan.mssBytes, 1416);
  assert.equal(plan.wireBytes, REQUEST.payloadBytes + plan.packets * (66 + 32));
  assert.equal(plan.securityBytes, 32 * plan.packets);
  const short = alternative('macsec', { ...REQUEST, macsecTagBytes: 8 });
  assert.equal(plan.wireBytes - short.wireBytes, 8 * plan.packets);
});

test('bytes add up for all: payload, security, and the headers of each segment', () => {
  for (const family of [4, 6] as const) {
    for (const plan of planAlternatives({ ...REQUEST, family })) {
      const headers = plan.packets * (14 + (family === 4 ? 20 : 40) + 32);
      assert.equal(plan.wireBytes, REQUEST.payloadBytes + plan.securityBytes + headers, plan.name);
      assert.equal(plan.lineBytes, plan.wireBytes + 24 * plan.packets);
      assert.ok(plan.efficiency > 0.8 && plan.efficiency < 1);
    }
  }
});

test('none is cheaper than no protection', () => {
  const clear = planTransfer({ ...REQUEST, stack: [] });
  for (const plan of planAlternatives(REQUEST)) assert.ok(plan.wireBytes > clear.wireBytes, plan.name);
});

test('each says what it protects, needs and leaves visible, and where its numbers come from', () => {
  for (const plan of planAlternatives(REQUEST)) {
    for (const text of [plan.protects, plan.needs, plan.leavesVisible])
      assert.ok(text.length > 10, plan.name);
    assert.ok(plan.sources.length > 0);
  }
});
