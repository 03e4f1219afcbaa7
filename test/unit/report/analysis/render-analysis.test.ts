import assert from 'node:assert/strict';
import { test } from 'node:test';
import stringWidth from 'string-width';
import type { AnalysisSummary } from '../../../../src/analysis/analysis-summary.js';
import { renderAnalysis } from '../../../../src/report/analysis/render-analysis.js';
import { emptySummary, sampleAssociation, sampleFlow, sampleSummary } from '../sample-summary.js';

const LONG_IPV6 = '2001:db8:1234:5678:9abc:def0:1234:5678';

function render(summary: AnalysisSummary, width = 80): string {
  return renderAnalysis(summary, { width, color: false });
}

test('a report fits one screen of 80 columns', () => {
  const lines = render(sampleSummary()).trimEnd().split('\n');
  assert.ok(lines.length >= 24 && lines.length <= 56, `${lines.length} lines`);
});

for (const width of [40, 80, 120, 200]) {
  test(`no line is wider than ${width} columns`, () => {
    const summary = sampleSummary();
    summary.inputs[0]!.path = `/very/long/${'path/'.repeat(60)}データ.pcap`;
    summary.securityAssociations.push(
      sampleAssociation({ source: LONG_IPV6, destination: LONG_IPV6, udpEncap: true }),
    );
    summary.flows.push(sampleFlow({ source: LONG_IPV6, destination: LONG_IPV6, bytes: 2e13 }));
    for (const color of [false, true]) {
      for (const line of renderAnalysis(summary, { width, color }).split('\n')) {
        assert.ok(stringWidth(line) <= width, `${stringWidth(line)} columns: ${line}`);
      }
    }
  });
}

test('the first line says how much is protected and how much is not', () => {
  const [first] = render(sampleSummary()).split('\n');
  assert.match(first!, /96\.6 % in ESP, 3\.4 % \(498 kB\) in the clear/);
});

test('clear traffic alone is called not protected', () => {
  const summary = sampleSummary();
  summary.protection.clear = { packets: 10_688, bytes: 14_498_000 };
  summary.protection.esp = { packets: 0, bytes: 0 };
  assert.match(render(summary), /^NOT PROTECTED: 100 % /);
});

test('AH alone is not taken for encryption', () => {
  const summary = sampleSummary();
  summary.protection.ah = summary.protection.esp;
  summary.protection.esp = { packets: 0, bytes: 0 };
  assert.match(render(summary), /authenticated by AH but\s+readable/);
  summary.protection.clear = { packets: 0, bytes: 0 };
  assert.match(render(summary), /^NOT ENCRYPTED: 100 % authenticated/);
  assert.doesNotMatch(render(summary), /in ESP/);
});

test('key exchange is told beside what it is for: the shares add up', () => {
  const summary = sampleSummary();
  summary.protection.clear = { packets: 0, bytes: 0 };
  summary.protection.ike = { packets: 6, bytes: 1_555_556 };
  assert.match(render(summary), /^All IP traffic is protected: 90\.0 % in ESP, 10\.0 % key exchange\./);
});

test('ESP without encryption is called readable', () => {
  const summary = sampleSummary();
  summary.securityAssociations = [
    sampleAssociation({ suite: { name: 'null-sha256', certainty: 'measured', candidates: [] } }),
  ];
  assert.match(render(summary), /1 ESP SA \(14\.0 MB\) without encryption: readable by anybody/);
  assert.match(render(summary, 200), /^Protected, but not all of it: 96\.6 % in ESP that encrypts nothing/);
  summary.protection.clear = { packets: 0, bytes: 0 };
  assert.match(render(summary), /^NOT ENCRYPTED: 100 % in ESP that encrypts nothing/);
});

test('uncertain figures carry their mark', () => {
  const text = render(sampleSummary(), 120);
  assert.match(text, /ESP IV .* ~80,000/);
  assert.match(text, /ESP padding .* ±15,000 +0\.\.30,000/);
  assert.match(text, /ESP header .* 80,000$/m);
  assert.match(text, /~aes128gcm16/);
});

