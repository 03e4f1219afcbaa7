import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inspect } from 'node:util';
import { maskText } from '../../../src/exposure/mask-text.js';
import { PlantedSecret, parseSecrets } from '../../../src/exposure/planted-secrets.js';
import { noHits, SeamSearch, searchBytes } from '../../../src/exposure/secret-search.js';
import fc from '../../fast-check.js';

const SECRET = 'tulip-anchor-93';

test('a secret is found in UTF-8 and in UTF-16, as often as it is there', () => {
  const data = Buffer.concat([
    Buffer.from(`..${SECRET}${SECRET}.`),
    Buffer.from(SECRET, 'utf16le'),
    Buffer.from(SECRET.slice(1)),
  ]);
  const hits = noHits([new PlantedSecret('s', SECRET)]);
  searchBytes([new PlantedSecret('s', SECRET)], data, 0, data.length, data.length, 100, hits);
  assert.deepEqual([hits.counts[0], hits.first[0]], [3, 102]);
});

test('however a stream is cut, pieces and seams together hold every occurrence once', () => {
  const secrets = [new PlantedSecret('a', SECRET), new PlantedSecret('b', 'abcabc')];
  const part = fc.oneof(fc.constantFrom(SECRET, 'abcabc', 'abc', 'tulip-', ''), fc.string({ maxLength: 20 }));
  fc.assert(
    fc.property(
      fc.array(part, { maxLength: 12 }),
      fc.array(fc.integer({ min: 1, max: 40 })),
      (parts, cuts) => {
        const data = Buffer.from(parts.join(''));
        const hits = noHits(secrets);
        const seams = new SeamSearch(secrets);
        for (let at = 0, i = 0; at < data.length; i++) {
          const to = Math.min(data.length, at + (cuts[i % Math.max(1, cuts.length)] ?? 7));
          searchBytes(secrets, data, at, to, to, 0, hits);
          seams.add('stream', data, at, to, i);
          at = to;
        }
        const whole = noHits(secrets);
        searchBytes(secrets, data, 0, data.length, data.length, 0, whole);
        secrets.forEach((_, i) => {
          assert.equal(hits.counts[i]! + seams.hits.counts[i]!, whole.counts[i]);
        });
      },
    ),
  );
});

test('seams of different streams do not join', () => {
  const seams = new SeamSearch([new PlantedSecret('a', SECRET)]);
  const data = Buffer.from(SECRET);
  seams.add(1, data, 0, 8, 0);
  seams.add(2, data, 8, data.length, 1);
  assert.equal(seams.hits.counts[0], 0);
});

test('a file of secrets has one a line, and an error names the line and not what it says', () => {
  const labels = parseSecrets(`${SECRET}\r\n\n # not a comment\n${SECRET}\n`, 'f').map(
    ({ label, length }) => [label, length],
  );
  assert.deepEqual(labels, [
    ['secret 1', 15],
    ['secret 2', 16],
  ]);
  for (const [content, expected] of [
    ['longenough\nshort', /^f:2: a secret has 6 to 256 bytes, this line has 5$/],
    ['x'.repeat(300), /^f:1: /],
    ['\n\n', /^f: holds no secret/],
    [Array.from({ length: 1001 }, (_, i) => `secret-${i}`).join('\n'), /more than 1000/],
  ] as const) {
    assert.throws(
      () => parseSecrets(content, 'f'),
      (error) =>
        error instanceof RangeError && expected.test(error.message) && !/short|xxx/.test(error.message),
    );
  }
});

test('a secret shows itself only when it is told to', () => {
  const secret = new PlantedSecret('secret 1', SECRET);
  for (const shown of [
    inspect(secret, { showHidden: true }),
    JSON.stringify({ secret }),
    `${JSON.stringify([secret])}`,
  ]) {
    assert.ok(!shown.includes('tulip'), shown);
  }
  assert.equal(secret.reveal(), SECRET);
});

test('a mask keeps four characters at most, and of short texts none', () => {
  assert.equal(maskText('hunter2'), '••••••• (7 characters)');
  assert.equal(maskText('-----BEGIN PRIVATE KEY-----'), `----${'•'.repeat(23)} (27 characters)`);
  fc.assert(
    fc.property(fc.string({ minLength: 1, unit: 'grapheme' }), (text) => {
      const shown = [...maskText(text).replace(/•.*$/su, '')].length;
      assert.ok(shown <= 4 && shown <= [...text].length / 3);
    }),
  );
});
