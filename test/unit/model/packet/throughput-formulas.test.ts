import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Channel } from '../../../../src/model/channel.js';
import { PeriodicLoss } from '../../../../src/model/packet/loss-process.js';
import type { TransferOutcome } from '../../../../src/model/packet/transfer-outcome.js';
import { assertNear, channelWith, MSS_BYTES, payloadBps, transfer } from './channels.js';

/** So fast and deep that loss alone limits. */
const LOSSY = { linkBps: 1e11, queuePackets: 1e6 } as const;

/** Segments in each round trip. */
function meanWindow(channel: Channel, outcome: TransferOutcome): number {
  return (payloadBps(outcome) / 8 / MSS_BYTES) * (channel.rttNs / 1e9);
}

function bytesForLosses(losses: number, probability: number): number {
  return Math.ceil((losses / probability) * MSS_BYTES);
}

/** Mean over a few seeds, each with some hundred losses. */
function randomLossWindow(channel: Channel, losses: number, seeds: number): number {
  let sum = 0;
  for (let seed = 1; seed <= seeds; seed++) {
    sum += meanWindow(channel, transfer(channel, bytesForLosses(losses, channel.loss), { seed }));
  }
  return sum / seeds;
}

function periodicLossWindow(channel: Channel, losses: number, probability: number): number {
  const losing = new PeriodicLoss(Math.round(1 / probability));
  return meanWindow(channel, transfer(channel, bytesForLosses(losses, probability), { losses: losing }));
}

/**
 * Mathis, Semke, Mahdavi and Ott, "The macroscopic behavior of the TCP congestion avoidance algorithm", CCR 27(3), 1997: window =
 * C / sqrt(p), C = sqrt(3/2) = 1.22 for periodic loss and 1.31 for random loss, where every segment is acknowledged. Linux counts
 * acknowledged segments, so that delayed acknowledgements do not lower C to 0.87 and 0.93.
 */
test("Reno's throughput follows the square root formula", () => {
  const cases = [
    { rttNs: 20e6, probability: 1e-3 },
    { rttNs: 100e6, probability: 1e-3 },
    { rttNs: 20e6, probability: 1e-4 },
  ];
  for (const { rttNs, probability } of cases) {
    const channel = channelWith({ ...LOSSY, rttNs, congestionControl: 'reno' });
    const periodic = periodicLossWindow(channel, 200, probability) * Math.sqrt(probability);
    assertNear(periodic, Math.sqrt(3 / 2), 0.05, `periodic loss ${probability}, ${rttNs} ns`);
    if (probability < 1e-3) continue;
    const random = randomLossWindow({ ...channel, loss: probability }, 250, 3) * Math.sqrt(probability);
    assertNear(random, 1.31, 0.05, `random loss ${probability}, ${rttNs} ns`);
  }
});

/**
 * Padhye, Firoiu, Towsley and Kurose, "Modeling TCP throughput", SIGCOMM 1998, equation 32, with one segment for each
 * acknowledgement (b = 1, as above) and Linux's timeout of a round trip and 200 ms. It describes Reno without selective acknowledgement,
 * where every loss in a small window costs a timeout: where the timeout is many round trips (20 ms: eleven) RACK and tail
 * loss probes do better by 20 % and more, and beyond the losses below by 10 %.
 */
test("Reno's throughput follows the formula of Padhye and others where timeouts matter", () => {
  const cases = [
    { rttNs: 100e6, losses: [0.01, 0.02, 0.03] },
    { rttNs: 200e6, losses: [0.01, 0.02, 0.03, 0.05] },
  ];
  for (const { rttNs, losses } of cases) {
    for (const loss of losses) {
      const channel = channelWith({ ...LOSSY, rttNs, loss, congestionControl: 'reno' });
      const timeoutNs = rttNs + 200e6;
      const rounds = Math.sqrt((2 * loss) / 3);
      const timeouts = Math.min(1, 3 * Math.sqrt((3 * loss) / 8)) * loss * (1 + 32 * loss ** 2);
      const expected = rttNs / (rttNs * rounds + timeoutNs * timeouts);
      assertNear(randomLossWindow(channel, 1500, 3), expected, 0.1, `loss ${loss}, ${rttNs} ns`);
    }
  }
});

/** RFC 9438 section 5.1: window = (C (3 + beta) / (4 (1 - beta)))^(1/4) RTT^(3/4) / p^(3/4), periodic loss. */
test("CUBIC's throughput follows RFC 9438 where it is not bound to be Reno's", () => {
  for (const probability of [1e-4, 1e-5]) {
    const channel = channelWith({ ...LOSSY, rttNs: 100e6 });
    const expected = ((0.4 * 3.7) / (4 * 0.3)) ** 0.25 * 0.1 ** 0.75 * probability ** -0.75;
    const losses = probability < 5e-5 ? 40 : 100;
    assertNear(periodicLossWindow(channel, losses, probability), expected, 0.05, `loss ${probability}`);
  }
});

/** RFC 9438 section 4.3: on short ways, where the cubic function is slower than Reno, CUBIC is as fast as Reno on average. */
test("CUBIC's throughput is Reno's on short ways", () => {
  const channel = channelWith({ ...LOSSY, rttNs: 5e6 });
  for (const probability of [1e-2, 1e-3]) {
    const reno = periodicLossWindow({ ...channel, congestionControl: 'reno' }, 200, probability);
    assertNear(periodicLossWindow(channel, 200, probability), reno, 0.06, `loss ${probability}`);
  }
});

test('loss as rare as one in a million does not keep a transfer from the rate of the link', () => {
  const outcome = transfer(channelWith({ linkBps: 10e9, loss: 1e-6 }), 2 ** 30);
  assert.ok(outcome.nsByLimit.link / outcome.deliveredNs > 0.98);
});
