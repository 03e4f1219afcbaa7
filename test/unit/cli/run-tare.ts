import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { PATIENCE_MS } from '../../tool.js';

/** The compiled command. */
export const TARE = fileURLToPath(new URL('../../../src/cli/main.js', import.meta.url));

export interface RunOptions {
  readonly input?: string | Uint8Array;
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
}

export interface RunResult {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs `tare` as a process of its own, without colour variables of whoever runs the tests. */
export function runTare(args: readonly string[], options: RunOptions = {}): RunResult {
  const child = spawnSync(process.execPath, [TARE, ...args], {
    input: options.input ?? '',
    cwd: options.cwd,
    env: { PATH: process.env['PATH'] ?? '', TZ: 'UTC', ...options.env },
    encoding: 'utf8',
    timeout: PATIENCE_MS,
    maxBuffer: 1 << 28,
  });
  if (child.error) throw child.error;
  return { exitCode: child.status, stdout: child.stdout, stderr: child.stderr };
}

/** Runs `body` with a new empty folder, and removes it. */
export function withFolder<Result>(body: (folder: string) => Result): Result {
  const folder = mkdtempSync(join(tmpdir(), 'tare-test-'));
  try {
    return body(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
