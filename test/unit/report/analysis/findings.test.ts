import assert from 'node:assert/strict';
import { test } from 'node:test';
import stringWidth from 'string-width';
import { lookedFor } from '../../../../src/analysis/findings/detectors.js';
import { type Finding, isAtLeast, type Severity } from '../../../../src/analysis/findings/finding.js';
import { renderAnalysis } from '../../../../src/report/analysis/render-analysis.js';
import { analysisPage } from '../../../../src/report/html/render-analysis-html.js';
import { sampleSummary } from '../sample-summary.js';

function sampleFinding(severity: Severity, packet: number, file = 'a.pcap'): Finding {
  return {
    id: `sample-${severity}`,
    severity,
    title: `Something ${severity}`,
    evidence: {
      facts: 'It was seen.',
      source: '10.0.0.1',
      destination: '10.0.0.2',
      count: 3,
      firstTimeNs: '1700000000000000000',
      lastTimeNs: '1700000000000000000',
      packets: [{ file, packet, timeNs: '1700000000000000000' }],
    },
    meaning: 'It means something.',
    remedy: 'Do something.',
  };
}

function render(findings: Finding[], width = 80): string {
  return renderAnalysis({ ...sampleSummary(), findings }, { width, color: false });
}

test('where nothing is found the report says so, and the page what was looked for', () => {
  assert.match(render([]), /^Nothing suspicious found: no leak, .*forgery\.$/m);
  const text = analysisPage({ ...sampleSummary(), findings: [] }).sections[0]!.text![0]!;
  for (const what of lookedFor()) assert.ok(text.includes(what), what);
});

test('findings are counted by severity, and each says where it shows and what to do', () => {
  const text = render([sampleFinding('high', 7), sampleFinding('low', 9)]);
  assert.match(text, /2 findings: 1 high, 1 low/);
  assert.match(
    text,
    /HIGH Something high \[sample-high\]\n {2}10\.0\.0\.1 > 10\.0\.0\.2: It was seen\. Packets 7, … of a\.pcap\.\n {2}Remedy: Do/,
  );
});

test('findings that are alike share a heading, and a hundred of them a line', () => {
  const text = render(Array.from({ length: 100 }, (_, i) => sampleFinding('medium', i)));
  assert.equal(text.match(/MEDIUM Something medium/g)?.length, 1);
  assert.match(text, /… and 98 more like this/);
});

test('findings stay within the width of the terminal and cannot steer it', () => {
  const name = `${'long/'.repeat(40)}\u001b[2Jx.pcap`;
  for (const width of [40, 80]) {
    const text = render([sampleFinding('high', 1, name)], width);
    assert.ok(!text.includes('\u001b'));
    for (const line of text.split('\n')) assert.ok(stringWidth(line) <= width, line);
  }
});

test('the page has the findings in its first section, and the worst at its top', () => {
  const page = analysisPage({ ...sampleSummary(), findings: [sampleFinding('high', 7)] });
  assert.equal(page.sections[0]!.heading, 'Findings');
  assert.deepEqual(page.sections[0]!.tables![0]!.rows[0]!.slice(0, 5), [
    'high',
    'sample-high',
    '10.0.0.1',
    '10.0.0.2',
    'It was seen.',
  ]);
  assert.ok(page.lead.some(({ text, tone }) => text === 'Something high.' && tone === 'bad'));
  const quiet = analysisPage({ ...sampleSummary(), findings: [] });
  assert.match(quiet.sections[0]!.text![0]!, /^Nothing suspicious found\. Looked for: /);
});

test('a severity is at least itself and those below', () => {
  assert.ok(isAtLeast('high', 'low') && isAtLeast('low', 'low') && !isAtLeast('info', 'low'));
});
