import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { LocalHost } from '../../../../src/orchestrator/hosts/local-host.js';
import { HOST_BEHAVIOURS } from './host-behaviour.js';

const folder = mkdtempSync(join(tmpdir(), 'tare-local-host-'));
const host = new LocalHost();
after(async () => {
  await host.close();
  rmSync(folder, { recursive: true });
});

for (const [title, body] of HOST_BEHAVIOURS) {
  test(`this machine: ${title}`, (t) => body(host, folder, t));
}
