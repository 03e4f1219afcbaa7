import assert from 'node:assert/strict';
import { test } from 'node:test';
import stringWidth from 'string-width';
import type { AnalysisSummary, MigrationSummary } from '../../../src/analysis/analysis-summary.js';
import { stagesOf } from '../../../src/report/analysis/migration-stages.js';
import { renderAnalysis } from '../../../src/report/analysis/render-analysis.js';
import { migrationChart, migrationCharts } from '../../../src/report/chart/migration-charts.js';
import { analysisPage } from '../../../src/report/html/render-analysis-html.js';
import { sampleIteration, sampleMigration } from './sample-migration.js';
import { emptySummary, sampleAssociation, sampleSummary } from './sample-summary.js';

function summaryWith(...migrations: MigrationSummary[]): AnalysisSummary {
  return { ...sampleSummary(), migrations };
}

function render(summary: AnalysisSummary, width = 80): string {
  return renderAnalysis(summary, { width, color: false });
}

/** The report as one line, for sentences that were wrapped. */
function sentences(summary: AnalysisSummary): string {
  return render(summary, 10_000).replaceAll('\n', ' ');
}

test('the verdict says what went over, how long that took and how long the guest stood still', () => {
  assert.match(
    sentences(summaryWith(sampleMigration())),
    /Live migration in the clear: 32\.3 MiB guest, 13\.8 MB, 4 passes over memory, 941 ms, guest stopped for at least 86\.3 ms\./,
  );
});

