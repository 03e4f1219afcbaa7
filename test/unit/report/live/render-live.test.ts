import assert from 'node:assert/strict';
import { test } from 'node:test';
import stringWidth from 'string-width';
import type { LiveSnapshot } from '../../../../src/monitor/live-snapshot.js';
import { LiveHistory } from '../../../../src/report/live/live-history.js';
import { renderLive } from '../../../../src/report/live/render-live.js';
import { sparkline } from '../../../../src/report/text/sparkline.js';
import fc from '../../../fast-check.js';
import { liveAssociation, liveFinding, liveMigration, liveSnapshot } from '../sample-live.js';

const ESC = '\u001b';

function render(snapshot: LiveSnapshot, width: number, height: number, color = false): string[] {
  const history = new LiveHistory();
  history.add(snapshot);
  return renderLive(snapshot, history, { title: 'eth1', width, height, color });
}

test('at 80 columns there is all that matters', () => {
  assert.deepEqual(render(liveSnapshot(), 80, 24), [
    'tare capture eth1                                       1 min 2 s, 99,000 frames',
    '90.0 Mbit/s, 9,004 packets/s; goodput 81.0 Mbit/s; IPsec overhead ~5.0 %',
    'no frame lost',
    '',
    '  protection            now  packets/s     share   in all      up to 90.0 Mbit/s',
    '  ESP           90.0 Mbit/s      9,000  > 99.9 %   113 MB                      █',
    '  in the clear  2.05 kbit/s          4   < 0.1 %    256 B                      ▁',
    '',
    '  migration                   IPsec  iteration             now  time left',
    '  10.9.0.1 -> 10.9.0.2:49152  none   2, 45 %        941 Mbit/s  ~8 s',
    '',
    '  finding  what                      where                             packets',
    '  HIGH     A migration in the clear  10.9.0.1:40000 -> 10.9.0.2:49152    1,234',
    '',
    '  SA   SPI    source -> destination          now  sequence          lost',
    '  ESP  0x100  10.9.0.1 -> 10.9.0.2   90.0 Mbit/s    90,012  12 (< 0.1 %)',
  ]);
});

test('at 200 columns there is more of each', () => {
  const text = render(liveSnapshot(), 200, 40).join('\n');
  for (const part of ['~aes128gcm16', '90,000', '1.25 GB', '2 GiB', 'one stream', '2 s ago']) {
    assert.ok(text.includes(part), `${part} is missing in\n${text}`);
  }
});

test('what was lost is said before everything else, and where', () => {
  const drops = { kernel: 1000, interface: 234 };
  assert.equal(
    render(liveSnapshot({ drops }), 80, 24)[2],
    '1,234 frames LOST: 1,000 by the kernel, 234 by the interface',
  );
});

test('frames that were written and not analysed are not called lost', () => {
  assert.deepEqual(render(liveSnapshot({ notAnalysed: 20_000 }), 80, 24).slice(2, 4), [
    'no frame lost',
    '20,000 frames written but not analysed: more came than could be',
  ]);
});

test('stages of a migration are told apart', () => {
  const lineOf = (changes: Parameters<typeof liveMigration>[1]) =>
    render(liveSnapshot({ migrations: [liveMigration(1, changes)] }), 200, 40).find((line) =>
      line.includes('49152'),
    );
  assert.match(
    lineOf({ stage: 'setup', iteration: 0, secondsLeft: null, passSecondsLeft: null, converges: null })!,
    /setting up .* \?/,
  );
  assert.match(
    lineOf({ iteration: 1, secondsLeft: null, passSecondsLeft: 3, converges: null })!,
    /1, 45 % .* pass ~3 s/,
  );
  assert.match(lineOf({ secondsLeft: null, converges: false })!, /not converging/);
  assert.match(lineOf({ stage: 'stopAndCopy', iteration: 5 })!, /5, stopped/);
  assert.match(lineOf({ state: 'ended', stage: 'device', iteration: 5 })!, /5, ended .* took 1 min 2 s/);
  assert.match(lineOf({ state: 'silent', lastTimeNs: '1700000030000000000' })!, /silent for 32 s/);
  assert.match(lineOf({ transport: 'ahEsp', destination: 'fd09::2' })!, /\[fd09::2\]:49152 +AH\+ESP/);
});

test('no line is wider than the terminal, and there are no more lines than it has', () => {
  const many: LiveSnapshot = liveSnapshot({
    securityAssociations: {
      count: 300,
      busiest: Array.from({ length: 64 }, (_, i) =>
        liveAssociation(`0x${i.toString(16)}`, { source: '2001:db8:1111:2222:3333:4444:5555:6666' }),
      ),
    },
    migrations: Array.from({ length: 8 }, (_, i) => liveMigration(i + 1)),
    findings: [
      liveFinding(),
      liveFinding({ id: 'x', title: 'Something with quite a long title that goes on and on' }),
    ],
  });
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 220 }),
      fc.integer({ min: 1, max: 70 }),
      fc.boolean(),
      (width, height, color) => {
        const lines = render(many, width, height, color);
        assert.ok(lines.length <= height, `${lines.length} lines of ${height}`);
        for (const line of lines)
          assert.ok(stringWidth(line) <= width, `${stringWidth(line)} of ${width}: ${line}`);
      },
    ),
    { numRuns: 150 },
  );
});

test('short terminals keep throughput and say what they leave out', () => {
  const busiest = Array.from({ length: 20 }, (_, i) => liveAssociation(`0x${i.toString(16)}`));
  const snapshot = liveSnapshot({ securityAssociations: { count: 20, busiest } });
  const lines = render(snapshot, 80, 20);
  assert.ok(
    lines.some((line) => line.includes('SA (5 of 20)')),
    lines.join('\n'),
  );
  const tiny = render(snapshot, 80, 7);
  assert.ok(
    tiny.some((line) => line.includes('in the clear')),
    tiny.join('\n'),
  );
});

test('without colour there is no escape sequence, whatever a packet says', () => {
  const evil = `${ESC}[2J\r\n\u202e<b>`;
  const snapshot = liveSnapshot({
    securityAssociations: {
      count: 1,
      busiest: [liveAssociation('0x1', { source: evil, suite: { name: evil, certainty: 'inferred' } })],
    },
    migrations: [liveMigration(1, { source: evil })],
    findings: [liveFinding({ title: evil, evidence: { ...liveFinding().evidence, source: evil } })],
  });
  const history = new LiveHistory();
  history.add(snapshot);
  const lines = renderLive(snapshot, history, { title: evil, width: 200, height: 60, color: false });
  const text = lines.join('\n');
  for (const line of lines) assert.doesNotMatch(line, /[\p{Cc}\p{Cf}]/u);
  assert.ok(text.includes('\\x1b[2J'));
});

test('what is not protected stands out in colour', () => {
  const lines = render(liveSnapshot(), 80, 24, true);
  assert.ok(lines.some((line) => line.includes(`${ESC}[31min the clear${ESC}[39m`)));
});

test('a curve has a column a value: nothing is empty, the peak is full, little is not nothing', () => {
  assert.equal(sparkline([0, 1, 50, 100, 0], 100), ' ▁▄█ ');
  assert.equal(sparkline([0, 0], 0), '  ');
  assert.equal(sparkline([Number.NaN, -1, 200], 100), '  █');
});

test('curves forget what is too long ago', () => {
  const history = new LiveHistory();
  for (let i = 0; i < 1000; i++) history.add(liveSnapshot());
  assert.equal(history.ratesOf('esp', 10_000).length, 240);
  assert.equal(history.peak(10), 90_000_000);
});
