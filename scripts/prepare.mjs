// Brings a clone into working order: npm packages as package-lock.json says, and dist/ as the sources say. Uses nothing
// but Node itself, because it runs before anything is installed.

import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { argv, execPath, exit, versions } from 'node:process';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { buildAddon } from './build-addon.mjs';

export const ROOT = fileURLToPath(new URL('../', import.meta.url));
const OLDEST_NODE = [20, 11];

/**
 * Installs and compiles.
 * @returns {boolean} false if the sources have type errors (shown on stderr)
 * @throws if this Node is too old or packages cannot be installed
 */
export function prepare() {
  checkNode();
  installPackages();
  return build();
}

export function checkNode() {
  const [major = 0, minor = 0] = versions.node.split('.').map(Number);
  const [oldestMajor = 0, oldestMinor = 0] = OLDEST_NODE;
  if (major > oldestMajor || (major === oldestMajor && minor >= oldestMinor)) return;
  throw new Error(
    `Tare needs Node ${OLDEST_NODE.join('.')} or later; this is ${versions.node} (${execPath})`,
  );
}

/** Runs `npm ci` unless node_modules already holds what package-lock.json says. */
export function installPackages(directory = ROOT) {
  if (packagesAreCurrent(directory)) return;
  console.error(`Installing npm packages${directory === ROOT ? '' : ` in ${directory}`}`);
  const child = spawnSync('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: directory,
    stdio: ['ignore', 2, 2],
  });
  if (child.error) throw new Error(`npm could not be started: ${child.error.message}`);
  if (child.status !== 0) throw new Error(`npm ci failed in ${directory}; it says above why`);
}

/** npm notes what it installed in node_modules/.package-lock.json: same versions and hashes mean nothing to do. */
function packagesAreCurrent(directory) {
  const installedPath = join(directory, 'node_modules/.package-lock.json');
  if (!existsSync(installedPath)) return false;
  const wanted = JSON.parse(readFileSync(join(directory, 'package-lock.json'), 'utf8')).packages;
  const installed = JSON.parse(readFileSync(installedPath, 'utf8')).packages;
  return Object.entries(wanted).every(([path, entry]) => {
    if (path === '') return true;
    const found = installed[path];
    // Packages for other platforms are optional and rightly absent.
    if (found === undefined) return entry.optional === true;
    const isSame = found.version === entry.version && found.integrity === entry.integrity;
    return isSame && existsSync(join(directory, path));
  });
}

/** @returns {boolean} false if there are type errors */
export function build() {
  if (!compileSources()) return false;
  const obstacle = buildAddon(ROOT);
  if (obstacle !== '') console.error(`Live capture (tare capture) is left out: ${obstacle}`);
  return true;
}

function compileSources() {
  if (!compile()) return false;
  // An incremental build trusts that nobody deleted its output.
  if (findSources().every((source) => existsSync(compiledPath(source)))) return true;
  rmSync(join(ROOT, 'dist'), { recursive: true, force: true });
  return compile();
}

function compile() {
  const child = spawnSync(execPath, [join(ROOT, 'node_modules/typescript/bin/tsc'), '-p', '.'], {
    cwd: ROOT,
    stdio: ['ignore', 2, 2],
  });
  return child.status === 0;
}

/** @returns {string[]} all TypeScript sources, relative to the root, sorted */
export function findSources() {
  return ['src', 'test', 'scripts'].flatMap((folder) =>
    readdirSync(join(ROOT, folder), { recursive: true })
      .map((name) => join(folder, String(name)))
      .filter((path) => path.endsWith('.ts') && !path.endsWith('.d.ts') && !path.includes('node_modules'))
      .sort(),
  );
}

/** @returns {string} absolute path of the JavaScript that a source is compiled to */
export function compiledPath(source) {
  return join(ROOT, 'dist', source.replace(/\.ts$/, '.js'));
}

/** Runs a script's main function; a thrown error is shown as its message, without a stack nobody needs. */
export async function runAsScript(main) {
  try {
    exit(await main());
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    exit(1);
  }
}

if (import.meta.url === pathToFileURL(argv[1] ?? '').href) await runAsScript(() => (prepare() ? 0 : 1));
