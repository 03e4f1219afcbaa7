import type { SweepReport } from '../../../src/report/chart/sweep-report.js';
import type { IterationResult, RunResult, WireLayers } from '../../../src/result/run-result.js';
import { type SweepRow, sweepFigures } from '../../../src/result/sweep-row.js';
import type { Scenario } from '../../../src/scenario/scenario.js';

const PAGE_BYTES = 4104;

export function sampleScenario(): Scenario {
  return {
    name: 'sample',
    description: 'A guest of 4 GiB that rewrites half a GiB.',
    guest: {
      memoryBytes: 4 * 2 ** 30,
      filledBytes: 2 ** 31,
      workload: { kind: 'uniform', pagesPerSecond: 20_000, workingSetBytes: 2 ** 29 },
    },
    network: {
      linkBps: 10e9,
      rttUs: 200,
      loss: 0,
      mtu: 1500,
      mss: 'auto',
      queuePackets: 1000,
      family: 'ipv4',
      congestionControl: 'cubic',
    },
    ipsec: { esp: 'aes128gcm16', ah: null, mode: 'transport', encap: false, esn: false, align4: false },
    migration: {
      maxBandwidth: 134_217_728,
      downtimeLimitMs: 300,
      multifdChannels: 0,
      autoConverge: false,
      xbzrle: null,
      compression: null,
      postcopyAfterIterations: null,
      timeoutMs: 60_000,
    },
    hosts: {
      calibration: 'sample',
      source: { cores: 2, cpuShare: 1 },
      destination: { cores: 2, cpuShare: 1 },
    },
    seed: 1,
  };
}

/** Three iterations and stop-and-copy. */
const ITERATIONS: readonly Omit<IterationResult, 'index' | 'startMs' | 'bytes'>[] = [
  { durationMs: 8200, pages: 524_288, zeroPages: 524_288, remainingPages: 9000 },
  { durationMs: 1900, pages: 110_000, zeroPages: 0, remainingPages: 9200 },
  { durationMs: 900, pages: 40_000, zeroPages: 0, remainingPages: 9000 },
  { durationMs: 210, pages: 9_000, zeroPages: 0, remainingPages: 0 },
];

/** A run that converges, whole in itself: bytes are those of its pages, times add up. */
export function sampleRun(changes: Partial<RunResult> = {}): RunResult {
  const setupMs = 4;
  let startMs = setupMs;
  const iterations = ITERATIONS.map((each, i) => {
    const bytes = each.pages * PAGE_BYTES + each.zeroPages * 9 + 8;
    const iteration = { index: i + 1, startMs, bytes, ...each };
    startMs += each.durationMs;
    return iteration;
  });
  const ramBytes = iterations.reduce((sum, { bytes }) => sum + bytes, 0);
  const streamBytes = ramBytes + 112_000;
  const packets = Math.ceil(streamBytes / 1414);
  const wireBytes = streamBytes + packets * 100;
  return {
    schema: 'tare.run/1',
    scenario: sampleScenario(),
    source: 'model:analytic',
    converged: true,
    totalTimeMs: startMs,
    downtimeMs: 210,
    standstillMs: 214,
    setupMs,
    iterations,
    stream: {
      bytes: streamBytes,
      ramBytes,
      normalPages: iterations.reduce((sum, { pages }) => sum + pages, 0),
      zeroPages: iterations.reduce((sum, { zeroPages }) => sum + zeroPages, 0),
    },
    wire: {
      packets,
      bytes: wireBytes,
      bytesByLayer: sampleLayers(packets, streamBytes),
      acknowledgements: packets / 2,
      fragments: 0,
      retransmissions: 0,
    },
    cpu: { source: { seconds: 9.1 }, destination: { seconds: 10.2 } },
    throughputBps: (streamBytes * 8) / (startMs / 1000),
    limitedBy: 'maxBandwidth',
    timeByLimit: { link: 0, sourceCpu: 0.15, destinationCpu: 0.2, roundTrips: 0.01, maxBandwidth: 0.64 },
    intervals: null,
    ...changes,
  };
}

function sampleLayers(packets: number, payload: number): WireLayers {
  return {
    link: 14 * packets,
    ip: 20 * packets,
    udpEncap: 0,
    ah: 0,
    espHeader: 8 * packets,
    espIv: 8 * packets,
    espPadding: 0,
    espTrailer: 2 * packets,
    espIcv: 16 * packets,
    innerIp: 0,
    transport: 32 * packets,
    payload,
    other: 0,
  };
}

