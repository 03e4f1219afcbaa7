// npm run fuzz [-- --seconds 60 --seed 1]: see test/fuzz/main.ts

import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { argv, execPath } from 'node:process';
import { prepare, ROOT, runAsScript } from './prepare.mjs';

function main() {
  if (!prepare()) return 1;
  const args = ['--enable-source-maps', join(ROOT, 'dist/test/fuzz/main.js'), ...argv.slice(2)];
  return spawnSync(execPath, args, { cwd: ROOT, stdio: 'inherit' }).status ?? 1;
}

await runAsScript(main);
