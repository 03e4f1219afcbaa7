import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  cubicWindow,
  lossRate,
  queueUtilisation,
  randomLossWindow,
  renoWindow,
} from '../../../../src/model/analytic/tcp-throughput.js';
import { Random } from '../../../../src/model/random.js';

test("Reno's window is that of RFC 3649 table 1: 1.2 / sqrt(p)", () => {
  for (const [loss, window] of [
    [1e-2, 12],
    [1e-3, 38],
    [1e-4, 120],
    [1e-8, 12_000],
  ] as const) {
    assert.ok(Math.abs(renoWindow(loss) / window - 1) < 0.03, `${renoWindow(loss)}`);
  }
});

test("CUBIC's windows are those of RFC 9438 table 1 (round trip 0.1 s)", () => {
  // The RFC's column for CUBIC with C = 0.4, where the cubic formula is above Reno's.
  for (const [loss, window] of [
    [1e-4, 187],
    [1e-5, 1054],
    [1e-6, 5926],
    [1e-7, 33_325],
    [1e-8, 187_400],
  ] as const) {
    assert.ok(Math.abs(cubicWindow(loss, 0.1) / window - 1) < 0.01, `${cubicWindow(loss, 0.1)}`);
  }
});

/** Follows the window through losses that are independent of each other. @returns mean window * sqrt(loss) */
function simulateReno(beta: number, slopeBelow: number, slopeAbove: number, losses: number): number {
  const random = new Random(7);
  const loss = 1e-4;
  let [window, prior, segments, rounds] = [100, 100, 0, 0];
  for (let i = 0; i < losses; i++) {
    let left = -Math.log(1 - random.next()) / loss;
    while (left > 0) {
      const slope = window < prior ? slopeBelow : slopeAbove;
      const room = window < prior ? (prior * prior - window * window) / (2 * slope) : left;
      const taken = Math.min(left, room);
      const next = Math.sqrt(window * window + 2 * slope * taken);
      segments += taken;
      rounds += (next - window) / slope;
      window = taken === room && window < prior ? prior : next;
      left -= taken;
    }
    prior = window;
    window *= beta;
  }
  return (segments / rounds) * Math.sqrt(loss);
}

/** The same for the cubic region, with fast convergence (RFC 9438 section 4.7). @returns mean window / (rtt / loss)^0.75 */
function simulateCubic(losses: number): number {
  const random = new Random(7);
  const [loss, rttSeconds] = [1e-4, 0.2];
  let [window, top, segments, seconds] = [100, 140, 0, 0];
  for (let i = 0; i < losses; i++) {
    let left = -Math.log(1 - random.next()) / loss;
    const plateau = Math.max(top, window);
    const k = Math.cbrt((plateau - window) / 0.4);
    const step = 0.01 + k / 200;
    let current = window;
    for (let t = 0; left > 0; t += step) {
      current = plateau + 0.4 * (t - k) ** 3;
      left -= (current * step) / rttSeconds;
      segments += (current * step) / rttSeconds;
      seconds += step;
    }
    top = current < top ? (current * 1.7) / 2 : current;
    window = current * 0.7;
  }
  return ((segments / seconds) * rttSeconds) / (rttSeconds / loss) ** 0.75;
}

test('under independent losses windows are as large as those that are followed loss by loss', () => {
  const rtt = 0.01;
  const loss = 1e-4;
  const reno = randomLossWindow(loss, rtt, 'reno') * Math.sqrt(loss);
  assert.ok(Math.abs(simulateReno(0.5, 1, 1, 50_000) / reno - 1) < 0.02);
  const cubicAsReno = randomLossWindow(loss, rtt, 'cubic') * Math.sqrt(loss);
  assert.ok(Math.abs(simulateReno(0.7, 0.9 / 1.7, 1, 50_000) / cubicAsReno - 1) < 0.02);
  const cubic = randomLossWindow(loss, 0.5, 'cubic') / (0.5 / loss) ** 0.75;
  assert.ok(Math.abs(simulateCubic(20_000) / cubic - 1) < 0.03);
});

test('loss and round trips make it slower, and without loss there is no limit', () => {
  assert.equal(lossRate(0, 0.01, 'cubic'), Number.POSITIVE_INFINITY);
  assert.equal(lossRate(1, 0.01, 'cubic'), 0);
  for (const control of ['reno', 'cubic'] as const) {
    let before = Number.POSITIVE_INFINITY;
    for (const loss of [1e-6, 1e-4, 1e-2, 0.1, 0.5]) {
      const rate = lossRate(loss, 0.01, control);
      assert.ok(rate > 0 && rate < before);
      assert.ok(lossRate(loss, 0.1, control) < rate);
      before = rate;
    }
  }
});

test('a queue of a path (Reno) or three sevenths of it (CUBIC) keeps the link busy; without one three quarters or more are used', () => {
  assert.equal(queueUtilisation(100, 100, 'reno'), 1);
  assert.equal(queueUtilisation(70, 30, 'cubic'), 1);
  assert.ok(Math.abs(queueUtilisation(100, 0, 'reno') - 0.75) < 1e-9);
  assert.ok(Math.abs(queueUtilisation(100, 0, 'cubic') - (1 - 0.3 / 4)) < 1e-9);
  assert.ok(queueUtilisation(100, 50, 'reno') > 0.75 && queueUtilisation(100, 50, 'reno') < 1);
});
