/** What every host does alike: one body of tests for this machine, for ssh, and for the lab. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import type { TestContext } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import type { Host } from '../../../../src/orchestrator/hosts/host.js';
import { HostError, type HostErrorReason } from '../../../../src/orchestrator/hosts/host-error.js';

type Behaviour = readonly [
  title: string,
  body: (host: Host, folder: string, t: TestContext) => Promise<void>,
];

export const HOST_BEHAVIOURS: readonly Behaviour[] = [
  [
    'arguments arrive as they were given',
    async (host) => {
      const args = ['a b', "it's", '', '$HOME', '`id`', '*', '\\n', '-n', 'é\n'];
      const { stdout } = await host.run('printf', ['<%s>', ...args]);
      assert.equal(stdout, args.map((arg) => `<${arg}>`).join(''));
    },
  ],
  [
    'standard input arrives whole, and then ends',
    async (host) => {
      const input = randomBytes(300_000);
      const { stdout } = await host.run('sha256sum', [], { input });
      const { createHash } = await import('node:crypto');
      assert.equal(stdout.slice(0, 64), createHash('sha256').update(input).digest('hex'));
      assert.equal((await host.run('cat', [])).stdout, '');
    },
  ],
  [
    'a program that reads none of its input ends all the same',
    async (host) => {
      const outcome = await host.run('echo', ['done'], { input: Buffer.alloc(1_000_000, 'TERM\n') });
      assert.deepEqual(outcome, { code: 0, stdout: 'done\n', stderr: '' });
    },
  ],
  [
    'exit codes come back, those too that ssh and shells use themselves',
    async (host) => {
      for (const code of [0, 1, 126, 127, 255]) {
        const outcome = await host.run('sh', ['-c', `echo out; echo err >&2; exit ${code}`], {
          check: false,
        });
        assert.deepEqual(outcome, { code, stdout: 'out\n', stderr: 'err\n' });
      }
    },
  ],
  [
    'a failure is an error that quotes what the program said',
    async (host) => {
      const error = await rejection(
        host.run('sh', ['-c', 'echo no such luck >&2; exit 3']),
        'program-failed',
      );
      assert.equal(error.message, `${host.name}: sh ended with 3: no such luck`);
      assert.equal(error.outcome?.code, 3);
    },
  ],
  [
    'a program that is not there is named',
    async (host) => {
      const error = await rejection(host.run('no-such-program', []), 'program-missing');
      assert.match(error.message, /no-such-program is not installed/);
      await rejection(host.start('no-such-program', []), 'program-missing');
    },
  ],
  [
    'programs of the administrator are found',
    async (host) => {
      assert.match((await host.run('ip', ['-V'])).stdout, /iproute2/);
    },
  ],
  [
    'a program that takes too long is ended with its children',
    async (host) => {
      const mark = uniqueSeconds();
      const late = host.run('sh', ['-c', `sleep ${mark} & sleep ${mark}`], { timeoutMs: 300 });
      await rejection(late, 'timed-out');
      await waitForProcesses(host, mark, 0);
    },
  ],
  [
    'a program is broken off by a signal of the caller',
    async (host) => {
      const mark = uniqueSeconds();
      const broken = new AbortController();
      const program = await host.start('sleep', [mark], { signal: broken.signal });
      await waitForProcesses(host, mark, 1);
      broken.abort();
      await rejection(program.exited, 'aborted');
      await waitForProcesses(host, mark, 0);
    },
  ],
  [
    'a started program can be asked to finish, and says how it did',
    async (host) => {
      const script = 'trap "echo finished; exit 7" TERM; echo ready; while :; do sleep 0.05; done';
      const program = await host.start('sh', ['-c', script]);
      let stdout = '';
      program.stdout.on('data', (chunk) => {
        stdout += chunk;
      });
      await once(program.stdout, 'data');
      program.signal('TERM');
      const { code } = await program.exited;
      assert.deepEqual([code, stdout], [7, 'ready\nfinished\n']);
    },
  ],
  [
    'a signal right after the start is not lost',
    async (host) => {
      const program = await host.start('sleep', ['1000']);
      program.signal('TERM');
      assert.equal((await program.exited).code, 128 + 15);
    },
  ],
  [
    'files are written, with their permissions, and read',
    async (host, folder) => {
      const data = randomBytes(70_000);
      const path = `${folder}/it's a file`;
      await host.writeFile(path, data);
      assert.deepEqual(await host.readFile(path), data);
      assert.equal((await host.run('stat', ['-c', '%a', path])).stdout, '600\n');
      await host.writeFile(path, 'short', { mode: 0o644 });
      assert.equal((await host.readFile(path)).toString(), 'short');
      assert.equal((await host.run('stat', ['-c', '%a', path])).stdout, '644\n');
      const error = await rejection(host.readFile(`${folder}/none`), 'program-failed');
      assert.match(error.message, /No such file/);
    },
  ],
  [
    'standard output streams while the program runs',
    async (host, folder) => {
      const heard = `${folder}/heard`;
      const script = 'echo one; until [ -e "$0" ]; do sleep 0.05; done; echo two';
      let stdout = '';
      let writing = Promise.resolve();
      const outcome = await host.run('sh', ['-c', script, heard], {
        onStdout: (chunk) => {
          stdout += chunk;
          // It says no more before it has been heard.
          if (stdout === 'one\n') writing = host.writeFile(heard, '');
        },
      });
      await writing;
      assert.deepEqual([outcome.stdout, stdout], ['', 'one\ntwo\n']);
    },
  ],
];

export async function rejection(promise: Promise<unknown>, reason: HostErrorReason): Promise<HostError> {
  const error = await promise.then(
    () => assert.fail(`expected an error: ${reason}`),
    (thrown: unknown) => thrown,
  );
  assert.ok(error instanceof HostError, String(error));
  assert.equal(error.reason, reason, error.message);
  return error;
}

/** An argument of sleep that no other process has. */
export function uniqueSeconds(): string {
  return `1000.${BigInt(`0x${randomBytes(6).toString('hex')}`)}`;
}

async function countProcesses(host: Host, argument: string): Promise<number> {
  // Split, so that it does not find itself.
  const pattern = `^sleep ${argument.slice(0, -1)}[${argument.slice(-1)}]$`;
  const { stdout } = await host.run('pgrep', ['-c', '-f', pattern], { check: false });
  return Number(stdout);
}

/**
 * What was just started is another program, or none yet, until it has been forked and executed; what was ended is there until
 * word of it has come to its host.
 */
export async function waitForProcesses(host: Host, argument: string, count: number): Promise<void> {
  while ((await countProcesses(host, argument)) !== count) await setTimeout(20);
}
