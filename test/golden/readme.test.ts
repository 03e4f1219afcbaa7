import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { repoPath } from '../repo-root.js';

test('every output that the README shows is what the command prints', async () => {
  const script = pathToFileURL(repoPath('scripts/readme-outputs.mjs')).href;
  const { refreshOutputs } = (await import(script)) as { refreshOutputs: (text: string) => string };
  const readme = readFileSync(repoPath('README.md'), 'utf8');
  assert.match(readme, /```console\n\$ tare /);
  assert.equal(refreshOutputs(readme), readme, 'node scripts/readme-outputs.mjs brings it up to date');
});
