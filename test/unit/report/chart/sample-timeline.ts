import type { TimelineSummary } from '../../../../src/analysis/analysis-summary.js';

/** ESP in every interval, bursts in the clear, one IKE packet. */
export function sampleTimeline(intervals = 200): TimelineSummary {
  const fill = (bytes: (interval: number) => number) => Array.from({ length: intervals }, (_, i) => bytes(i));
  return {
    startNs: '1700000000000000000',
    intervalNs: 50_000_000,
    byClass: {
      esp: fill((i) => 400_000 + (i % 7) * 10_000),
      clear: fill((i) => (i % 40 < 5 ? 60_000 : 0)),
      ike: fill((i) => (i === 10 ? 900 : 0)),
      ah: fill(() => 0),
      ahEsp: fill(() => 0),
      notIp: fill(() => 0),
    },
  };
}