/** The same in the clear: sooner, and with fewer bytes. */
export function sampleClearRun(): RunResult {
  const run = sampleRun();
  const { wire } = run;
  return {
    ...run,
    scenario: { ...run.scenario, ipsec: { ...run.scenario.ipsec, esp: null } },
    totalTimeMs: 8114,
    downtimeMs: 160,
    standstillMs: 161,
    iterations: run.iterations.slice(0, 3),
    wire: { ...wire, packets: Math.round(wire.packets * 0.977), bytes: Math.round(wire.bytes * 0.97) },
    cpu: { source: { seconds: 2.3 }, destination: { seconds: 3.1 } },
    timeByLimit: { link: 0, sourceCpu: 0, destinationCpu: 0, roundTrips: 0, maxBandwidth: 1 },
  };
}

/** A minute of iterations that never become short. */
export function sampleEndlessRun(iterationCount = 52): RunResult {
  const run = sampleRun();
  const durationMs = (60_000 - run.setupMs) / iterationCount;
  const iterations = Array.from({ length: iterationCount }, (_, i) => ({
    index: i + 1,
    startMs: run.setupMs + i * durationMs,
    durationMs,
    pages: 15_000,
    zeroPages: i === 0 ? 524_288 : 0,
    bytes: 15_000 * PAGE_BYTES,
    remainingPages: 116_000,
  }));
  return {
    ...run,
    scenario: {
      ...run.scenario,
      guest: {
        ...run.scenario.guest,
        workload: { kind: 'uniform', pagesPerSecond: 230_000, workingSetBytes: 2 ** 30 },
      },
    },
    converged: false,
    totalTimeMs: 60_000,
    downtimeMs: null,
    standstillMs: null,
    iterations,
    throughputBps: 57e6 * 8,
    limitedBy: 'destinationCpu',
    timeByLimit: { link: 0, sourceCpu: 0.2, destinationCpu: 0.79, roundTrips: 0.01, maxBandwidth: 0 },
  };
}

/** The grid of suites and MTUs: at 300 no suite but none fits, and small MTUs do not converge with AH. */
function sampleRows(): SweepRow[] {
  const suites = ['none', 'aes128gcm16', 'aes128-sha256'];
  const mtus = [576, 1500, 4000, 9000];
  const rates = [0, 4000, 8000, 12_000, 16_000];
  const points = suites.flatMap((esp) => mtus.flatMap((mtu) => rates.map((rate) => ({ esp, mtu, rate }))));
  return points.map(({ esp, mtu, rate }, index) => {
    const base = { index, scenario: 'sample', settings: { esp, mtu: `${mtu}`, rate: `${rate}` } };
    if (mtu === 576 && esp === 'aes128-sha256') {
      return { ...base, figures: null, error: 'MTU 576 leaves no room' };
    }
    const capacity = 8000 * (1 + suites.length - suites.indexOf(esp)) * (mtu / (mtu + 2000));
    const converged = rate < capacity;
    const run = sampleRun({
      converged,
      totalTimeMs: converged ? 40_000_000 / (capacity - rate * 0.5) : 60_000,
      downtimeMs: converged ? 100 + rate / 100 : null,
      standstillMs: converged ? 101 + rate / 100 : null,
    });
    const scenario: Scenario = {
      ...run.scenario,
      guest: {
        ...run.scenario.guest,
        workload: { kind: 'uniform', pagesPerSecond: rate, workingSetBytes: 2 ** 29 },
      },
      network: { ...run.scenario.network, mtu },
      ipsec: { ...run.scenario.ipsec, esp: esp === 'none' ? null : esp },
    };
    return { ...base, figures: sweepFigures({ ...run, scenario }), error: null };
  });
}

/** Three suites, four MTUs, five rates of writing. */
export function sampleSweep(): SweepReport {
  return {
    scenarios: ['sample'],
    axes: [
      { name: 'esp', values: ['none', 'aes128gcm16', 'aes128-sha256'] },
      { name: 'mtu', values: ['576', '1500', '4000', '9000'] },
      { name: 'rate', values: ['0', '4000', '8000', '12000', '16000'] },
    ],
    rows: sampleRows(),
    level: 'analytic',
    samples: 1,
  };
}
