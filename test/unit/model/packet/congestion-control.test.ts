import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type CongestionWindow, NewReno } from '../../../../src/model/packet/congestion-control.js';
import { Cubic } from '../../../../src/model/packet/cubic.js';
import { assertNear } from './channels.js';

const RTT_NS = 100e6;

/** A round trip in which every segment is acknowledged in pairs. */
function passRound(control: Cubic | NewReno, window: CongestionWindow, startNs: number): void {
  const segments = Math.floor(window.segments);
  control.beginRound(startNs);
  for (let acknowledged = 0; acknowledged < segments; acknowledged += 2) {
    control.measured(window, RTT_NS, startNs, RTT_NS);
    control.grow(window, Math.min(2, segments - acknowledged), startNs);
  }
}

/** RFC 5681 section 3.1. */
test('slow start doubles the window in a round trip and stops at the threshold', () => {
  for (const control of [new NewReno(), new Cubic(1448)]) {
    const window = { segments: 10, ssthresh: 35 };
    passRound(control, window, RTT_NS);
    assert.equal(window.segments, 20);
    passRound(control, window, 2 * RTT_NS);
    assert.ok(window.segments >= 35 && window.segments < 37);
  }
});

test('Reno grows by a segment in a round trip and halves after a loss', () => {
  const window = { segments: 100, ssthresh: 50 };
  const control = new NewReno();
  passRound(control, window, RTT_NS);
  assertNear(window.segments, 101, 0.001, 'window');
  assertNear(control.thresholdAfterLoss(window), 50.5, 0.001, 'threshold');
  assert.equal(control.thresholdAfterLoss({ segments: 1, ssthresh: 2 }), 2);
});

/** RFC 9438 sections 4.2 and 4.6: K = cbrt(0.3 W / 0.4), W(K) = W. */
test('CUBIC falls to 0.7 and is back where the loss was after K seconds', () => {
  const control = new Cubic(1448);
  const window = { segments: 1000, ssthresh: 1000 };
  control.measured(window, RTT_NS, 0, RTT_NS);
  window.ssthresh = control.thresholdAfterLoss(window);
  window.segments = window.ssthresh;
  assert.equal(window.ssthresh, 700);
  const kRounds = Math.cbrt((1000 * 0.3) / 0.4) / (RTT_NS / 1e9);
  const reached: number[] = [];
  for (let round = 0; round <= 1.5 * kRounds; round++) {
    passRound(control, window, 1e9 + round * RTT_NS);
    reached.push(window.segments);
  }
  assertNear(reached[Math.round(kRounds)]!, 1000, 0.005, 'window after K');
  const half = 1000 - 0.4 * ((kRounds / 2) * (RTT_NS / 1e9)) ** 3;
  assertNear(reached[Math.round(kRounds / 2)]!, half, 0.02, 'window after K / 2');
  assertNear(reached.at(-1)!, 1000 + (1000 - half), 0.02, 'window after 1.5 K');
});

/** RFC 9438 section 4.7. */
test('after two losses in a row CUBIC aims below the second', () => {
  const control = new Cubic(1448);
  const window = { segments: 1000, ssthresh: 1000 };
  control.measured(window, RTT_NS, 0, RTT_NS);
  control.thresholdAfterLoss(window);
  window.segments = 800;
  window.ssthresh = control.thresholdAfterLoss(window);
  window.segments = window.ssthresh;
  // The plateau is 800 * 1.7 / 2
  for (let round = 0; round < 80; round++) passRound(control, window, 1e9 + round * RTT_NS);
  assertNear(window.segments, 680, 0.03, 'window on the plateau');
});

/** net/ipv4/tcp_cubic.c: a rise by an eighth, at least 4 ms, over eight samples; not below 16 segments. */
test('HyStart ends slow start when the round trip grows, not in the smallest windows', () => {
  const control = new Cubic(1448);
  const small = { segments: 15, ssthresh: Number.POSITIVE_INFINITY };
  const large = { segments: 100, ssthresh: Number.POSITIVE_INFINITY };
  control.measured(large, 80e6, 0, 80e6);
  for (const [window, rttNs] of [
    [small, 100e6],
    [large, 89e6],
  ] as const) {
    control.beginRound(1e9);
    // So far apart that they are no train
    for (let sample = 0; sample < 20; sample++) control.measured(window, rttNs, 2e9 + sample * 3e6, rttNs);
    assert.equal(window.ssthresh, Number.POSITIVE_INFINITY);
  }
  control.beginRound(3e9);
  for (let sample = 0; sample < 9; sample++) control.measured(large, 91e6, 4e9 + sample * 3e6, 91e6);
  assert.equal(large.ssthresh, 100);
});

test('HyStart ends slow start when a train of acknowledgements is as long as half the smallest round trip', () => {
  const control = new Cubic(1448);
  const window = { segments: 1000, ssthresh: Number.POSITIVE_INFINITY };
  control.measured(window, 10e6, 0, 10e6);
  control.beginRound(1e9);
  let nowNs = 1e9;
  for (; window.ssthresh === Number.POSITIVE_INFINITY; nowNs += 0.1e6)
    control.measured(window, 10e6, nowNs, 10e6);
  // And what the pacing rate makes of four segmentation offload buffers: 10 ms / 11, halved
  assertNear(nowNs - 1e9, 10e6 / 2 + 0.45e6, 0.05, 'length of the train');
});

test('idle time does not count as time in which CUBIC could have grown', () => {
  const grown = (idleNs: number): number => {
    const control = new Cubic(1448);
    const window = { segments: 1000, ssthresh: 1000 };
    control.measured(window, RTT_NS, 0, RTT_NS);
    window.ssthresh = control.thresholdAfterLoss(window);
    window.segments = window.ssthresh;
    passRound(control, window, 1e9);
    control.resumed(idleNs);
    passRound(control, window, 1e9 + RTT_NS + idleNs);
    return window.segments;
  };
  assertNear(grown(50e9), grown(0), 1e-9, 'window');
});
