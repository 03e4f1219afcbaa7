import type { AnalysisSummary } from '../../../src/analysis/analysis-summary.js';
import type { IpsecKnowledge } from '../../../src/analysis/known-ipsec.js';
import { openCapture } from '../../../src/capture/capture-source.js';
import { LiveMonitor } from '../../../src/monitor/live-monitor.js';
import type { LiveDrops, LiveSnapshot } from '../../../src/monitor/live-snapshot.js';
import { FrameBlock } from '../../../src/packet/frame-block.js';

export const NO_KNOWLEDGE: IpsecKnowledge = { associations: [], assumedEsp: null, assumedAh: null };
export const NO_DROPS: LiveDrops = { kernel: 0, interface: 0 };

export interface ReplayOptions {
  readonly knowledge?: IpsecKnowledge;
  readonly intervalNs?: bigint;
  /** Most frames in a block: a live capture hands over few at a time. */
  readonly blockFrames?: number;
}

export interface Replay {
  /** One at the end of each interval after the first frame's time, the last one behind the last frame. */
  readonly snapshots: LiveSnapshot[];
  readonly summary: AnalysisSummary;
}

/** Sends a capture file through a `LiveMonitor` as it came by, by the times of its frames. */
export async function replay(path: string, options: ReplayOptions = {}): Promise<Replay> {
  const { knowledge = NO_KNOWLEDGE, intervalNs = 1_000_000_000n, blockFrames = 4096 } = options;
  const source = await openCapture(path);
  const snapshots: LiveSnapshot[] = [];
  let monitor: LiveMonitor | null = null;
  let part: FrameBlock | null = null;
  let nextNs = 0n;
  for await (const block of source) {
    part ??= new FrameBlock(block.data, block.capacity);
    part.data = block.data;
    for (let i = 0; i < block.count; i++) {
      const timeNs = timeOf(block, i);
      if (monitor === null) {
        monitor = new LiveMonitor({ ...knowledge, path, startNs: timeNs, mtuBytes: null, clockMs: () => 0 });
        nextNs = timeNs + intervalNs;
      }
      if (timeNs >= nextNs || part.count === blockFrames) flush(monitor, part);
      for (; timeNs >= nextNs; nextNs += intervalNs) snapshots.push(monitor.snapshot(nextNs, NO_DROPS));
      copyFrame(block, i, part);
    }
    if (monitor !== null) flush(monitor, part);
  }
  monitor ??= new LiveMonitor({ ...knowledge, path, startNs: 0n, mtuBytes: null, clockMs: () => 0 });
  snapshots.push(monitor.snapshot(nextNs, NO_DROPS));
  const { format, linkTypes, reportedDrops, error } = source;
  source.close();
  return { snapshots, summary: monitor.finish({ format, linkTypes, reportedDrops, error }) };
}

function timeOf(block: FrameBlock, i: number): bigint {
  return BigInt(block.timeSeconds[i]!) * 1_000_000_000n + BigInt(block.timeNanoseconds[i]!);
}

function flush(monitor: LiveMonitor, part: FrameBlock): void {
  if (part.count > 0) monitor.add(part);
  part.count = 0;
}

function copyFrame(from: FrameBlock, i: number, to: FrameBlock): void {
  const at = to.count++;
  to.offset[at] = from.offset[i]!;
  to.capturedLength[at] = from.capturedLength[i]!;
  to.wireLength[at] = from.wireLength[i]!;
  to.timeSeconds[at] = from.timeSeconds[i]!;
  to.timeNanoseconds[at] = from.timeNanoseconds[i]!;
  to.linkType[at] = from.linkType[i]!;
  to.frameNumber[at] = from.frameNumber[i]!;
}
