import type { Channel } from '../../src/model/channel.js';
import { BulkSource } from '../../src/model/packet/bulk-source.js';
import { simulateTransfer } from '../../src/model/packet/simulate-transfer.js';
import { repoPath } from '../repo-root.js';
import { channelWith, FREE_HOST } from '../unit/model/packet/channels.js';
import { compareAlternating } from './measure-process.js';
import { compileNs3, runNs3 } from './ns3-transfer.js';

const BYTES = 2 ** 30;
const GOAL_PACKETS_PER_SECOND = 2e6;
const GOAL_TIMES_NS3 = 50;
/** A round of ns-3 takes half a minute. */
const MAX_NS3_ROUNDS = 3;
const NS3_OPTIONS = ['--linkBps=1e9', '--rttNs=1000000', '--queuePackets=5000', '--count=0'];
const NS3_CHANNEL = channelWith({ rttNs: 1e6, queuePackets: 5000 });

const SOURCE = { ...FREE_HOST, sendPacketNs: 2000, sendByteNs: 1.3, receivePacketNs: 300 };
const DESTINATION = { ...FREE_HOST, sendPacketNs: 300, receivePacketNs: 1900, receiveByteNs: 1.1 };

const CASES: readonly (readonly [title: string, channel: Channel, multifdChannels: number])[] = [
  ['10 Gbit/s, no loss', channelWith({ linkBps: 10e9 }), 0],
  ['10 Gbit/s, loss 0.001', channelWith({ linkBps: 10e9, loss: 1e-3 }), 0],
  ['10 Gbit/s, 20 ms, loss 0.0001', channelWith({ linkBps: 10e9, rttNs: 20e6, loss: 1e-4 }), 0],
  ['processors at both ends', channelWith({ linkBps: 10e9, source: SOURCE, destination: DESTINATION }), 0],
  [
    'one core at both ends',
    channelWith({
      linkBps: 10e9,
      source: { ...SOURCE, sharedCore: true },
      destination: { ...DESTINATION, sharedCore: true },
    }),
    0,
  ],
  ['multifd, 4 connections', channelWith({ linkBps: 10e9 }), 4],
];

export interface SimulateBenchOptions {
  readonly rounds: number;
  readonly scale: number;
  /** For the program that ns-3 is compiled into. */
  readonly folder: string;
}

/**
 * Data packets a second of the packet-level simulation on one core, and how long ns-3 takes for the same transfer.
 * @returns number of goals missed
 */
export async function benchSimulate({ rounds, scale, folder }: SimulateBenchOptions): Promise<number> {
  let missed = 0;
  const bytes = Math.ceil(BYTES * scale);
  console.log(`\npacket-level simulation, ${bytes} bytes, one core (processor time; the first run compiles)`);
  for (const [title, channel, multifdChannels] of CASES) {
    const first = packetsPerSecond(channel, bytes, multifdChannels);
    const rates = Array.from({ length: rounds }, () => packetsPerSecond(channel, bytes, multifdChannels));
    const median = medianOf(rates);
    const range = `${millions(Math.min(...rates))}..${millions(Math.max(...rates))}`;
    console.log(
      `  ${title}: ${millions(median)} M packets/s (${range}), first run ${millions(first)}: ` +
        verdict(median >= GOAL_PACKETS_PER_SECOND, `at least ${millions(GOAL_PACKETS_PER_SECOND)}`),
    );
    if (median < GOAL_PACKETS_PER_SECOND) missed++;
  }
  return missed + (await compareWithNs3(Math.min(rounds, MAX_NS3_ROUNDS), bytes, folder));
}

async function compareWithNs3(rounds: number, bytes: number, folder: string): Promise<number> {
  console.log(
    `\npacket-level simulation vs ns-3, same ${bytes === BYTES ? '1 GiB' : `${bytes} bytes`} transfer`,
  );
  const program = compileNs3(folder);
  if (program === undefined) {
    console.log('  left out: install g++ and libns3-dev');
    return 0;
  }
  const ours: number[] = [];
  const theirs: number[] = [];
  let simulatedSeconds = '';
  for (let round = 0; round < rounds; round++) {
    const start = performance.now();
    const outcome = simulateTransfer(NS3_CHANNEL, new BulkSource(bytes), { seed: 1, timeLimitNs: Infinity });
    ours.push((performance.now() - start) / 1000);
    const ns3 = runNs3(program, [...NS3_OPTIONS, `--bytes=${bytes}`]);
    theirs.push(ns3.wallSeconds);
    simulatedSeconds = `${(outcome.deliveredNs / 1e9).toFixed(3)} s against ${ns3.seconds.toFixed(3)} s`;
  }
  const times = medianOf(theirs) / medianOf(ours);
  console.log(`  simulated transfer: ${simulatedSeconds}`);
  console.log(`  simulation alone: ${medianOf(ours).toFixed(3)} s against ${medianOf(theirs).toFixed(3)} s`);
  console.log(
    `  ${times.toFixed(0)}x as fast: ${verdict(times >= GOAL_TIMES_NS3, `at least ${GOAL_TIMES_NS3}x`)}`,
  );
  const once = { name: process.execPath, args: [repoPath('dist/test/bench/simulate-once.js'), `${bytes}`] };
  const ns3 = { name: program, args: [...NS3_OPTIONS, `--bytes=${bytes}`] };
  const whole = await compareAlternating(folder, once, ns3, 1);
  const [we, they] = [whole.ours.median, whole.theirs.median];
  console.log(
    `  whole processes, start and compilation included: ${we.seconds.toFixed(3)} s against ${they.seconds.toFixed(3)} s, ` +
      `${(they.seconds / we.seconds).toFixed(0)}x; peak ${(we.peakBytes / 1e6).toFixed(0)} MB against ${(they.peakBytes / 1e6).toFixed(0)} MB`,
  );
  return times >= GOAL_TIMES_NS3 ? 0 : 1;
}

function packetsPerSecond(channel: Channel, bytes: number, multifdChannels: number): number {
  const before = process.cpuUsage();
  const source = new BulkSource(bytes, { multifdChannels, destinationNsPerByte: 0.2 });
  const { wire } = simulateTransfer(channel, source, { seed: 1, timeLimitNs: Number.POSITIVE_INFINITY });
  const { user, system } = process.cpuUsage(before);
  return (wire.segments * 1e6) / (user + system);
}

function medianOf(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1]!;
}

function millions(value: number): string {
  return (value / 1e6).toFixed(2);
}

function verdict(isMet: boolean, goal: string): string {
  return `goal ${goal}: ${isMet ? 'met' : 'MISSED'}`;
}
