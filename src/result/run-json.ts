import {
  type CpuResult,
  LIMITS,
  type Limit,
  type RunResult,
  WIRE_LAYERS,
  type WireLayers,
} from './run-result.js';

/**
 * `tare.run/1` as docs/FORMATS.md lists it: keys in that order, whatever the order in which a model filled them, so that equal
 * runs are equal texts. Numbers are written as they are.
 */
export function runJson(run: RunResult): RunResult {
  const { stream, wire, cpu, intervals } = run;
  return {
    schema: run.schema,
    scenario: run.scenario,
    source: run.source,
    converged: run.converged,
    totalTimeMs: run.totalTimeMs,
    downtimeMs: run.downtimeMs,
    standstillMs: run.standstillMs,
    setupMs: run.setupMs,
    iterations: run.iterations.map((each) => ({
      index: each.index,
      startMs: each.startMs,
      durationMs: each.durationMs,
      pages: each.pages,
      zeroPages: each.zeroPages,
      bytes: each.bytes,
      remainingPages: each.remainingPages,
    })),
    stream: {
      bytes: stream.bytes,
      ramBytes: stream.ramBytes,
      normalPages: stream.normalPages,
      zeroPages: stream.zeroPages,
    },
    wire: {
      packets: wire.packets,
      bytes: wire.bytes,
      bytesByLayer: inOrder(WIRE_LAYERS, wire.bytesByLayer) as WireLayers,
      acknowledgements: wire.acknowledgements,
      fragments: wire.fragments,
      retransmissions: wire.retransmissions,
    },
    cpu: { source: cpuJson(cpu.source), destination: cpuJson(cpu.destination) },
    throughputBps: run.throughputBps,
    limitedBy: run.limitedBy,
    timeByLimit: inOrder(LIMITS, run.timeByLimit) as Record<Limit, number>,
    intervals: intervals && {
      samples: intervals.samples,
      converged: intervals.converged,
      totalTimeMs: intervals.totalTimeMs,
      downtimeMs: intervals.downtimeMs,
      wirePackets: intervals.wirePackets,
    },
    ...(run.standstillErrorMs !== undefined && { standstillErrorMs: run.standstillErrorMs }),
    ...(run.environment !== undefined && { environment: run.environment }),
    ...(run.checks !== undefined && { checks: run.checks }),
    ...(run.xfrm !== undefined && { xfrm: run.xfrm }),
  };
}

function cpuJson({ seconds, byKind, threads }: CpuResult): CpuResult {
  return { seconds, ...(byKind !== undefined && { byKind }), ...(threads !== undefined && { threads }) };
}

/** One line, without line feed: for JSON lines. Read back by `parseRunResult`. */
export function renderRunLine(run: RunResult): string {
  return renderLine(runJson(run));
}

/** Any JSON on one line, without line feed, safe on a terminal. */
export function renderLine(value: unknown): string {
  return JSON.stringify(value).replace(UNSAFE, escapeUnits);
}

/** What JSON leaves as it is and a terminal could act on: names come from files. */
const UNSAFE = /[\p{Cf}\p{Zl}\p{Zp}\u007f-\u009f]/gu;

/** @returns one `\uXXXX` for each UTF-16 unit */
function escapeUnits(character: string): string {
  return Array.from({ length: character.length }, (_, i) => {
    return `\\u${character.charCodeAt(i).toString(16).padStart(4, '0')}`;
  }).join('');
}

function inOrder<Key extends string>(
  keys: readonly Key[],
  values: Readonly<Record<Key, number>>,
): Record<string, number> {
  return Object.fromEntries(keys.map((key) => [key, values[key]]));
}
