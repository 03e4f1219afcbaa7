// Compiles native/capture/ to dist/native/capture.node with one call of the compiler, against the headers that come with
// Node. Nothing is downloaded. Where there is no compiler, everything but live capture works.

import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { env, execPath, pid } from 'node:process';

const COMPILERS = ['c++', 'g++', 'clang++'];
// Node-API 8 is in every Node 20; a later Node runs it as it is.
const FLAGS = [
  '-std=c++17',
  '-O2',
  '-Wall',
  '-Wextra',
  '-fPIC',
  '-fvisibility=hidden',
  '-pthread',
  '-shared',
];
const DEFINES = ['-DNAPI_VERSION=8'];

/**
 * Compiles the addon unless that has been done.
 * @param {string} root
 * @returns {string} what stands in the way; empty if the addon is there
 */
export function buildAddon(root) {
  const folder = join(root, 'native/capture');
  const output = join(root, 'dist/native/capture.node');
  const sources = readdirSync(folder).filter((name) => /\.(cc|h)$/.test(name));
  const fingerprint = fingerprintOf(sources.map((name) => join(folder, name)));
  const noted = `${output}.sources`;
  if (existsSync(output) && existsSync(noted) && readFileSync(noted, 'utf8') === fingerprint) return '';
  const compiler = findCompiler();
  if (compiler === undefined) return 'there is no C++ compiler (Debian: apt-get install g++)';
  const headers = findHeaders();
  if (headers === undefined) return "Node's headers are missing (Debian: apt-get install libnode-dev)";
  mkdirSync(dirname(output), { recursive: true });
  rmSync(noted, { force: true });
  // Another process may have the old one loaded, or may be building as well.
  const unfinished = `${output}.${pid}`;
  const files = sources.filter((name) => name.endsWith('.cc')).map((name) => join(folder, name));
  const args = [...FLAGS, ...DEFINES, `-I${headers}`, '-o', unfinished, ...files, '-ldl'];
  const child = spawnSync(compiler, args, { cwd: root, encoding: 'utf8' });
  if (child.status !== 0) {
    rmSync(unfinished, { force: true });
    return `${compiler} failed:\n${child.stderr ?? child.error?.message ?? ''}`;
  }
  renameSync(unfinished, output);
  writeFileSync(noted, fingerprint);
  return '';
}

function fingerprintOf(paths) {
  const hash = createHash('sha256').update([process.arch, ...FLAGS, ...DEFINES].join(' '));
  for (const path of paths.sort()) hash.update(readFileSync(path));
  return hash.digest('hex');
}

function findCompiler() {
  const candidates = env.CXX ? [env.CXX, ...COMPILERS] : COMPILERS;
  return candidates.find((name) => spawnSync(name, ['--version'], { stdio: 'ignore' }).status === 0);
}

/** Where Node was installed with its headers; Debian has them in a package of their own. */
function findHeaders() {
  const prefixes = [env.npm_config_nodedir, join(dirname(execPath), '..'), '/usr', '/usr/local'];
  return prefixes
    .filter((prefix) => prefix !== undefined && prefix !== '')
    .map((prefix) => join(prefix, 'include/node'))
    .find((folder) => existsSync(join(folder, 'node_api.h')));
}
