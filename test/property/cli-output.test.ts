import assert from 'node:assert/strict';
import { test } from 'node:test';
import stringWidth from 'string-width';
import { parsePacketRange } from '../../src/cli/packet-range.js';
import { renderAnalysis } from '../../src/report/analysis/render-analysis.js';
import { renderJson } from '../../src/report/render-json.js';
import { escapeTerminal } from '../../src/report/text/escape-terminal.js';
import fc from '../fast-check.js';
import { sampleIteration, sampleMigration } from '../unit/report/sample-migration.js';
import { sampleAssociation, sampleFlow, sampleSummary } from '../unit/report/sample-summary.js';

/** Any text, weighted towards what terminals act on. */
const hostileText = fc
  .array(
    fc.oneof(
      fc.string({ unit: 'binary', maxLength: 20 }),
      fc.constantFrom(
        '\u001b[2J',
        '\u001b]0;title\u0007',
        '\u009b31m',
        '\u202e',
        '\r',
        '\n',
        '\ud800',
        'データ',
        ' ',
      ),
    ),
    { maxLength: 12 },
  )
  .map((parts) => parts.join(''));

const UNSAFE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u;

test('escaped text holds nothing that a terminal acts on', () => {
  fc.assert(
    fc.property(hostileText, (text) => {
      assert.doesNotMatch(escapeTerminal(text), UNSAFE);
    }),
  );
});

test('JSON of any text parses to the same and is safe on a terminal', () => {
  fc.assert(
    fc.property(hostileText, (text) => {
      const json = renderJson({ text });
      assert.deepEqual(JSON.parse(json), { text });
      assert.doesNotMatch(json.replaceAll('\n', ''), UNSAFE);
    }),
  );
});

test('a report of hostile strings and any sizes fits its width and holds no control characters', () => {
  const amount = fc.oneof(fc.nat(), fc.maxSafeNat());
  fc.assert(
    fc.property(hostileText, amount, amount, fc.integer({ min: 40, max: 220 }), (text, a, b, width) => {
      const summary = sampleSummary();
      summary.wire.bytes = a;
      summary.bytes.payload = { bytes: b, certainty: 'bounded', min: 0, max: a };
      summary.protection.clear = { packets: a, bytes: b };
      Object.assign(summary.inputs[1]!, {
        path: text,
        linkTypes: [text],
        error: { message: text, offset: a },
      });
      summary.securityAssociations.push(
        sampleAssociation({ source: text, spi: text, packets: a, bytes: b, rateBps: b }),
        sampleAssociation({ suite: { name: text, certainty: 'bounded', candidates: [] }, overheadBytes: a }),
      );
      summary.flows.push(sampleFlow({ source: text, protocol: text, bytes: a, wireBps: b, goodputBps: a }));
      summary.errors = [{ kind: text, count: a, examples: [{ file: text, packet: b, message: text }] }];
      summary.migrations.push(
        sampleMigration({
          machine: text,
          blocks: [{ name: text, bytes: a }],
          hotPages: [{ block: text, offset: b, sent: a }],
          streamBytes: b,
          pagesBySends: [a, b],
          iterations: [
            sampleIteration({ startMs: 1, durationMs: 0, normalPages: a, zeroPages: b, bytes: a }),
          ],
          setup: { bytes: b, durationNs: a },
        }),
      );
      const report = renderAnalysis(summary, { width, color: false });
      for (const line of report.split('\n')) {
        assert.doesNotMatch(line, UNSAFE);
        assert.ok(stringWidth(line) <= width, `${stringWidth(line)} columns of ${width}: ${line}`);
      }
    }),
    { numRuns: 200 },
  );
});

test('a range of packets is read back as it was written', () => {
  const number = fc.integer({ min: 1, max: 1e12 });
  fc.assert(
    fc.property(number, fc.nat(), (first, more) => {
      const last = first + more;
      assert.deepEqual(parsePacketRange(`${first}-${last}`), { first, last });
      assert.deepEqual(parsePacketRange(`${first}-`), { first, last: Number.POSITIVE_INFINITY });
      assert.deepEqual(parsePacketRange(`-${last}`), { first: 1, last });
      assert.deepEqual(parsePacketRange(`${first}`), { first, last: first });
    }),
  );
});

test('what is no range is refused', () => {
  for (const text of ['', '-', '0', '0-5', '7-3', 'a', '1-2-3', '1.5', ' 1', '1e3', '٣']) {
    assert.throws(() => parsePacketRange(text), text);
  }
});
