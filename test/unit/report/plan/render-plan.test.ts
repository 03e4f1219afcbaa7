import assert from 'node:assert/strict';
import { test } from 'node:test';
import { stripVTControlCharacters } from 'node:util';
import stringWidth from 'string-width';
import { parseAhSuite, parseEspSuite } from '../../../../src/ipsec/suite.js';
import { ESP_SUITES } from '../../../../src/ipsec/suite-table.js';
import { emptyTotals } from '../../../../src/plan/layer-totals.js';
import { calculatePlan, type PlanResult } from '../../../../src/plan/plan-result.js';
import type { PlanProtection, PlanSettings } from '../../../../src/plan/plan-settings.js';
import { type ObservedTraffic, reportWhatIf } from '../../../../src/plan/what-if-report.js';
import type { CurveChart } from '../../../../src/report/chart/chart-definition.js';
import { planCharts } from '../../../../src/report/chart/plan-charts.js';
import { groupAlikeSuites } from '../../../../src/report/plan/alike-suites.js';
import { renderPlan } from '../../../../src/report/plan/render-plan.js';
import { planPage, planReport } from '../../../../src/report/plan/render-plan-page.js';
import { joinSuiteNames, protectionName } from '../../../../src/report/run/protection-name.js';

const esp = (name: string): PlanProtection => ({ esp: parseEspSuite(name), ah: null });
const ah = (name: string): PlanProtection => ({ esp: null, ah: parseAhSuite(name) });

const SETTINGS: PlanSettings = {
  payloadBytes: 1_000_000_000,
  linkBps: 1e10,
  protections: [esp('aes128-sha1')],
  mode: 'transport',
  udpEncap: false,
  esn: false,
  align4: false,
  family: 4,
  linkMtus: [{ from: 1500, to: 1500 }],
  mss: 'auto',
};

/** Two full segments of 1448 and an acknowledgement, in the clear. */
const TRAFFIC: ObservedTraffic = {
  captured: {
    packets: 4,
    wireBytes: 3154,
    layers: { ...emptyTotals(), link: 56, ip: 80, transport: 96, payload: 2896, other: 26 },
  },
  resegmented: {
    packets: 3,
    wireBytes: 3094,
    layers: { ...emptyTotals(), link: 42, ip: 60, transport: 96, payload: 2896 },
  },
  flows: [
    {
      family: 4,
      linkHeaderBytes: 14,
      tcpOptionBytes: 12,
      mssBytes: 1448,
      bursts: new Map([[2896, 1]]),
      pureAcks: 0,
    },
    { family: 4, linkHeaderBytes: 14, tcpOptionBytes: 12, mssBytes: 1448, bursts: new Map(), pureAcks: 1 },
  ],
  kept: { notTcp: 1, handshake: 0, retransmitted: 0, tcpOptions: 0, fragments: 0, closed: 0, unusual: 0 },
  inferredPackets: 0,
  superFrames: { frames: 0, bytes: 0 },
};

function plain(result: PlanResult, width = 80): string {
  return renderPlan(result, { width, color: false });
}

/** Paragraphs without line breaks. */
function flowing(result: PlanResult): string {
  return plain(result).replace(/\n */g, ' ');
}

const CASES: Readonly<Record<string, PlanResult>> = {
  one: calculatePlan(SETTINGS),
  sweep: calculatePlan({ ...SETTINGS, linkMtus: [{ from: 1280, to: 9000, step: 10 }] }),
  fragments: calculatePlan({ ...SETTINGS, mss: { from: 1448, to: 1448 } }),
  all: calculatePlan({
    ...SETTINGS,
    protections: [esp('aes128gcm16'), ...ESP_SUITES.map(({ name }) => esp(name)), ah('sha256')],
    mode: 'tunnel',
    family: 6,
  }),
  whatIf: calculatePlan(SETTINGS, reportWhatIf(['a\u001b[31m.pcap'], TRAFFIC, SETTINGS)),
};

for (const [name, result] of Object.entries(CASES)) {
  test(`no line but a command is wider than the terminal: ${name}`, () => {
    const commands = new Set(result.advice.flatMap((advice) => advice.commands));
    for (const width of [40, 80, 120, 200]) {
      for (const line of plain(result, width).split('\n')) {
        assert.ok(commands.has(line) || stringWidth(line) <= width, `${width}: ${line}`);
      }
    }
  });

  test(`colour changes no text: ${name}`, () => {
    const coloured = renderPlan(result, { width: 80, color: true });
    assert.equal(stripVTControlCharacters(coloured), plain(result));
  });
}

test('everything behind the report but commands is a comment to the shell', () => {
  const lines = plain(CASES['one']!).split('\n');
  const advice = lines.slice(lines.findIndex((line) => line.startsWith('# ')));
  const commands = new Set(CASES['one']!.advice.flatMap((each) => each.commands));
  for (const line of advice) assert.ok(line === '' || line.startsWith('#') || commands.has(line), line);
});

