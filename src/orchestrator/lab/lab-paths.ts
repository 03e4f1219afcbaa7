import { homedir } from 'node:os';
import { join } from 'node:path';

/**
 * The one folder that the lab keeps everything in, `$XDG_CACHE_HOME/tare/lab`:
 *
 *     kernel/RELEASE/     kernel, its modules, and initramfs: shared by all labs, made once
 *     tools/              Debian packages that this machine lacks, unpacked: likewise
 *     run/NAME/           one lab: keys, logs, sockets; gone when it ends
 */
export function labCacheFolder(): string {
  const cache = process.env['XDG_CACHE_HOME'];
  // The specification has relative paths ignored.
  return join(cache?.startsWith('/') ? cache : join(homedir(), '.cache'), 'tare', 'lab');
}

export function kernelsFolder(): string {
  return join(labCacheFolder(), 'kernel');
}

export function toolsFolder(): string {
  return join(labCacheFolder(), 'tools');
}

export function runFolder(): string {
  return join(labCacheFolder(), 'run');
}

const LAB_NAME = /^[a-z0-9][a-z0-9-]{0,31}$/;

/** @throws LabError if it is not fit to be the name of a folder */
export function isLabName(name: string): boolean {
  return LAB_NAME.test(name);
}
