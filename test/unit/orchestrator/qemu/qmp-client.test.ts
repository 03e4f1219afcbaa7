import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { QmpClient, QmpError, type QmpEvent } from '../../../../src/orchestrator/qemu/qmp-client.js';
import { findTool, requireTool } from '../../../tool.js';
import { QEMU, QemuProcess } from './qemu-process.js';

let qemu: QemuProcess | null = null;
const folder = mkdtempSync(join(tmpdir(), 'tare-qmp-test-'));

before(async () => {
  if (findTool(QEMU) !== undefined) qemu = await QemuProcess.start();
});
after(async () => {
  await qemu?.stop();
  rmSync(folder, { recursive: true });
});

test('a real QEMU answers', async (t) => {
  if (!requireTool(t, QEMU)) return;
  const client = await QmpClient.connect(qemu!.socket);
  const version = (await client.execute('query-version')) as { qemu: { major: number } };
  assert.ok(version.qemu.major >= 4);
  client.close();
});

test('commands under way at the same time each get their own answer', async (t) => {
  if (!requireTool(t, QEMU)) return;
  const client = await QmpClient.connect(qemu!.socket);
  const classes = ['authz', 'secret', 'memory-backend-file', 'tls-creds'];
  const answers = await Promise.all(
    classes.map((implements_) =>
      client.execute('qom-list-types', { implements: implements_, abstract: true }),
    ),
  );
  for (const [i, types] of answers.entries()) {
    assert.ok(
      (types as { name: string }[]).some(({ name }) => name === classes[i]),
      `no ${classes[i]}`,
    );
  }
  client.close();
});

test("QEMU's refusals come with its class of error and its words", async (t) => {
  if (!requireTool(t, QEMU)) return;
  const client = await QmpClient.connect(qemu!.socket);
  const unknown = await rejection(client.execute('make-coffee'));
  assert.equal(unknown.kind, 'CommandNotFound');
  assert.match(unknown.message, /make-coffee.*not been found/);
  const unfit = await rejection(client.execute('migrate', { uri: 'carrier-pigeon:' }));
  assert.equal(unfit.kind, 'GenericError');
  assert.equal((await client.execute('query-status')) !== null, true, 'it goes on answering');
  client.close();
});

test('events come with the time they happened, until nobody listens', async (t) => {
  if (!requireTool(t, QEMU)) return;
  const own = await QemuProcess.start();
  try {
    const client = await QmpClient.connect(own.socket);
    const heard: QmpEvent[] = [];
    const deaf: QmpEvent[] = [];
    client.onEvent((event) => heard.push(event));
    client.onEvent((event) => deaf.push(event))();
    await client.execute('quit');
    // Until then it may answer, or close while something is written to it, which takes what it has said before along.
    while (!client.isClosed) await setImmediate();
    const lost = await rejection(client.execute('query-status'));
    assert.equal(lost.kind, 'Disconnected');
    assert.deepEqual(
      heard.map(({ event }) => event),
      ['SHUTDOWN'],
    );
    assert.equal(heard[0]!.data['reason'], 'host-qmp-quit');
    assert.ok(Math.abs(heard[0]!.timeMs - Date.now()) < 3_600_000, 'of this hour');
    assert.deepEqual(deaf, []);
  } finally {
    await own.stop();
  }
});

test('commands fail when QEMU is killed, before they are given and while they are under way', async (t) => {
  if (!requireTool(t, QEMU)) return;
  const own = await QemuProcess.start();
  const client = await QmpClient.connect(own.socket);
  const underWay = client.execute('query-qmp-schema').then(
    () => null,
    (error: unknown) => error,
  );
  await own.stop();
  const end = await underWay;
  assert.ok(end === null || (end instanceof QmpError && end.kind === 'Disconnected'));
  assert.equal((await rejection(client.execute('query-status'))).kind, 'Disconnected');
});

test('a socket nobody listens on is told', async () => {
  assert.equal((await rejection(QmpClient.connect(join(folder, 'nobody')))).kind, 'Disconnected');
});

