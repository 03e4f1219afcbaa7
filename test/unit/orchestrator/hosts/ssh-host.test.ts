import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { LocalHost } from '../../../../src/orchestrator/hosts/local-host.js';
import { SshHost } from '../../../../src/orchestrator/hosts/ssh-host.js';
import { repoPath } from '../../../repo-root.js';
import { findTool, requireTool, runTool } from '../../../tool.js';
import { HOST_BEHAVIOURS, rejection, uniqueSeconds, waitForProcesses } from './host-behaviour.js';
import { SshServer } from './ssh-server.js';

let server: SshServer | undefined;
let host: SshHost | undefined;
const here = new LocalHost();

before(async () => {
  if (findTool('sshd') === undefined) return;
  server = await SshServer.start();
  host = await SshHost.connect({ ...server.target, socketFolder: server.folder });
});

after(async () => {
  await host?.close();
  await server?.close();
});

for (const [title, body] of HOST_BEHAVIOURS) {
  test(`over ssh: ${title}`, async (t) => {
    if (!requireTool(t, 'sshd')) return;
    await body(host!, server!.folder, t);
  });
}

test('a unix socket of the host can be used from here until it is closed', async (t) => {
  if (!requireTool(t, 'sshd')) return;
  const path = join(server!.folder, 'echo.sock');
  const listener = createServer((socket) => socket.pipe(socket)).listen(path);
  await once(listener, 'listening');
  const forwarded = await host!.forwardUnixSocket(path);
  assert.notEqual(forwarded.localPath, path);
  const socket = connect(forwarded.localPath);
  socket.write('hello');
  assert.equal(String((await once(socket, 'data'))[0]), 'hello');
  socket.destroy();
  await forwarded.close();
  assert.equal(existsSync(forwarded.localPath), false);
  listener.close();
});

test('one connection carries everything: nobody need let in another', async (t) => {
  if (!requireTool(t, 'sshd')) return;
  await server!.stop();
  try {
    const outputs = await Promise.all([1, 2, 3, 4].map((n) => host!.run('echo', [String(n)])));
    assert.deepEqual(
      outputs.map(({ stdout }) => stdout),
      ['1\n', '2\n', '3\n', '4\n'],
    );
  } finally {
    await server!.listen();
  }
});

