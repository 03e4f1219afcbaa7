import { spawnSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import type { TestContext } from 'node:test';

/** A program that takes longer hangs: a loaded machine may take minutes for what an idle one does in seconds. */
export const PATIENCE_MS = 10 * 60_000;

/**
 * Says whether an external tool can be used. If it is missing the test is skipped with a message naming the tool; with
 * CI set in the environment it throws instead, so that nothing goes untested there unnoticed.
 *
 *     test('counts as tshark counts', (t) => {
 *       if (!requireTool(t, 'tshark')) return;
 */
export function requireTool(t: Pick<TestContext, 'skip'>, command: string): boolean {
  if (findTool(command) !== undefined) return true;
  const message = `${command} is not installed (scripts/debian-packages.json names the package)`;
  if (isCi()) throw new Error(message);
  t.skip(message);
  return false;
}

/** @returns path of the command, searched in PATH and where Debian keeps commands for root; undefined if missing */
export function findTool(command: string): string | undefined {
  const directories = [
    ...(process.env['PATH'] ?? '').split(delimiter),
    '/usr/local/sbin',
    '/usr/sbin',
    '/sbin',
  ];
  for (const directory of directories) {
    const path = join(directory, command);
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {
      // not in this directory
    }
  }
  return undefined;
}

export interface ToolOptions {
  readonly input?: string | Uint8Array;
  readonly cwd?: string;
  /** Default `PATIENCE_MS`. */
  readonly timeoutMs?: number;
}

export interface ToolOutput {
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Runs a tool to its end.
 *
 * @throws Error with the whole command line and what the tool said on stderr, if it cannot be started, exits non-zero
 *   or takes longer than `timeoutMs`
 */
export function runTool(command: string, args: readonly string[], options: ToolOptions = {}): ToolOutput {
  const child = spawnSync(findTool(command) ?? command, args, {
    input: options.input ?? '',
    cwd: options.cwd,
    timeout: options.timeoutMs ?? PATIENCE_MS,
    maxBuffer: 1 << 30,
    env: { ...process.env, LC_ALL: 'C.UTF-8', TZ: 'UTC' },
  });
  const stdout = child.stdout?.toString() ?? '';
  const stderr = child.stderr?.toString() ?? '';
  const commandLine = [command, ...args].join(' ');
  if (child.error)
    throw new Error(`${commandLine}: ${child.error.message}\n${stderr}`, { cause: child.error });
  if (child.signal) throw new Error(`${commandLine}: ended by ${child.signal}\n${stderr}`);
  if (child.status !== 0) throw new Error(`${commandLine}: exit code ${child.status}\n${stderr}`);
  return { stdout, stderr };
}

function isCi(): boolean {
  const value = process.env['CI'] ?? '';
  return value !== '' && value !== '0' && value !== 'false';
}
