/**
 * Asks a real kernel for path MTU and MSS: two network namespaces, one TCP connection, `ss -ti`. Needs root and namespaces, and for
 * each stack a kernel with that protocol and algorithm; what is missing is named in the skip. A kernel without ESP is not a missing
 * tool: it skips under CI too.
 */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { after, before, test } from 'node:test';
import type { Transform } from '../../src/ipsec/encapsulation-size.js';
import { pathMtu, tcpMss } from '../../src/ipsec/path-mtu.js';
import { parseAhSuite, parseEspSuite } from '../../src/ipsec/suite.js';
import { findTool } from '../tool.js';

const NEAR = `tare-a-${process.pid}`;
const FAR = `tare-b-${process.pid}`;
const ADDRESSES = { 4: ['10.98.0.1', '10.98.0.2'], 6: ['fd98::1', 'fd98::2'] } as const;
const KEY = (bytes: number): string =>
  `0x${Buffer.from(Array.from({ length: bytes }, (_, i) => i)).toString('hex')}`;

interface LabCase {
  readonly stack: Transform[];
  /** Arguments of `ip xfrm state add` behind the protocol, one list a transform. */
  readonly algorithms: string[][];
}

const SHA256 = ['auth-trunc', 'hmac(sha256)', KEY(32), '128'];
const CASES: Readonly<Record<string, LabCase>> = {
  clear: { stack: [], algorithms: [] },
  aes128gcm16: {
    stack: [{ suite: parseEspSuite('aes128gcm16'), mode: 'transport' }],
    algorithms: [['aead', 'rfc4106(gcm(aes))', KEY(20), '128']],
  },
  'aes128-sha256': {
    stack: [{ suite: parseEspSuite('aes128-sha256'), mode: 'transport' }],
    algorithms: [[...SHA256, 'enc', 'cbc(aes)', KEY(16)]],
  },
  'aes128-sha256 in sha256': {
    stack: [
      { suite: parseEspSuite('aes128-sha256'), mode: 'transport' },
      { suite: parseAhSuite('sha256'), mode: 'transport' },
    ],
    algorithms: [[...SHA256, 'enc', 'cbc(aes)', KEY(16)], SHA256],
  },
};

let obstacle: string | null = null;

before(() => {
  obstacle = setUp();
});

after(() => {
  for (const name of [NEAR, FAR]) spawnSync('ip', ['netns', 'del', name]);
});

for (const [name, { stack, algorithms }] of Object.entries(CASES)) {
  for (const family of [4, 6] as const) {
    for (const linkMtu of [1500, 9000]) {
      test(`the kernel's pmtu and mss are the derived ones: ${name}, IPv${family}, link MTU ${linkMtu}`, async (t) => {
        if (obstacle !== null) return t.skip(obstacle);
        const missing = protect(stack, algorithms, family, linkMtu);
        if (missing !== null) return t.skip(missing);
        const seen = await connectAndAsk(family);
        assert.deepEqual(seen, {
          pmtu: pathMtu(stack, family, linkMtu),
          mss: tcpMss(pathMtu(stack, family, linkMtu), family),
        });
      });
    }
  }
}

/** @returns what stands in the way, or null */
function setUp(): string | null {
  const tool = ['ip', 'ss'].find((each) => findTool(each) === undefined);
  if (tool !== undefined) return `${tool} is not installed`;
  const commands = [
    `netns add ${NEAR}`,
    `netns add ${FAR}`,
    `-n ${NEAR} link add veth0 type veth peer name veth0 netns ${FAR}`,
    ...[NEAR, FAR].flatMap((name, i) => [
      `-n ${name} addr add ${ADDRESSES[4][i]}/24 dev veth0`,
      `-n ${name} addr add ${ADDRESSES[6][i]}/64 dev veth0 nodad`,
      `-n ${name} link set dev veth0 up`,
    ]),
  ];
  for (const command of commands) {
    const error = ip(command.split(' '));
    if (error !== null) return `no network namespaces with a veth pair here: ip ${command}: ${error}`;
  }
  return null;
}

