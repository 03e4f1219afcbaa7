import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseAhSuite, parseEspSuite } from '../../../src/ipsec/suite.js';
import { best, type PlanRequest, planRows, stackOf } from '../../../src/plan/rows.js';
import { planTransfer } from '../../../src/plan/transfer.js';

const esp = parseEspSuite('aes128gcm16');
const ah = parseAhSuite('sha256');
const REQUEST: PlanRequest = {
  payloadBytes: 10_000_000,
  linkMtu: { from: 1400, to: 1500, step: 50 },
  esp: [null, esp],
  ah: [null, ah],
  modes: ['transport', 'tunnel', 'beet'],
  udpEncap: [false, true],
  families: [4, 6],
  mss: 'auto',
};

test('a sweep has a row for each combination that exists', () => {
  const rows = [...planRows(REQUEST)];
  const seen = new Set(rows.map(({ esp, ah, mode, udpEncap }) => [esp, ah, mode, udpEncap].join(' ')));
  // clear; AH in 2 modes; ESP in 3 with and without UDP; AH over ESP in 3
  assert.equal(seen.size, 1 + 2 + 6 + 3);
  assert.equal(rows.length, seen.size * 2 * 3);
  assert.deepEqual([...new Set(rows.map(({ linkMtuBytes }) => linkMtuBytes))], [1400, 1450, 1500]);
});

test('each row says what planTransfer says', () => {
  for (const row of planRows({ ...REQUEST, mss: { from: 1200, to: 1500, step: 100 } })) {
    const stack = stackOf({
      esp: row.esp === null ? null : esp,
      ah: row.ah === null ? null : ah,
      mode: row.mode ?? 'transport',
      udpEncap: row.udpEncap,
    });
    const plan = planTransfer({
      payloadBytes: REQUEST.payloadBytes,
      stack,
      family: row.family,
      linkMtuBytes: row.linkMtuBytes,
      mss: row.mssBytes,
    });
    const {
      pathMtuBytes,
      bestMssBytes,
      segments,
      packets,
      wireBytes,
      lineBytes,
      layers,
      fragmented,
      efficiency,
    } = plan;
    assert.deepEqual(
      { pathMtuBytes, bestMssBytes, segments, packets, wireBytes, lineBytes, layers, fragmented, efficiency },
      {
        pathMtuBytes: row.pathMtuBytes,
        bestMssBytes: row.bestMssBytes,
        segments: row.segments,
        packets: row.packets,
        wireBytes: row.wireBytes,
        lineBytes: row.lineBytes,
        layers: row.layers,
        fragmented: row.fragmented,
        efficiency: row.efficiency,
      },
    );
  }
});

test('the best row takes the fewest bytes; a smaller MTU may cost no more than a larger one', () => {
  const cbc = { ...REQUEST, esp: [parseEspSuite('aes128-sha1')], ah: [null], families: [4] as const };
  const rows = [
    ...planRows({ ...cbc, modes: ['transport'], udpEncap: [false], linkMtu: { from: 1490, to: 1500 } }),
  ];
  // 20 + 24 + 90 blocks of 16 + 12 = 1496 bytes: the next block fits from 1512 on.
  assert.equal(best(rows)!.linkMtuBytes, 1496);
  assert.equal(rows.at(-1)!.wireBytes, best(rows)!.wireBytes);
});

test('rows that fragment are passed over while there are others', () => {
  const rows = [
    ...planRows({ ...REQUEST, esp: [esp], ah: [null], mss: { from: 100, to: 1448, step: 1348 } }),
  ];
  assert.ok(rows.some(({ fragmented }) => fragmented));
  assert.equal(best(rows)!.fragmented, false);
  assert.equal(best(rows.filter(({ fragmented }) => fragmented))!.fragmented, true);
  assert.equal(best([]), null);
});

test('BEET and tunnel take the outer family, transport does not', () => {
  const rows = [
    ...planRows({ ...REQUEST, esp: [esp], ah: [null], outerFamily: 6, families: [4], udpEncap: [false] }),
  ];
  const mtus = Object.fromEntries(
    rows.map(({ mode, linkMtuBytes, pathMtuBytes }) => [`${mode} ${linkMtuBytes}`, pathMtuBytes]),
  );
  assert.equal(mtus['transport 1500'], 1466);
  assert.equal(mtus['tunnel 1500'], 1426);
});

test('ranges that make no sense are refused before the first row', () => {
  assert.throws(
    () => planRows({ ...REQUEST, linkMtu: { from: 1500, to: 1400 } }),
    /linkMtu from 1500 to 1400/,
  );
  assert.throws(() => planRows({ ...REQUEST, linkMtu: 1279 }), /too small for IPv6: start at 1280/);
  assert.throws(() => planRows({ ...REQUEST, mss: 0 }), RangeError);
  assert.throws(() => planRows({ ...REQUEST, payloadBytes: 0.5 }), RangeError);
});
