// node scripts/readme-outputs.mjs
//
// Runs every `$ tare ...` of README.md and puts what it prints below it. test/golden/readme.test.ts checks that nobody
// forgot to. Where the last line of an output reads `[... N lines more]`, its last N lines are left out.

import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { argv, execPath } from 'node:process';
import { pathToFileURL } from 'node:url';
import { prepare, ROOT, runAsScript } from './prepare.mjs';

const README = join(ROOT, 'README.md');
const BLOCK = /```console\n\$ (tare .*)\n([\s\S]*?)```/g;
const CUT = /\[\.\.\. (\d+) lines more\]\n$/;

/** The README with outputs as they are now. @param {string} text */
export function refreshOutputs(text) {
  return text.replace(BLOCK, (_, command, old) => {
    const cut = CUT.exec(old);
    return `\`\`\`console\n$ ${command}\n${shorten(run(command), cut ? Number(cut[1]) : 0)}\`\`\``;
  });
}

/** @param {string} command */
function run(command) {
  const child = spawnSync(execPath, [join(ROOT, 'dist/src/cli/main.js'), ...command.split(' ').slice(1)], {
    cwd: ROOT,
    encoding: 'utf8',
    env: { ...process.env, COLUMNS: '80', NO_COLOR: '1' },
  });
  if (child.status !== 0) throw new Error(`${command}: exit status ${child.status}\n${child.stderr}`);
  return child.stdout;
}

/** @param {string} output @param {number} more */
function shorten(output, more) {
  if (more === 0) return output;
  const lines = output.split('\n').slice(0, -1);
  return `${lines.slice(0, -more).join('\n')}\n[... ${more} lines more]\n`;
}

function main() {
  if (!prepare()) return 1;
  writeFileSync(README, refreshOutputs(readFileSync(README, 'utf8')));
  return 0;
}

if (import.meta.url === pathToFileURL(argv[1] ?? '').href) await runAsScript(main);
