import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Transform } from '../../../src/ipsec/encapsulation-size.js';
import { parseAhSuite, parseEspSuite } from '../../../src/ipsec/suite.js';
import { bestMss } from '../../../src/plan/best-mss.js';
import { mssSawtooth } from '../../../src/plan/mss-sawtooth.js';
import { packetCost } from '../../../src/plan/packet-cost.js';
import { planTransfer } from '../../../src/plan/transfer.js';

const gcm: Transform[] = [{ suite: parseEspSuite('aes128gcm16'), mode: 'transport' }];
const cbc: Transform[] = [{ suite: parseEspSuite('aes128-sha256'), mode: 'transport' }];
const v4 = { family: 4, linkMtuBytes: 1500 } as const;

test('a transfer in the clear costs what can be counted by hand', () => {
  const plan = planTransfer({ ...v4, stack: [], payloadBytes: 3000, linkBps: 1e9 });
  // 1448 + 1448 + 104 of payload; 14 + 20 + 32 in front of each
  assert.equal(plan.mssBytes, 1448);
  assert.equal(plan.segments, 3);
  assert.equal(plan.wireBytes, 3000 + 3 * 66);
  assert.equal(plan.lineBytes, 3000 + 3 * 90);
  assert.deepEqual(
    [plan.layers.link, plan.layers.ip, plan.layers.transport, plan.layers.payload],
    [42, 60, 96, 3000],
  );
  assert.deepEqual(plan.acks, { packets: 2, wireBytes: 132, lineBytes: 180 });
  assert.equal(plan.idealSeconds, (3270 * 8) / 1e9);
  assert.equal(Math.round(plan.packetsPerSecond!), Math.round(3 / plan.idealSeconds!));
  assert.equal(plan.fragmented, false);
});

test('a full GCM segment fills the link to the byte', () => {
  const plan = planTransfer({ ...v4, stack: gcm, payloadBytes: 1414 });
  assert.equal(plan.wireBytes, 1514);
  assert.deepEqual(plan.layers, {
    link: 14,
    ip: 20,
    udpEncap: 0,
    ah: 0,
    espHeader: 8,
    espIv: 8,
    espPadding: 0,
    espTrailer: 2,
    espIcv: 16,
    innerIp: 0,
    transport: 32,
    payload: 1414,
    other: 0,
  });
});

test('acknowledgements carry the protection too', () => {
  // 32 + 2 -> 36; 14 + 20 + 8 + 8 + 36 + 16 = 102, as in the bundled migration
  assert.equal(planTransfer({ ...v4, stack: gcm, payloadBytes: 1 }).acks.wireBytes, 102);
});

test('short frames are filled up to 60 bytes, and the filling is told', () => {
  const plan = planTransfer({ ...v4, stack: [], payloadBytes: 1, tcpOptionBytes: 0 });
  assert.equal(plan.wireBytes, 60);
  assert.equal(plan.fillBytes, 5);
  assert.equal(plan.layers.link, 19);
  assert.equal(plan.lineBytes, 84);
  assert.equal(plan.acks.wireBytes, 60);
});

test('an MSS that ignores IPsec sends two packets for one', () => {
  const plan = planTransfer({ ...v4, stack: gcm, payloadBytes: 1448 * 10, mss: 1448 });
  assert.equal(plan.fragmented, true);
  assert.equal(plan.packets, 20);
  // 1448 + 32 + 2 + 2 padding + 8 + 8 + 16 = 1516 of data: 1480 and 36
  assert.equal(plan.wireBytes, 10 * (1514 + 14 + Math.max(20 + 36, 46)));
  assert.ok(plan.efficiency < planTransfer({ ...v4, stack: gcm, payloadBytes: 1448 * 10 }).efficiency);
});

test('counts stay exact beyond 2^32 and up to 2^53', () => {
  const payloadBytes = 2 ** 52;
  const plan = planTransfer({ ...v4, stack: gcm, payloadBytes, mss: 1414 });
  const full = BigInt(payloadBytes) / 1414n;
  const last = BigInt(payloadBytes) % 1414n;
  const lastFrame = BigInt(Math.ceil((Number(last) + 34) / 4) * 4 + 66);
  assert.equal(BigInt(plan.wireBytes), full * 1514n + lastFrame);
  assert.throws(() => planTransfer({ ...v4, stack: gcm, payloadBytes: 2 ** 53 - 1 }), /beyond 2\^53/);
});

