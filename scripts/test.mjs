// npm test [-- [--no-install] [PART OF A PATH...]]
//
// Works as the first command in a fresh clone: installs, lints, compiles, then runs every test file in a process of its
// own. Prints failures in full and closes with `N passed, N failed`. Lint and compilation count as one test each; lint is
// left out if only some files are asked for.

import { spawnSync } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { argv, env, execPath, stdout } from 'node:process';
import { run } from 'node:test';
import { installDebianPackages } from './debian-packages.mjs';
import {
  build,
  checkNode,
  compiledPath,
  findSources,
  installPackages,
  ROOT,
  runAsScript,
} from './prepare.mjs';
import { TestReport } from './test-report.mjs';

const TEST_FILES = /^test\/(unit|property|golden|lab|live|browser)\/.*\.test\.ts$/;
const IS_CI = !['', '0', 'false'].includes(env.CI ?? '');
/** A file that takes longer hangs: on a loaded machine one of the lab takes some ten minutes. */
const FILE_TIMEOUT_MS = 45 * 60_000;

async function main() {
  const args = argv.slice(2);
  const filters = args.filter((arg) => !arg.startsWith('--'));
  const report = new TestReport(ROOT, stdout);
  const files = chooseFiles(filters);
  checkNode();
  installPackages();
  if (!args.includes('--no-install')) installDebianPackages('test');
  if (IS_CI) installDebianPackages('ci');
  if (filters.length === 0) report.check('lint', lint());
  const isCompiled = build();
  report.check('compilation', isCompiled);
  if (isCompiled && IS_CI) setUpLab();
  if (isCompiled) await runFiles(report, files);
  report.close();
  return report.failed === 0 ? 0 : 1;
}

function lint() {
  const biome = join(ROOT, 'node_modules/@biomejs/biome/bin/biome');
  const child = spawnSync(execPath, [biome, 'check', '--error-on-warnings', '.'], {
    cwd: ROOT,
    encoding: 'utf8',
  });
  if (child.status !== 0) console.log(`${child.stdout}${child.stderr}`);
  return child.status === 0;
}

/** Where nothing may go untested, the lab is fetched unasked; what that fails of, its tests say. */
function setUpLab() {
  const tare = join(ROOT, 'dist/src/cli/main.js');
  spawnSync(execPath, [tare, 'lab', 'setup', '--yes'], { cwd: ROOT, stdio: ['ignore', 2, 2] });
}

/** The list comes from the sources: what is left in dist/ of a deleted test must not run. */
function chooseFiles(filters) {
  const sources = findSources().filter((source) => TEST_FILES.test(source));
  const chosen = sources.filter(
    (source) => filters.length === 0 || filters.some((part) => source.includes(part)),
  );
  if (chosen.length === 0) throw new Error(`No test file has ${filters.join(' or ')} in its path`);
  return chosen;
}

/** Tests in the lab wait for its machines a good part of their time: the others run meanwhile. */
async function runFiles(report, sources) {
  // Stacks then name lines of the TypeScript source.
  env.NODE_OPTIONS = `${env.NODE_OPTIONS ?? ''} --enable-source-maps`;
  const inLab = sources.filter((source) => source.includes('test/lab/'));
  const others = sources.filter((source) => !inLab.includes(source));
  await Promise.all([runStream(report, inLab), runStream(report, others)]);
}

async function runStream(report, sources) {
  if (sources.length === 0) return;
  const concurrency = availableParallelism();
  const events = run({ files: sources.map(compiledPath), concurrency, timeout: FILE_TIMEOUT_MS });
  const path = [];
  for await (const event of events) report.add(event, path);
}

await runAsScript(main);
