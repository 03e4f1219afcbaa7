import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';
import type { ReportPage } from '../../src/report/html/report-page.js';
import { repoPath } from '../repo-root.js';

test('the demo leads through all of it in one report, the proof first', async (t) => {
  const script = pathToFileURL(repoPath('scripts/demo.mjs')).href;
  const { runDemo } = (await import(script)) as { runDemo: () => ReportPage | null };
  const printed: string[] = [];
  t.mock.method(console, 'log', (text: string) => printed.push(text));
  const page = runDemo();
  assert.ok(page !== null);
  assert.match(page.lead[0]!.text, /^In the clear: An eavesdropper gets everything/);
  assert.match(page.lead[1]!.text, /An eavesdropper gets nothing/);
  const parts = page.sections.filter(({ beginsPart }) => beginsPart === true);
  assert.ok(parts.length >= 5);
  assert.ok(parts.every(({ commands = [] }) => commands.length > 0));
  assert.equal(parts.at(-1)!.heading, 'What to try next');
  const ids = page.sections.flatMap(({ charts = [] }) => charts.map(({ id }) => id));
  assert.ok(ids.length > 10);
  assert.equal(new Set(ids).size, ids.length);
  assert.match(
    printed.join('\n'),
    /\$ tare demo --from .*\$ tare analyze .*\$ tare plan .*\$ tare predict .*\$ tare sweep /s,
  );
  assert.ok(!JSON.stringify(page).includes('correct-horse-battery'), 'what was recovered is masked');
});