test('the cost of IPsec is the sum of what it adds', () => {
  assert.match(
    render(sampleSummary()),
    /IPsec adds ±355 kB \(between 340 kB and 370 kB\): 2\.6 % of the payload/,
  );
});

test('in tunnel mode the second IP header counts as cost', () => {
  const summary = sampleSummary();
  summary.bytes.innerIp = { bytes: 200_000, certainty: 'measured' };
  summary.securityAssociations.push(sampleAssociation({ mode: 'tunnel' }));
  assert.match(render(summary), /IPsec adds ±555 kB/);
});

test('failed ICVs stand out', () => {
  assert.match(render(sampleSummary(), 200), /1 WRONG, 2 ok/);
});

test('long lists are cut and say so', () => {
  const summary = sampleSummary();
  summary.flows = Array.from({ length: 50 }, (_, i) => sampleFlow({ sourcePort: 1000 + i, bytes: 50 - i }));
  summary.securityAssociations = Array.from({ length: 20 }, () => sampleAssociation());
  const text = render(summary);
  assert.match(text, /… and 45 more \(--json has all\)/);
  assert.match(text, /… and 12 more \(--json has all\)/);
  assert.match(text, /10\.9\.0\.1:1000/);
});

test('a broken input is named with its offset and what was read', () => {
  const text = render(sampleSummary(), 200);
  assert.match(text, /Broken input part2\.pcapng\.gz: .* at offset 123456: .* first 20 frames/);
});

test('traffic that only the tap saw in that form is a caution right below the verdict, with its bytes', () => {
  const summary = sampleSummary();
  summary.frames.superFrames = 190;
  summary.frames.superFrameBytes = 2 * summary.wire.bytes;
  const text = renderAnalysis(summary, { width: 80, color: false });
  const caution = text.indexOf('190 super-frames');
  assert.ok(caution > 0 && caution < text.indexOf('protection '), text);
  assert.match(text.replace(/\s+/g, ' '), /Caution: 66\.7 % of what was captured/);
  assert.match(text, /ethtool -K/);
});

test('of traffic that was left out nothing is claimed: only the rest is protected', () => {
  const summary = sampleSummary();
  for (const kind of ['clear', 'ah', 'ike', 'notIp'] as const) {
    summary.protection[kind] = { ...summary.protection[kind], packets: 0, bytes: 0 };
  }
  const heading = (color: boolean) => renderAnalysis(summary, { width: 80, color }).split('\n')[0]!;
  summary.frames.superFrames = 0;
  summary.frames.superFrameBytes = 0;
  assert.match(heading(false), /^All IP traffic is protected: 100 % in ESP/);
  assert.ok(heading(true).includes('\u001b[32m'));
  summary.frames.superFrames = 190;
  summary.frames.superFrameBytes = 2 * summary.wire.bytes;
  assert.match(heading(false), /^Super-frames aside, all IP traffic is protected: 100 % in ESP/);
  assert.ok(!heading(true).includes('\u001b[32m'));
});

test('packets that were lost and packets that only were not analysed are told apart', () => {
  const summary = sampleSummary();
  summary.inputs = [{ ...summary.inputs[0]!, reportedDrops: 17, notAnalysed: 20_000 }];
  const text = render(summary).replace(/\s+/g, ' ');
  assert.match(text, /The tap missed: .*; 17 packets dropped by the capture\./);
  assert.match(
    text,
    /Not in this report: 20,000 packets that were written but came too fast to be analysed\./,
  );
});

test('a capture without packets says so', () => {
  assert.equal(render(emptySummary()), 'No packets on the wire in this input.\n');
});

test('without colour there are no escape sequences, with it there are', () => {
  assert.ok(!render(sampleSummary()).includes('\u001b'));
  assert.ok(renderAnalysis(sampleSummary(), { width: 80, color: true }).includes('\u001b['));
});