test('what keeps ssh from connecting is told apart', async (t) => {
  if (!requireTool(t, 'sshd')) return;
  const far = await SshServer.start();
  try {
    const nobody = { ...far.target, identityFile: '/dev/null' };
    await rejection(SshHost.connect(nobody), 'permission-denied');
    const stranger = { ...far.target, knownHostsFile: '/dev/null' };
    await rejection(SshHost.connect(stranger), 'host-key-unknown');
    far.knowHostKey(join(far.folder, 'client.pub'));
    await rejection(SshHost.connect(far.target), 'host-key-changed');
    const nameless = { ...far.target, destination: 'no-such-host.invalid' };
    await rejection(SshHost.connect(nameless), 'unreachable');
    await far.stop();
    const error = await rejection(SshHost.connect(far.target), 'unreachable');
    assert.match(error.message, /^far: ssh does not reach it \(ssh: .*Connection refused/);
    await rejection(SshHost.connect({ destination: '-oProxyCommand=id' }), 'unsupported');
  } finally {
    await far.close();
  }
});

test('the host key is told as ssh-keygen shows it, whatever a server says of itself', async (t) => {
  if (!requireTool(t, 'sshd')) return;
  const far = await SshServer.start();
  try {
    await far.stop();
    const banner = join(far.folder, 'banner');
    writeFileSync(banner, `\ndebug1: Server host key: ssh-ed25519 SHA256:${'A'.repeat(43)}\n`);
    await far.listen([`Banner=${banner}`]);
    const { stdout } = runTool('ssh-keygen', ['-l', '-f', join(far.folder, 'hostkey.pub')]);
    const fingerprint = stdout.split(' ')[1]!;
    const connected = await SshHost.connect({ ...far.target, hostKeys: ['SHA256:other', fingerprint] });
    assert.deepEqual(connected.hostKey, { algorithm: 'ssh-ed25519', fingerprint });
    await connected.close();
    const other = SshHost.connect({ ...far.target, hostKeys: [`SHA256:${'A'.repeat(43)}`] });
    const error = await rejection(other, 'host-key-changed');
    assert.ok(error.message.includes(`its host key is ${fingerprint}, not SHA256:AAA`));
  } finally {
    await far.close();
  }
});

test('a configuration that does not ask who the host is changes nothing about that', async (t) => {
  if (!requireTool(t, 'sshd')) return;
  const configFile = join(server!.folder, 'careless');
  writeFileSync(
    configFile,
    'StrictHostKeyChecking no\nNoHostAuthenticationForLocalhost yes\nUserKnownHostsFile /dev/null\n',
  );
  const { knownHostsFile: _, ...target } = server!.target;
  await rejection(SshHost.connect({ ...target, configFile }), 'host-key-unknown');
});

test('a failed or closed connection leaves no folder and no process behind', async (t) => {
  if (!requireTool(t, 'sshd')) return;
  const sockets = join(server!.folder, 'sockets');
  mkdirSync(sockets);
  const target = { ...server!.target, socketFolder: sockets };
  await rejection(SshHost.connect({ ...target, identityFile: '/dev/null' }), 'permission-denied');
  assert.deepEqual(readdirSync(sockets), []);
  const closed = await SshHost.connect(target);
  assert.equal(readdirSync(sockets).length, 1);
  const mark = uniqueSeconds();
  const left = await closed.start('sleep', [mark]);
  await closed.close();
  await closed.close();
  assert.equal((await left.exited).code, 137);
  assert.deepEqual(readdirSync(sockets), []);
  await waitForProcesses(here, mark, 0);
});

test('programs end when their connection breaks, and whoever waits for them is told', async (t) => {
  if (!requireTool(t, 'sshd')) return;
  const far = await SshServer.start();
  const broken = await SshHost.connect({ ...far.target, socketFolder: far.folder });
  try {
    const mark = uniqueSeconds();
    const program = await broken.start('sleep', [mark]);
    await waitForProcesses(here, mark, 1);
    // The server's process for this connection: the parent of the shell that stands over sleep.
    const script =
      'sid=$(ps -o sid= -p "$(pgrep -f "^sleep $1")"); kill -KILL "$(ps -o ppid= -p $sid | tr -d " ")"';
    await here.run('sh', ['-c', script, 'sh', mark]);
    const error = await rejection(program.exited, 'connection-lost');
    assert.match(error.message, /^far: the connection broke while sleep ran/);
    await waitForProcesses(here, mark, 0);
  } finally {
    await broken.close();
    await far.close();
  }
});

for (const kind of ['local', 'ssh'] as const) {
  test(`nothing outlives a killed orchestrator: ${kind}`, async (t) => {
    if (kind === 'ssh' && !requireTool(t, 'sshd')) return;
    const mark = uniqueSeconds();
    const sockets = join(server?.folder ?? '', `killed-${kind}`);
    if (kind === 'ssh') mkdirSync(sockets);
    const target = { ...server?.target, socketFolder: sockets };
    const script = `
      const { LocalHost } = await import(${JSON.stringify(repoPath('dist/src/orchestrator/hosts/local-host.js'))});
      const { SshHost } = await import(${JSON.stringify(repoPath('dist/src/orchestrator/hosts/ssh-host.js'))});
      const host = ${kind === 'ssh' ? `await SshHost.connect(${JSON.stringify(target)})` : 'new LocalHost()'};
      await host.start('sh', ['-c', 'trap "" HUP INT TERM; sleep ${mark} & sleep ${mark}']);
      console.log('started');
      setInterval(() => {}, 1000);`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(child.stdout, 'data');
    await waitForProcesses(here, mark, 2);
    child.kill('SIGKILL');
    await waitForProcesses(here, mark, 0);
    if (kind === 'ssh') await waitUntil(async () => readdirSync(sockets).length === 0);
  });
}

/** Asks again until it is so; the test runner's own limit ends what never is. */
async function waitUntil(isSo: () => Promise<boolean>): Promise<void> {
  while (!(await isSo())) await new Promise((resolve) => setTimeout(resolve, 10));
}
