// Installs the Debian packages that scripts/debian-packages.json names for a purpose, where the user may.
//
//   node scripts/debian-packages.mjs test     install what is missing for the tests
//   node scripts/debian-packages.mjs bench    ... for the benchmarks

import { spawnSync } from 'node:child_process';
import { accessSync, constants, readFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { argv, env, exit, getuid } from 'node:process';
import { pathToFileURL } from 'node:url';

/** @typedef {{ package: string, commands: string[], for: string[], why: string }} DebianPackage */

/** @returns {DebianPackage[]} packages of which a command is missing */
export function missingDebianPackages(purpose) {
  /** @type {DebianPackage[]} */
  const known = JSON.parse(readFileSync(new URL('debian-packages.json', import.meta.url), 'utf8'));
  return known.filter((entry) => entry.for.includes(purpose) && !entry.commands.every(isCommand));
}

/**
 * Installs what is missing if this user may do so with apt-get, and says what it does.
 * @returns {DebianPackage[]} packages that are still missing
 */
export function installDebianPackages(purpose) {
  const missing = missingDebianPackages(purpose);
  if (missing.length === 0) return [];
  const names = missing.map((entry) => entry.package);
  if (getuid?.() !== 0 || !isCommand('apt-get')) {
    console.error(
      `Not installed: ${names.join(', ')}. What needs them is skipped; on Debian: sudo apt-get install ${names.join(' ')}`,
    );
    return missing;
  }
  console.error(`Installing Debian packages: ${names.join(', ')}`);
  aptGet('update');
  aptGet('install', '--yes', '--no-install-recommends', ...names);
  return missingDebianPackages(purpose);
}

/** apt-get's own output is shown only if it fails: on success it is pages of noise. */
function aptGet(...args) {
  const child = spawnSync('apt-get', ['--quiet', ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    encoding: 'utf8',
    maxBuffer: 1 << 28,
    // wireshark-common would otherwise ask who may capture packets.
    env: { ...env, DEBIAN_FRONTEND: 'noninteractive', DEBCONF_NONINTERACTIVE_SEEN: 'true' },
  });
  if (child.status === 0) return;
  console.error(`${child.stdout ?? ''}${child.stderr ?? ''}`);
  console.error(`apt-get ${args.join(' ')} failed${child.error ? `: ${child.error.message}` : ''}`);
}

function isCommand(name) {
  const directories = [...(env.PATH ?? '').split(delimiter), '/usr/local/sbin', '/usr/sbin', '/sbin'];
  return directories.some((directory) => isExecutable(join(directory, name)));
}

function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

if (import.meta.url === pathToFileURL(argv[1] ?? '').href) {
  const stillMissing = argv.slice(2).flatMap(installDebianPackages);
  exit(stillMissing.length === 0 ? 0 : 1);
}