test('nothing to send costs nothing', () => {
  const plan = planTransfer({ ...v4, stack: gcm, payloadBytes: 0, linkBps: 1e9 });
  assert.deepEqual([plan.segments, plan.packets, plan.wireBytes, plan.efficiency], [0, 0, 0, 0]);
  assert.equal(plan.packetsPerSecond, null);
});

test('the MSS that Linux derives is the best one for GCM and CBC, alone and in AH', () => {
  const ah: Transform = { suite: parseAhSuite('sha256'), mode: 'transport' };
  for (const stack of [gcm, cbc, [...gcm, ah], [...cbc, ah]]) {
    const plan = planTransfer({ ...v4, stack, payloadBytes: 4 * 2 ** 30 });
    assert.equal(plan.bestMssBytes, plan.mssBytes);
  }
});

test('a limit in the middle of a cipher block wastes padding in each segment: the best MSS is below it', () => {
  const cost = packetCost(cbc, 4, 12);
  // payload + 32 + 2 is a multiple of 16 at 1390 and 1406
  assert.equal(bestMss(cost, 2 ** 30, 1400), 1390);
  assert.equal(bestMss(cost, 2 ** 30, 1406), 1406);
});

test('the saw-tooth rises within a block, drops behind it, and shows what no longer fits', () => {
  const points = mssSawtooth(cbc, 1500, 1380, 1430);
  assert.equal(points.length, 51);
  for (const [i, point] of points.entries()) {
    const before = points[i - 1];
    if (before === undefined) continue;
    const opensBlock = (before.mssBytes + 34) % 16 === 0;
    // The first that does not fit takes Ethernet and IP header once more, and filling up to 60, which the next block replaces.
    const fragment = point.mssBytes === 1407 ? 34 + 10 : point.mssBytes === 1423 ? -10 : 0;
    assert.equal(point.frameBytes - before.frameBytes, (opensBlock ? 16 : 0) + fragment);
    assert.equal(point.efficiency < before.efficiency, opensBlock);
    assert.equal(point.fragmented, point.mssBytes > 1406);
    assert.equal(point.fits, point.mssBytes <= 1406);
  }
  assert.equal(points.find(({ mssBytes }) => mssBytes === 1406)!.paddingBytes, 0);
  assert.throws(() => mssSawtooth(cbc, 1500, 10, 9), RangeError);
  // IP 20, ESP header 8, IV 16, ICV 16 leave 65475, which holds 65472 of blocks; TCP takes 32, the trailer 2.
  assert.equal(mssSawtooth(cbc, 1500, 65_400, 65_534).at(-1)!.mssBytes, 65_438);
});

test('carriers are charged to link, other and the inner IP header', () => {
  const plan = planTransfer({
    ...v4,
    stack: [...gcm, { kind: 'vxlan' }, { kind: 'vlan' }],
    payloadBytes: 1000,
    mss: 1000,
  });
  assert.deepEqual(
    [plan.layers.link, plan.layers.other, plan.layers.ip, plan.layers.innerIp],
    [18, 30, 20, 20],
  );
});

test('what makes no sense is refused with what to do', () => {
  assert.throws(() => planTransfer({ ...v4, stack: gcm, payloadBytes: -1 }), /payloadBytes is -1/);
  assert.throws(() => planTransfer({ ...v4, stack: gcm, payloadBytes: 1, mss: 0 }), /from 1 to 65534/);
  assert.throws(() => planTransfer({ ...v4, stack: gcm, payloadBytes: 1, linkBps: 0 }), /bits per second/);
  assert.throws(
    () => planTransfer({ ...v4, stack: [{ kind: 'vlan' }, ...gcm], payloadBytes: 1 }),
    /aes128gcm16 lies outside vlan/,
  );
});