test('an MSS on the edge of a block is told from one within', () => {
  assert.match(flowing(CASES['one']!), /MSS 1406 ends where ESP's blocks of 16 bytes do: none/);
  const within = calculatePlan({ ...SETTINGS, mss: { from: 1400, to: 1400 } });
  assert.match(flowing(within), /6 bytes of padding in every segment; 1406 carries 6 more in the same frame/);
  assert.match(flowing(within), /MSS 1406 would save/);
  const authenticated = calculatePlan({ ...SETTINGS, protections: [ah('sha256')] });
  assert.match(flowing(authenticated), /No padding: AH knows no blocks\. 1417 would not fit/);
});

test('the parts of a full packet add up to it', () => {
  const [, total, parts] = /A full packet: ([\d,]+) bytes = ([^.]+)\./.exec(flowing(CASES['one']!))!;
  const sum = [...parts!.matchAll(/ (\d+)(?:,|$)/g)].reduce((bytes, match) => bytes + Number(match[1]), 0);
  assert.equal(sum, Number(total!.replace(',', '')));
});

test('names of captures reach the terminal escaped', () => {
  assert.ok(!plain(CASES['whatIf']!).includes('\u001b'));
  assert.ok(!JSON.stringify(planPage(CASES['whatIf']!).lead).includes('\\u001b'));
});

test('what offloads put together is said to be left out', () => {
  const traffic = { ...TRAFFIC, superFrames: { frames: 7, bytes: 28_386 } };
  const text = flowing(calculatePlan(SETTINGS, reportWhatIf(['a.pcap'], traffic, SETTINGS)));
  assert.match(text, /Left out: 90\.0 % of what was captured, 28\.4 kB in 7 super-frames/);
  assert.doesNotMatch(flowing(CASES['whatIf']!), /super-frame/);
});

test('what was cut anew and what was kept is said', () => {
  const text = flowing(CASES['whatIf']!);
  assert.match(text, /Cut anew: 3 packets of 2 flows/);
  assert.match(text, /Kept as captured: 1 packet \(1 not TCP\)/);
  assert.match(text, /no IPsec +1500 +auto +4 +same +3,154 +same/);
});

test('suites of the same sizes that protect alike share a line', () => {
  const result = calculatePlan({
    ...SETTINGS,
    protections: [
      esp('aes128gcm16'),
      esp('chacha20poly1305'),
      esp('aes256gcm16'),
      esp('aes128gmac'),
      ah('sha256'),
    ],
  });
  const groups = groupAlikeSuites(result);
  assert.deepEqual(
    groups.map(({ names, weakness }) => [names.join(' '), weakness]),
    [
      ['aes128gcm16 chacha20poly1305 aes256gcm16', ''],
      ['AH sha256', 'readable'],
      ['aes128gmac', 'readable'],
    ],
  );
  const labels = planReport(result).fullPackets!.map(({ label }) => label);
  assert.deepEqual(labels, [
    'no IPsec',
    'aes128gcm16 (2 alike) transport',
    'AH sha256 (readable) transport',
    'aes128gmac (readable) transport',
  ]);
});

test('the card says what IPsec adds in the figures of the headline', () => {
  for (const name of ['one', 'sweep', 'fragments', 'all']) {
    const { lead, facts } = planPage(CASES[name]!);
    const [, amount, share] = /on the wire, (.+) \((.+)\) more than without IPsec/.exec(lead[0]!.text)!;
    const card = facts!.find(({ label }) => label === 'IPsec adds')!;
    assert.deepEqual([card.value, card.note], [amount, `${share} more than without`]);
  }
  const { wireBytes } = CASES['one']!.chosen;
  // Segments of 1406 with 104 bytes around them, the last one with 4 of padding, against 1448 with 66: packets that IPsec makes
  // more have headers too.
  assert.equal(wireBytes, 1_000_000_000 + 711_238 * 104 + 4);
  const clear = 1_000_000_000 + 690_608 * 66;
  assert.equal(planPage(CASES['one']!).facts![1]!.value, `${((wireBytes - clear) / 1e6).toFixed(1)} MB`);
});

test('no name of a suite breaks in 80 columns, whatever else stands in the line', () => {
  const protections = [
    { esp: parseEspSuite('aes128gcm16'), ah: parseAhSuite('sha512') },
    { esp: parseEspSuite('camellia256-sha256_96'), ah: parseAhSuite('sha512') },
  ] as const;
  for (const mss of ['auto', { from: 2000, to: 2000 }] as const) {
    for (const first of [esp('aes128gcm16'), esp('camellia256-sha256_96'), protections[0], protections[1]]) {
      const result = calculatePlan({ ...SETTINGS, protections: [first, ...protections], mss });
      const words = plain(result).split('\n\n').slice(1, 3).join(' ').split(/\s+/);
      for (const suite of ['aes128gcm16', 'camellia256-sha256_96']) {
        assert.ok(words.includes(suite), `${suite}: ${words.join(' ')}`);
      }
      const parts = words.filter((word) => /^(aes128gcm|camellia256-)$/.test(word));
      assert.deepEqual(parts, []);
    }
  }
});

test('a best row is the best of as many as there are to tell apart', () => {
  const alike = [esp('aes128gcm16'), esp('chacha20poly1305'), esp('aes256gcm16')] as const;
  const two = calculatePlan({ ...SETTINGS, protections: [alike[0], alike[1]] });
  assert.match(flowing(two), /Both suites take the same bytes\. No other MSS/);
  assert.doesNotMatch(flowing(two), /combinations/);
  const three = calculatePlan({ ...SETTINGS, protections: alike });
  assert.match(flowing(three), /All 3 suites take the same bytes\. No other MSS/);
  const different = calculatePlan({ ...SETTINGS, protections: [...alike, esp('aes128-sha256')] });
  assert.match(flowing(different), /That is the best of 2 combinations\./);
  const linkMtus = [
    { from: 1500, to: 1500 },
    { from: 9000, to: 9000 },
  ];
  const links = calculatePlan({ ...SETTINGS, protections: alike, linkMtus });
  assert.match(flowing(links), /That is the best of 2 combinations\./);
});

test('a suite that anybody could read is no match for one that nobody can', () => {
  const readable = calculatePlan({ ...SETTINGS, protections: [esp('aes128gcm16'), esp('null-sha1')] });
  assert.match(flowing(readable), /compared that nobody can read or forge, none takes fewer bytes/);
  const more = [esp('aes128gcm16'), esp('null-sha1'), esp('aes128gcm8')] as const;
  const result = calculatePlan({ ...SETTINGS, protections: more });
  assert.match(flowing(result), /Best of 2 combinations that nobody can read or forge: aes128gcm8,/);
  const allReadable = calculatePlan({ ...SETTINGS, protections: [esp('null-sha1'), ah('sha256')] });
  assert.match(flowing(allReadable), /best of 2 combinations\./i);
});

test('between two MTUs efficiency is computed, not drawn straight', () => {
  const linkMtus = [
    { from: 1500, to: 1500 },
    { from: 9000, to: 9000 },
  ];
  const report = planReport(calculatePlan({ ...SETTINGS, linkMtus }));
  assert.deepEqual(report.mtuCurve?.askedMtus, [1500, 9000]);
  const chart = planCharts(report).find(({ id }) => id === 'efficiency-over-mtu') as CurveChart;
  assert.match(chart.subtitle!, /computed every 32 bytes of MTU/);
  const clear = chart.series.find(({ name }) => name === 'no IPsec')!;
  assert.ok(clear.points.length > 200);
  for (const { x, y } of clear.points) {
    // 52 bytes of IP, TCP and timestamps in each packet, 14 of Ethernet around it; the last packet is shorter.
    assert.ok(Math.abs(y - (x - 52) / (x + 14)) < 1e-4, `${x}: ${y}`);
  }
  assert.deepEqual([clear.points[0]!.x, clear.points.at(-1)!.x], [1500, 9000]);
});

test('where every MTU was asked for, nothing more is computed for the curve', () => {
  const linkMtus = [{ from: 1400, to: 1500 }];
  assert.equal(planReport(calculatePlan({ ...SETTINGS, linkMtus })).mtuCurve, undefined);
  assert.equal(planReport(CASES['one']!).mtuCurve, undefined);
});

test('a curve between MTUs is computed at fewer of them where each has many MSSs', () => {
  const linkMtus = [
    { from: 1500, to: 1500 },
    { from: 9000, to: 9000 },
  ];
  const { mtuCurve } = planReport(calculatePlan({ ...SETTINGS, linkMtus, mss: { from: 1000, to: 8900 } }));
  assert.ok(mtuCurve!.rows.length < 100_000, `${mtuCurve!.rows.length}`);
});

test('names are short', () => {
  assert.equal(protectionName({ esp: 'aes128-sha1', ah: 'sha256' }), 'aes128-sha1 in AH sha256');
  assert.equal(protectionName({ esp: null, ah: 'sha256' }), 'AH sha256');
  assert.equal(protectionName({ esp: null, ah: null }), 'no IPsec');
  assert.equal(joinSuiteNames(['aes128gcm16', 'aes256gcm16', 'des']), 'aes{128,256}gcm16, des');
  assert.equal(joinSuiteNames(['a', 'b', 'c', 'd', 'e']), 'a, b, c and 2 alike');
});
