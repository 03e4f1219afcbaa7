import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { METRIC_NAMES } from '../../../src/cli/metric-families.js';
import { parseMetricsAddress, startMetrics } from '../../../src/cli/metrics-server.js';
import type { LiveSnapshot } from '../../../src/monitor/live-snapshot.js';
import { repoPath } from '../../repo-root.js';
import { requireTool, runTool } from '../../tool.js';
import { replay } from '../monitor/replay.js';
import { type Exposition, parseExposition } from './exposition.js';

const DASHBOARD = repoPath('docs/grafana/tare.json');

async function scrapeAll(snapshots: readonly LiveSnapshot[]): Promise<string[]> {
  const server = await startMetrics('127.0.0.1', 0);
  try {
    const texts: string[] = [];
    for (const snapshot of snapshots) {
      server.update(snapshot);
      const response = await fetch(server.url);
      assert.equal(response.status, 200);
      assert.match(response.headers.get('content-type') ?? '', /^text\/plain; version=0\.0\.4/);
      texts.push(await response.text());
    }
    return texts;
  } finally {
    await server.close();
  }
}

function sampleOf(exposition: Exposition, name: string, labels: Record<string, string> = {}): number {
  const wanted = JSON.stringify(labels);
  const sample = exposition.samples.find((one) => one.name === name && JSON.stringify(one.labels) === wanted);
  assert.ok(sample !== undefined, `${name} ${wanted} is not served`);
  return sample.value;
}

test('what is scraped is what the last snapshot says, in the exposition format', async () => {
  const { snapshots, summary } = await replay(repoPath('captures/migration/ms-ahesp-1500.pcap'));
  const texts = await scrapeAll(snapshots);
  const last = parseExposition(texts.at(-1)!);
  assert.equal(sampleOf(last, 'tare_frames_total'), summary.frames.total);
  for (const [protection, { packets, bytes }] of Object.entries(summary.protection)) {
    assert.equal(sampleOf(last, 'tare_wire_bytes_total', { protection }), bytes);
    assert.equal(sampleOf(last, 'tare_wire_packets_total', { protection }), packets);
  }
  assert.equal(sampleOf(last, 'tare_security_associations'), summary.securityAssociations.length);
  for (const { protocol, spi, source, destination, packets } of summary.securityAssociations) {
    assert.equal(sampleOf(last, 'tare_sa_packets_total', { protocol, spi, source, destination }), packets);
  }
});

test('counters never go down, and every metric says what it is', async () => {
  const { snapshots } = await replay(repoPath('captures/ipsec/tun4-natt-cbc-sha256.pcap'), {
    intervalNs: 50_000_000n,
  });
  const before = new Map<string, number>();
  for (const text of await scrapeAll(snapshots)) {
    const { samples, types, helps } = parseExposition(text);
    for (const { name, labels, value } of samples) {
      assert.ok((helps.get(name) ?? '').length > 10, `${name} has no HELP`);
      if (types.get(name) !== 'counter') continue;
      assert.match(name, /_total$/);
      const key = `${name} ${JSON.stringify(labels)}`;
      assert.ok(value >= (before.get(key) ?? 0), `${key} went down to ${value}`);
      before.set(key, value);
    }
  }
  assert.ok(before.size > 10);
});

test('promtool finds nothing to complain about', async (t) => {
  if (!requireTool(t, 'promtool')) return;
  const { snapshots } = await replay(repoPath('captures/migration/m-clear-multifd.pcap.gz'));
  for (const text of await scrapeAll(snapshots.slice(-3))) {
    const { stdout, stderr } = runTool('promtool', ['check', 'metrics'], { input: text });
    assert.equal(stdout + stderr, '');
  }
});

test('label values that packets could choose cannot break out of their line', async () => {
  const { snapshots } = await replay(repoPath('captures/migration/ms-ahesp-1500.pcap'));
  const snapshot = structuredClone(snapshots.at(-1)!);
  const evil = 'a"} 1\nevil_total{x="\\';
  snapshot.securityAssociations.busiest[0]!.source = evil;
  const [text] = await scrapeAll([snapshot]);
  const { samples, types } = parseExposition(text!);
  assert.ok(samples.some(({ labels }) => labels['source'] === evil));
  assert.ok(!types.has('evil_total'));
});

test('series end with what they describe, so that their number is bounded', async () => {
  const { snapshots } = await replay(repoPath('captures/migration/ms-ahesp-1500.pcap'));
  const gone = structuredClone(snapshots.at(-1)!);
  gone.securityAssociations.busiest = [];
  const [with_, without] = await scrapeAll([snapshots.at(-1)!, gone]);
  assert.ok(parseExposition(with_!).samples.some(({ name }) => name === 'tare_sa_bytes_total'));
  assert.ok(!parseExposition(without!).samples.some(({ name }) => name === 'tare_sa_bytes_total'));
});

