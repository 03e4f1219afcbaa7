import { mkdirSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { CliError, ExitCode } from './exit-code.js';
import { cannotWrite, writeOutputFile } from './output-file.js';

interface Picture {
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** @throws CliError (usage) if an output, by option, is an input too */
export function requireOtherFiles(
  outputs: Readonly<Record<string, string | undefined>>,
  inputs: readonly string[],
): void {
  const read = inputs.map(realPath);
  for (const [option, output] of Object.entries(outputs)) {
    if (output === undefined || !read.includes(realPath(output))) continue;
    throw new CliError(ExitCode.usage, `${option} ${output}: is an input too, name another file`);
  }
}

function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}

/** Writes a report whole or not at all. @throws CliError (environment) */
export function writeReport(path: string, text: string): void {
  writeOutputFile(path, text, { secret: false });
}

/**
 * Writes pictures into a folder, which is made if it is missing. Each is there whole or not at all.
 * @param draw may fail where the canvas has no binary for this platform
 * @throws CliError (environment)
 */
export async function writePictures(folder: string, draw: () => Promise<readonly Picture[]>): Promise<void> {
  try {
    mkdirSync(folder, { recursive: true });
  } catch (error) {
    throw cannotWrite(folder, error);
  }
  const pictures = await draw().catch((error: unknown) => {
    throw cannotWrite(folder, error);
  });
  for (const { name, bytes } of pictures) writeOutputFile(join(folder, name), bytes, { secret: false });
}
