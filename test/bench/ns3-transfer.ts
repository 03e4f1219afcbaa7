import { join } from 'node:path';
import { repoPath } from '../repo-root.js';
import { findTool, runTool } from '../tool.js';

const LIBRARIES = [
  'applications',
  'point-to-point',
  'internet',
  'traffic-control',
  'network',
  'stats',
  'core',
] as const;
const COMPILE_MS = 300_000;
const RUN_MS = 1_800_000;

export interface Ns3Outcome {
  readonly receivedBytes: number;
  /** Simulated. */
  readonly seconds: number;
  readonly segments: number;
  readonly retransmissions: number;
  /** Of the simulation alone, without starting. */
  readonly wallSeconds: number;
}

/** @returns path of the program; undefined if the compiler or ns-3 is not installed */
export function compileNs3(folder: string): string | undefined {
  if (findTool('g++') === undefined) return undefined;
  const program = join(folder, 'bulk-transfer');
  const source = repoPath('test/bench/ns3/bulk-transfer.cc');
  const libraries = LIBRARIES.map((name) => `-lns3-${name}`);
  const probe = '#include "ns3/core-module.h"\n';
  try {
    runTool('g++', ['-std=c++17', '-fsyntax-only', '-x', 'c++', '-'], {
      input: probe,
      timeoutMs: COMPILE_MS,
    });
  } catch {
    return undefined;
  }
  runTool('g++', ['-O2', '-std=c++17', source, '-o', program, ...libraries], { timeoutMs: COMPILE_MS });
  return program;
}

export function runNs3(program: string, options: readonly string[]): Ns3Outcome {
  return JSON.parse(runTool(program, options, { timeoutMs: RUN_MS }).stdout) as Ns3Outcome;
}
