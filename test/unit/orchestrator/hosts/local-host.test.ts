import assert from 'node:assert/strict';
import { EventEmitter, once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
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

/** Stands for a slow connection: what was printed comes piece by piece, each when a file asks for it, once the program is gone. */
const LATE_OUTPUT = `
setsid sh -c '
  >"$0/0"
  while kill -s 0 "$1" 2>/dev/null; do sleep 0.02; done
  for piece in 1 2 3; do
    until [ -e "$0/$piece" ]; do sleep 0.02; done
    echo $piece
  done
' "$0" "$(ps -o pgid= -p $$ | tr -d " ")" &
until [ -e "$0/0" ]; do sleep 0.02; done
`;

test('what a program has printed is waited for as long as it comes, though the program has ended', async (t) => {
  const timers: (() => void)[] = [];
  t.mock.method(globalThis, 'setTimeout', (body: () => void) => timers.push(body));
  const output = new EventEmitter();
  const pieces: string[] = [];
  const running = host.run('sh', ['-c', LATE_OUTPUT, folder], {
    onStdout: (chunk) => {
      pieces.push(String(chunk));
      output.emit('piece');
    },
  });
  for (const piece of ['1', '2', '3']) {
    const heard = once(output, 'piece');
    writeFileSync(join(folder, piece), '');
    await Promise.race([heard, running]);
    for (const timeIsUp of timers.splice(0)) timeIsUp();
    await setImmediate();
  }
  assert.equal((await running).code, 0);
  assert.deepEqual(pieces, ['1\n', '2\n', '3\n']);
});