/** Sets the MTU and replaces all states and policies. @returns which protocol or algorithm the kernel lacks, or null */
function protect(stack: Transform[], algorithms: string[][], family: 4 | 6, linkMtu: number): string | null {
  const [here, there] = ADDRESSES[family];
  for (const name of [NEAR, FAR]) {
    assert.equal(ip(['-n', name, 'link', 'set', 'dev', 'veth0', 'mtu', String(linkMtu)]), null);
    assert.equal(ip(['-n', name, 'xfrm', 'state', 'flush']), null);
    assert.equal(ip(['-n', name, 'xfrm', 'policy', 'flush']), null);
    for (const [source, destination] of [
      [here, there],
      [there, here],
    ] as const) {
      const pair = ['src', source, 'dst', destination];
      const templates: string[] = [];
      for (const [i, { suite }] of stack.entries()) {
        const kind = [
          'proto',
          suite.protocol,
          'spi',
          String(256 + i),
          'reqid',
          String(i + 1),
          'mode',
          'transport',
        ];
        const error = ip(['-n', name, 'xfrm', 'state', 'add', ...pair, ...kind, ...algorithms[i]!]);
        if (error !== null)
          return `this kernel has no ${suite.protocol.toUpperCase()} with ${suite.name}: ${error}`;
        templates.push('tmpl', 'proto', suite.protocol, 'reqid', String(i + 1), 'mode', 'transport');
      }
      if (stack.length === 0) continue;
      const direction = (name === NEAR) === (source === here) ? 'out' : 'in';
      const error = ip([
        '-n',
        name,
        'xfrm',
        'policy',
        'add',
        ...pair,
        'proto',
        'tcp',
        'dir',
        direction,
        ...templates,
      ]);
      assert.equal(error, null);
    }
  }
  return null;
}

const SENT_BYTES = 100_000;

/** Opens a connection from NEAR to FAR, sends some, and reads what the kernel says of it. */
async function connectAndAsk(family: 4 | 6): Promise<{ pmtu: number; mss: number }> {
  const address = ADDRESSES[family][1];
  // The answer comes when all was received: by then full segments have been sent, whatever the speed.
  const answer = `(s) => { let n = 0; s.on('data', (d) => { n += d.length; if (n === ${SENT_BYTES}) s.write('.'); }); }`;
  const listen = `require('node:net').createServer(${answer}).listen(5001, '${address}', () => console.log('ready'))`;
  const connect = `require('node:net').connect(5001, '${address}', function () { this.write(Buffer.alloc(${SENT_BYTES})); }).on('data', () => console.log('ready'))`;
  const children: ChildProcess[] = [];
  try {
    for (const [name, script] of [
      [FAR, listen],
      [NEAR, connect],
    ] as const) {
      const child = spawn('ip', ['netns', 'exec', name, process.execPath, '-e', script], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      children.push(child);
      await once(child.stdout!, 'data');
    }
    const { stdout } = spawnSync('ip', ['netns', 'exec', NEAR, 'ss', '-Htin', 'dport', '=', ':5001'], {
      encoding: 'utf8',
    });
    const [, mss] = /\bmss:(\d+)/.exec(stdout) ?? [];
    const [, pmtu] = /\bpmtu:(\d+)/.exec(stdout) ?? [];
    return { pmtu: Number(pmtu), mss: Number(mss) };
  } finally {
    for (const child of children) child.kill();
  }
}

/** @returns the message, or null if it worked */
function ip(args: string[]): string | null {
  const { status, stderr, error } = spawnSync('ip', args, { encoding: 'utf8' });
  if (status === 0) return null;
  return error?.message ?? stderr.trim().split('\n')[0] ?? `exit code ${status}`;
}
