// npm run bench [-- PART...]: see test/bench/main.ts

import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { argv, execPath } from 'node:process';
import { installDebianPackages } from './debian-packages.mjs';
import { installPackages, prepare, ROOT, runAsScript } from './prepare.mjs';

async function main() {
  if (!prepare()) return 1;
  if (installDebianPackages('bench').length > 0) return 4;
  installPackages(join(ROOT, 'test/bench'));
  const child = spawn(execPath, [join(ROOT, 'dist/test/bench/main.js'), ...argv.slice(2)], {
    cwd: ROOT,
    stdio: 'inherit',
  });
  // Ctrl-C reaches the child as well; it deletes its inputs and ends, and only then do we.
  process.on('SIGINT', () => {});
  process.on('SIGTERM', () => child.kill('SIGTERM'));
  return new Promise((resolve) => child.on('close', (code) => resolve(code ?? 1)));
}

await runAsScript(main);