test('nothing but /metrics is served, and only to who reads', async () => {
  const server = await startMetrics('127.0.0.1', 0);
  try {
    const root = new URL('/', server.url);
    assert.equal((await fetch(root)).status, 404);
    assert.equal((await fetch(new URL('/metrics/../etc/passwd', server.url))).status, 404);
    assert.equal((await fetch(server.url, { method: 'POST', body: 'x' })).status, 405);
    const head = await fetch(server.url, { method: 'HEAD' });
    assert.equal(head.status, 200);
    assert.equal(await head.text(), '');
    assert.equal(server.isPublic, false);
  } finally {
    await server.close();
  }
});

test('a port that is taken is told with what to do', async () => {
  const other = createServer();
  await new Promise<void>((done) => other.listen(0, '127.0.0.1', done));
  const address = other.address();
  assert.ok(typeof address === 'object' && address !== null);
  await assert.rejects(startMetrics('127.0.0.1', address.port), {
    exitCode: 4,
    message: /cannot listen on 127\.0\.0\.1 port \d+: something listens there already/,
  });
  other.close();
});

test('addresses are read as they are usually written, this machine being the default', () => {
  const local = { address: '127.0.0.1', port: 9464 };
  for (const text of ['9464', ':9464', '127.0.0.1:9464', 'localhost:9464']) {
    assert.deepEqual(parseMetricsAddress(text), local, text);
  }
  assert.deepEqual(parseMetricsAddress('[::1]:9464'), { address: '::1', port: 9464 });
  assert.deepEqual(parseMetricsAddress('0.0.0.0:0'), { address: '0.0.0.0', port: 0 });
  for (const text of [
    '',
    'x',
    '127.0.0.1',
    '::1:9464',
    '1.2.3:80',
    '127.0.0.1:65536',
    'evil.example:80',
    '1:2:3',
  ]) {
    assert.throws(() => parseMetricsAddress(text), /give PORT or ADDRESS:PORT/, text);
  }
});

interface Panel {
  readonly title: string;
  readonly targets: readonly { readonly expr: string }[];
}

function readQueries(): string[] {
  const { panels } = JSON.parse(readFileSync(DASHBOARD, 'utf8')) as { panels: Panel[] };
  return panels.flatMap(({ targets }) => targets.map(({ expr }) => expr));
}

test('the dashboard asks for metrics that exist, and shows every one that matters', () => {
  const known = new Set([...METRIC_NAMES, 'process_resident_memory_bytes', 'process_cpu_seconds_total']);
  const queries = readQueries();
  const asked = new Set(queries.flatMap((query) => query.match(/\b(?:tare|process)_[a-z_]+/g) ?? []));
  for (const name of asked) assert.ok(known.has(name), `${name} does not exist`);
  for (const query of queries) assert.match(query, /\b(?:tare|process)_/);
  for (const subject of [
    'wire_bytes',
    'ipsec_overhead',
    'goodput',
    'sa_',
    'migration',
    'finding',
    'dropped',
  ]) {
    assert.ok(
      [...asked].some((name) => name.includes(subject)),
      `no panel shows ${subject}`,
    );
  }
});

test('the dashboard can be imported: panels have places and ids of their own', () => {
  const dashboard = JSON.parse(readFileSync(DASHBOARD, 'utf8'));
  assert.ok(dashboard.schemaVersion >= 39);
  assert.equal(new Set(dashboard.panels.map(({ id }: { id: number }) => id)).size, dashboard.panels.length);
  for (const { gridPos, datasource, type } of dashboard.panels) {
    assert.ok(gridPos.x + gridPos.w <= 24);
    assert.deepEqual(datasource, { type: 'prometheus', uid: `\${datasource}` });
    assert.match(type, /^(stat|timeseries|bargauge)$/);
  }
});

test('promtool can read every query of the dashboard', (t) => {
  if (!requireTool(t, 'promtool')) return;
  const rules = readQueries().map((query, i) => {
    const expr = query.replaceAll('$__rate_interval', '1m').replaceAll('$instance', '.*');
    return `      - record: panel_${i}\n        expr: ${JSON.stringify(expr)}\n`;
  });
  const folder = mkdtempSync(join(tmpdir(), 'tare-rules-'));
  try {
    const path = join(folder, 'dashboard.yml');
    writeFileSync(path, `groups:\n  - name: dashboard\n    rules:\n${rules.join('')}`);
    const { stdout } = runTool('promtool', ['check', 'rules', path]);
    assert.match(stdout, new RegExp(`SUCCESS: ${rules.length} rules found`));
  } finally {
    rmSync(folder, { recursive: true });
  }
});