test('a migration in the clear can be read by anyone, whatever else is protected', () => {
  const bare = { ...emptySummary(), migrations: [sampleMigration()] };
  assert.match(sentences(bare), /Anyone on the path reads the guest's memory, and could change it\. \d/);
  assert.doesNotMatch(sentences(bare), /around this migration/);
  assert.match(sentences(summaryWith(sampleMigration())), /2 SAs on this wire: none around this migration\./);
});

test('AH alone does not hide the memory', () => {
  const text = sentences(summaryWith(sampleMigration({ transport: 'ah' })));
  assert.match(text, /Live migration under AH: .* anyone on the path reads the guest's memory/);
});

test('ESP that was opened with keys hides it, with the suite between those hosts', () => {
  for (const transport of ['esp', 'ahEsp'] as const) {
    const text = sentences(summaryWith(sampleMigration({ transport })));
    assert.match(
      text,
      /Live migration in ESP.*Read here with the keys \(aes128gcm16\); without them it stays closed/,
    );
    assert.doesNotMatch(text, /Anyone on the path/);
  }
});

test('ESP that encrypts nothing hides nothing', () => {
  for (const name of ['null-sha256', 'aes128gmac']) {
    const summary = summaryWith(sampleMigration({ transport: 'esp' }));
    summary.securityAssociations = [
      sampleAssociation({ suite: { name, certainty: 'measured', candidates: [] } }),
      // Between other hosts.
      sampleAssociation({ source: '10.9.0.7' }),
    ];
    assert.match(
      sentences(summary),
      /in ESP without encryption: .*Anyone on the path reads the guest's memory/,
    );
  }
});

test('where protection changed under way, the packets are counted by it', () => {
  const { connections } = sampleMigration();
  const packets = { clear: 12, ah: 0, esp: 9_500, ahEsp: 28 };
  const text = sentences(
    summaryWith(sampleMigration({ transport: 'mixed', connections: [{ ...connections[0]!, packets }] })),
  );
  assert.match(text, /only partly encrypted: .*of its packets 12 in the clear, 9,528 in ESP\./);
});

test('a migration that was not read whole says why', () => {
  const whole = sampleMigration();
  const broken = sampleMigration({
    complete: false,
    machine: null,
    downtimeMs: null,
    iterations: whole.iterations.slice(0, 2),
    gaps: { count: 3, bytes: 123_456, lost: 1, resynchronised: 1 },
  });
  const text = sentences(summaryWith(broken));
  assert.match(
    text,
    /Not complete: its beginning was not captured, 123 kB of it are missing in 3 places, its end was not seen/,
  );
  assert.doesNotMatch(text, /guest stopped/);
  assert.doesNotMatch(sentences(summaryWith(whole)), /Not complete/);
});

test('pages sent again are counted, and the hottest is named', () => {
  assert.match(
    sentences(summaryWith(sampleMigration())),
    /653 of 8,453 pages were sent more than once; the hottest \(pc\.ram at 0x100000\) 4 times\./,
  );
});

test('each stage has a line, and their bytes are the stream', () => {
  const migration = sampleMigration();
  const text = render(summaryWith(migration));
  for (const name of ['setup', 'pass 1', 'pass 2', 'pass 3', 'stop-and-copy', 'device state']) {
    assert.match(text, new RegExp(`^  ${name} `, 'm'));
  }
  const bytes = stagesOf(migration, 10).reduce((sum, stage) => sum + stage.bytes, 0);
  const { setup, iterations, deviceState } = migration;
  const whole = iterations.reduce((sum, iteration) => sum + iteration.bytes, setup.bytes);
  assert.equal(bytes, whole + deviceState.bytes + deviceState.descriptionBytes);
});

test('of many passes those in the middle share a line, and nothing gets lost', () => {
  const iterations = Array.from({ length: 124 }, (_, index) =>
    sampleIteration({
      index,
      startMs: index * 100,
      durationMs: 100,
      normalPages: index,
      bytes: index * 4104,
    }),
  );
  const migration = sampleMigration({ iterations });
  const stages = stagesOf(migration, 7);
  assert.deepEqual(
    stages.filter(({ pages }) => pages !== null).map(({ name }) => name),
    ['pass 1', 'pass 2', 'pass 3', 'passes 4-121', 'pass 122', 'pass 123', 'pass 124'],
  );
  const normal = stages.reduce((sum, { pages }) => sum + (pages?.normal ?? 0), 0);
  assert.equal(normal, (123 * 124) / 2);
  assert.ok(Math.abs(stages.find(({ name }) => name === 'passes 4-121')!.seconds - 11.8) < 1e-9);
});

test('several migrations are told one by one, more than three are counted', () => {
  const text = render(summaryWith(...Array.from({ length: 5 }, () => sampleMigration())));
  assert.equal(text.match(/^Live migration in the clear/gm)!.length, 3);
  assert.match(text, /… and 2 more \(--json has all\)/);
});

test('names from the stream cannot steer a terminal', () => {
  const hostile = '\u001b[2J\u202e\nAll IP traffic is protected';
  const summary = summaryWith(
    sampleMigration({ machine: hostile, hotPages: [{ block: hostile, offset: 0, sent: 4 }] }),
  );
  for (const width of [40, 80, 200]) {
    for (const line of render(summary, width).split('\n')) {
      assert.doesNotMatch(line, /[\p{Cc}\p{Cf}]/u);
      assert.doesNotMatch(line, /^All IP traffic/);
      assert.ok(stringWidth(line) <= width, line);
    }
  }
});

test('the area of the chart is the bytes that its stages took', () => {
  const migration = sampleMigration();
  const chart = migrationChart(migration, 'migration')!;
  const area = chart.series.reduce((total, { points }) => {
    const areas = points.slice(1).map(({ x }, i) => (x - points[i]!.x) * points[i]!.y);
    return total + areas.reduce((sum, each) => sum + each, 0);
  }, 0);
  const bytes = stagesOf(migration, 10).reduce((sum, stage) => sum + stage.bytes, 0);
  assert.ok(Math.abs(area / 8 / bytes - 1) < 1e-9);
  for (const { points } of chart.series) assert.equal(points.at(-1)!.y, 0);
  assert.deepEqual(
    chart.references!.map(({ label }) => label),
    ['pass 1', 'pass 2', 'pass 3', 'guest stopped'],
  );
});

test('all series of the chart have a point at each bound, as stacking takes it', () => {
  const { series } = migrationChart(sampleMigration(), 'migration')!;
  const bounds = series[0]!.points.map(({ x }) => x);
  assert.deepEqual(
    bounds,
    bounds.toSorted((a, b) => a - b),
  );
  for (const { points } of series) {
    assert.deepEqual(
      points.map(({ x }) => x),
      bounds,
    );
  }
});

test('each of the first migrations has a chart of its own name', () => {
  const summary = summaryWith(...Array.from({ length: 6 }, () => sampleMigration()));
  const ids = migrationCharts(summary).map(({ id }) => id);
  assert.deepEqual(ids, ['migration', 'migration-2', 'migration-3', 'migration-4']);
});

test('a migration of which nothing took any time has no chart', () => {
  const nothing = sampleMigration({
    iterations: [],
    setup: { bytes: 0, durationNs: 0 },
    deviceState: { ...sampleMigration().deviceState, bytes: 0, descriptionBytes: 0 },
  });
  assert.equal(migrationChart(nothing, 'migration'), null);
  assert.match(render(summaryWith(nothing)), /Live migration in the clear/);
});

test('the page leads with the verdict, in the tone it deserves', () => {
  const leadOf = (transport: MigrationSummary['transport']) =>
    analysisPage(summaryWith(sampleMigration({ transport }))).lead.at(-1)!;
  assert.match(leadOf('clear').text, /^Live migration in the clear: /);
  assert.deepEqual(
    (['clear', 'ah', 'esp', 'ahEsp'] as const).map((transport) => leadOf(transport).tone),
    ['bad', 'caution', 'good', 'good'],
  );
});

test('the page has its stages, connections, memory, hot pages and devices as tables', () => {
  const { sections } = analysisPage(summaryWith(sampleMigration()));
  const section = sections.find(({ heading }) => heading === 'Live migration')!;
  assert.equal(section.charts!.length, 1);
  for (const { caption, columns, rows } of section.tables!) {
    assert.ok(rows.length > 0, caption);
    for (const row of rows) assert.equal(row.length, columns.length, caption);
  }
  assert.equal(section.tables!.length, 6);
  const hottest = section.tables!.find(({ caption }) => caption.includes('sent most often'))!;
  assert.equal(hottest.rows.length, 2);
});

test('neighbouring pages that were sent equally often share a row', () => {
  const hotPages = [0x1000, 0x2000, 0x3000, 0x5000].map((offset) => ({ block: 'pc.ram', offset, sent: 3 }));
  const { sections } = analysisPage(summaryWith(sampleMigration({ hotPages })));
  const tables = sections.flatMap((section) => section.tables ?? []);
  const table = tables.find(({ caption }) => caption === 'The 4 pages sent most often')!;
  const texts = table.rows.map((row) => row.map((cell) => (typeof cell === 'string' ? cell : cell.text)));
  assert.deepEqual(texts, [
    ['pc.ram', '0x1000', '0x3fff', '3', '3'],
    ['pc.ram', '0x5000', '0x5fff', '1', '3'],
  ]);
});

test('a capture without a migration says nothing of one', () => {
  assert.doesNotMatch(render(sampleSummary()), /Live migration/);
  assert.ok(analysisPage(sampleSummary()).sections.every(({ heading }) => !heading.includes('migration')));
});
