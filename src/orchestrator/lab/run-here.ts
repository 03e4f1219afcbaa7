import { execFile } from 'node:child_process';
import { LabError } from './lab-error.js';

export interface RunHereOptions {
  readonly cwd?: string;
  readonly input?: Uint8Array;
  readonly env?: NodeJS.ProcessEnv;
  readonly signal?: AbortSignal;
}

const MAX_OUTPUT_BYTES = 1 << 28;

/**
 * Runs a program on this machine to its end, in English.
 * @returns what it wrote on standard output
 * @throws LabError with what it said, if it cannot be started or does not exit 0
 */
export async function runHere(
  program: string,
  args: readonly string[],
  options: RunHereOptions = {},
): Promise<Buffer> {
  const { cwd, signal } = options;
  const env = { ...process.env, ...options.env, LC_ALL: 'C' };
  return new Promise((resolve, reject) => {
    const settings = { cwd, env, signal, encoding: 'buffer', maxBuffer: MAX_OUTPUT_BYTES } as const;
    const child = execFile(program, args, settings, (error, stdout, stderr) => {
      if (error === null) return resolve(stdout);
      const said = stderr.toString('utf8').trim();
      reject(new LabError(`${program} ${args[0] ?? ''}: ${said || error.message}`, { cause: error }));
    });
    child.stdin?.on('error', () => {});
    child.stdin?.end(options.input);
  });
}
