import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { Script } from 'node:vm';
import { renderAnalysisHtml } from '../../../../src/report/html/render-analysis-html.js';
import { jsonForScript, renderHtml } from '../../../../src/report/html/render-html.js';
import { renderPlanHtml } from '../../../../src/report/html/render-plan-html.js';
import fc from '../../../fast-check.js';
import { samplePlan } from '../chart/sample-plan.js';
import { sampleSummary } from '../sample-summary.js';

const HOSTILE = '</script><script>alert(1)</script><img src=x onerror=alert(1)><!--\u2028\u2029&lt;';

/** Contents of all elements of a name, as a browser would find them: up to the first end tag. */
function contentsOf(html: string, tag: 'script' | 'style'): string[] {
  return [...html.matchAll(new RegExp(`<${tag}[^>]*>([\\s\\S]*?)</${tag}`, 'gi'))].map(
    ([, text]) => text ?? '',
  );
}

function policyOf(html: string): string {
  return /http-equiv="Content-Security-Policy" content="([^"]*)"/.exec(html)?.[1] ?? '';
}

test('JSON in a script element parses to what it was, and holds no markup', () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.string({ unit: 'binary' }), (value, text) => {
      const written = jsonForScript([value, text, HOSTILE]);
      assert.doesNotMatch(written, /[<>&\u2028\u2029]/);
      assert.deepEqual(JSON.parse(written), JSON.parse(JSON.stringify([value, text, HOSTILE])));
    }),
  );
});

test('a hostile title adds no element to the file', () => {
  const page = (title: string) => renderHtml({ title, lead: [{ text: title }], sections: [] });
  const count = (html: string) => html.match(/<(?!!)/g)?.length;
  assert.equal(count(page(HOSTILE)), count(page('harmless')));
  assert.equal(contentsOf(page(HOSTILE), 'script').length, 3);
});

test('the policy allows what is in the file, by hash, and nothing else', () => {
  const html = renderAnalysisHtml(sampleSummary());
  const [, ...scripts] = contentsOf(html, 'script');
  const hash = (text: string) => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;
  const directives = policyOf(html).split('; ');
  assert.equal(directives[0], "default-src 'none'");
  assert.ok(directives.includes(`script-src ${scripts.map(hash).join(' ')}`));
  assert.ok(directives.includes(`style-src ${contentsOf(html, 'style').map(hash).join(' ')}`));
  assert.doesNotMatch(policyOf(html), /unsafe|https?:|data:|\*/);
});

test('the file names no other file', () => {
  for (const html of [renderAnalysisHtml(sampleSummary()), renderPlanHtml(samplePlan())]) {
    assert.doesNotMatch(html, /<(link|iframe|object|embed|base|img)\b/i);
    assert.doesNotMatch(html.replace(/<script[\s\S]*?<\/script>/g, ''), /\b(src|href)=|url\(|@import/);
    assert.doesNotMatch(html, /sourceMappingURL/);
  }
});

test('the scripts are JavaScript', () => {
  const [, ...scripts] = contentsOf(renderPlanHtml(samplePlan()), 'script');
  for (const script of scripts) assert.ok(new Script(script));
});

test('the licence of what is inlined stays with it', () => {
  assert.match(renderAnalysisHtml(sampleSummary()), /Chart\.js v4[\s\S]{0,200}MIT License/);
});

test('a report weighs less than 400 kB', () => {
  for (const html of [renderAnalysisHtml(sampleSummary()), renderPlanHtml(samplePlan())]) {
    assert.ok(Buffer.byteLength(html) < 400_000, `${Buffer.byteLength(html)} bytes`);
  }
});