test('answers cut anywhere are put together, through characters too', async () => {
  const greeting = '{"QMP": {"version": {}, "capabilities": []}}\r\n';
  const bytes = (text: string) => Buffer.from(text);
  await withServer(
    async (socket) => {
      for (const byte of bytes(greeting)) await write(socket, Buffer.of(byte));
      for await (const { id, name } of commands(socket)) {
        const value = name === 'qmp_capabilities' ? {} : '猫 é';
        for (const byte of bytes(`${JSON.stringify({ return: value, id })}\n`)) {
          await write(socket, Buffer.of(byte));
        }
      }
    },
    async (path) => {
      const client = await QmpClient.connect(path);
      assert.equal(await client.execute('query-cat'), '猫 é');
      client.close();
    },
  );
});

test('several answers in one piece are told apart, and lines that answer nothing are passed over', async () => {
  await withServer(
    async (socket) => {
      socket.write('{"QMP": {}}\n\n');
      const seen: number[] = [];
      for await (const { id, name } of commands(socket)) {
        if (name === 'qmp_capabilities')
          socket.write(`{"return": {}, "id": ${id}}\n{"return": 0, "id": 999}\n`);
        else seen.push(id);
        if (seen.length === 2) socket.write(`{"return":2,"id":${seen[1]}}\n{"return":1,"id":${seen[0]}}\n`);
      }
    },
    async (path) => {
      const client = await QmpClient.connect(path);
      assert.deepEqual(await Promise.all([client.execute('first'), client.execute('second')]), [1, 2]);
      client.close();
    },
  );
});

test('whatever is no QMP is refused', async () => {
  for (const text of ['SSH-2.0-OpenSSH_9.2\r\n', '7\n', '{"QMP":\n']) {
    await withServer(
      async (socket) => void socket.write(text),
      async (path) => assert.equal((await rejection(QmpClient.connect(path))).kind, 'Protocol'),
    );
  }
});

test('a message without end is not taken in for ever', async () => {
  await withServer(
    async (socket) => {
      for (let mib = 0; mib < 17; mib++) socket.write(Buffer.alloc(1 << 20, 'x'));
    },
    async (path) => assert.equal((await rejection(QmpClient.connect(path))).kind, 'Protocol'),
  );
});

test('a server that never greets is given up', async () => {
  await withServer(
    async () => {},
    async (path) => {
      const error = await rejection(QmpClient.connect(path, 20));
      assert.equal(error.kind, 'Timeout');
    },
  );
});

async function rejection(promise: Promise<unknown>): Promise<QmpError> {
  const error = await promise.then(
    () => assert.fail('did not fail'),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof QmpError, String(error));
  return error;
}

let servers = 0;

/** Serves one connection as `serve` does, while `use` connects to the path. */
async function withServer(
  serve: (socket: Socket) => Promise<void>,
  use: (path: string) => Promise<void>,
): Promise<void> {
  const path = join(folder, `server-${servers++}`);
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    sockets.push(socket);
    socket.on('error', () => {});
    serve(socket).catch(() => {});
  });
  server.listen(path);
  await once(server, 'listening');
  try {
    await use(path);
  } finally {
    for (const socket of sockets) socket.destroy();
    server.close();
  }
}

async function write(socket: Socket, data: Uint8Array): Promise<void> {
  await new Promise<void>((resolve, reject) =>
    socket.write(data, (error) => (error ? reject(error) : resolve())),
  );
  await setImmediate();
}

async function* commands(socket: Socket): AsyncGenerator<{ id: number; name: string }> {
  let rest = '';
  for await (const chunk of socket) {
    rest += String(chunk);
    for (let end = rest.indexOf('\n'); end >= 0; end = rest.indexOf('\n')) {
      const { id, execute } = JSON.parse(rest.slice(0, end)) as { id: number; execute: string };
      rest = rest.slice(end + 1);
      yield { id, name: execute };
    }
  }
}
