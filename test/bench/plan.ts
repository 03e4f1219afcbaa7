// node dist/test/bench/plan.js
//
// Plan rows a second on one core, best MSS included: every MTU from 1280 to 9000 for twenty suites in two modes. The best and
// the median round; target 100 000.

import { hrtime, stdout } from 'node:process';
import { ESP_SUITES } from '../../src/ipsec/suite-table.js';
import { type PlanRequest, planRows } from '../../src/plan/rows.js';

const ROUNDS = 9;
const REQUEST: PlanRequest = {
  payloadBytes: 4 * 2 ** 30 + 12_345,
  linkMtu: { from: 1280, to: 9000 },
  esp: ESP_SUITES.slice(0, 20),
  ah: [null],
  modes: ['transport', 'tunnel'],
  udpEncap: [false],
  families: [4],
  mss: 'auto',
};

function rowsPerSecond(request: PlanRequest): { rows: number; rate: number } {
  const start = hrtime.bigint();
  let rows = 0;
  for (const row of planRows(request)) rows += row.segments > 0 ? 1 : 0;
  return { rows, rate: rows / (Number(hrtime.bigint() - start) / 1e9) };
}

/** A fixed MSS in the middle of a block makes the search for the best one do all its steps. */
const CASES: readonly [string, PlanRequest][] = [
  ['mss auto', REQUEST],
  ['mss 1380, fragmented at small MTUs', { ...REQUEST, mss: 1380 }],
  ['BEET from IPv6 to IPv4', { ...REQUEST, modes: ['beet'], families: [6], outerFamily: 4 }],
];

for (const [name, request] of CASES) {
  const rounds = Array.from({ length: ROUNDS }, () => rowsPerSecond(request));
  const rates = rounds.map(({ rate }) => rate).sort((a, b) => a - b);
  const [median, best] = [rates[ROUNDS >> 1]!, rates.at(-1)!];
  stdout.write(
    `${name}: ${rounds[0]!.rows} rows, best ${best.toFixed(0)}/s, median ${median.toFixed(0)}/s\n`,
  );
}
