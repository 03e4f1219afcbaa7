import { spawn } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { findTool } from '../tool.js';

export interface Command {
  readonly name: string;
  readonly args: readonly string[];
}

export interface Measurement {
  readonly seconds: number;
  /** User and system time of all threads. */
  readonly cpuSeconds: number;
  /** Largest resident set. */
  readonly peakBytes: number;
}

export interface Comparison {
  readonly ours: Series;
  readonly theirs: Series;
}

export interface Series {
  readonly command: Command;
  readonly median: Measurement;
  readonly minSeconds: number;
  readonly maxSeconds: number;
}

/**
 * Runs both commands `rounds` times in turn, so that whatever else slows the machine for a while slows both. Whole
 * processes, from start to exit, output to /dev/null.
 * @throws Error if one of them fails
 */
export async function compareAlternating(
  folder: string,
  ours: Command,
  theirs: Command,
  rounds: number,
): Promise<Comparison> {
  const our: Measurement[] = [];
  const their: Measurement[] = [];
  for (let round = 0; round < rounds; round++) {
    our.push(await measure(folder, ours));
    their.push(await measure(folder, theirs));
  }
  return { ours: summarise(ours, our), theirs: summarise(theirs, their) };
}

/** GNU time tells processor time and peak memory; its own wall clock is too coarse. */
async function measure(folder: string, command: Command): Promise<Measurement> {
  const time = findTool('time');
  if (time === undefined) throw new Error('GNU time is missing: apt-get install time');
  const report = join(folder, 'time.txt');
  const start = process.hrtime.bigint();
  const child = spawn(time, ['-f', '%U %S %M', '-o', report, command.name, ...command.args], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let complaint = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    complaint = (complaint + text).slice(-2000);
  });
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on('error', reject).on('close', resolve);
  });
  const seconds = Number(process.hrtime.bigint() - start) / 1e9;
  if (code !== 0) throw new Error(`${commandLine(command)}: exit code ${code}\n${complaint}`);
  const [user = 0, system = 0, peakKibibytes = 0] = readFileSync(report, 'utf8')
    .trim()
    .split(' ')
    .map(Number);
  rmSync(report);
  return { seconds, cpuSeconds: user + system, peakBytes: peakKibibytes * 1024 };
}

function summarise(command: Command, measurements: readonly Measurement[]): Series {
  const sorted = [...measurements].sort((a, b) => a.seconds - b.seconds);
  return {
    command,
    median: {
      seconds: sorted[sorted.length >> 1]!.seconds,
      cpuSeconds: sorted[sorted.length >> 1]!.cpuSeconds,
      peakBytes: Math.max(...sorted.map((measurement) => measurement.peakBytes)),
    },
    minSeconds: sorted[0]!.seconds,
    maxSeconds: sorted.at(-1)!.seconds,
  };
}

export function commandLine(command: Command): string {
  return [command.name, ...command.args]
    .map((arg) => (/^[\w@%+=:,./-]+$/.test(arg) ? arg : `'${arg}'`))
    .join(' ');
}
