/** Asks a real kernel for path MTU and MSS, over one TCP connection for each stack, family and link MTU: `ss -ti`. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { Transform } from '../../src/ipsec/encapsulation-size.js';
import { pathMtu, tcpMss } from '../../src/ipsec/path-mtu.js';
import { parseAhSuite, parseEspSuite } from '../../src/ipsec/suite.js';
import type { Lab } from '../../src/orchestrator/lab/lab.js';
import { SIDES, type Side } from '../../src/orchestrator/lab/machine-arguments.js';

const KEY = (bytes: number): string =>
  `0x${Buffer.from(Array.from({ length: bytes }, (_, i) => i)).toString('hex')}`;

interface Stack {
  readonly transforms: readonly Transform[];
  /** Words of `ip xfrm state add` behind the mode, for each transform. */
  readonly algorithms: readonly string[];
}

const SHA256 = `auth-trunc hmac(sha256) ${KEY(32)} 128`;
const STACKS: Readonly<Record<string, Stack>> = {
  clear: { transforms: [], algorithms: [] },
  aes128gcm16: {
    transforms: [{ suite: parseEspSuite('aes128gcm16'), mode: 'transport' }],
    algorithms: [`aead rfc4106(gcm(aes)) ${KEY(20)} 128`],
  },
  'aes128-sha256': {
    transforms: [{ suite: parseEspSuite('aes128-sha256'), mode: 'transport' }],
    algorithms: [`${SHA256} enc cbc(aes) ${KEY(16)}`],
  },
  'aes128-sha256 in sha256': {
    transforms: [
      { suite: parseEspSuite('aes128-sha256'), mode: 'transport' },
      { suite: parseAhSuite('sha256'), mode: 'transport' },
    ],
    algorithms: [`${SHA256} enc cbc(aes) ${KEY(16)}`, SHA256],
  },
};

export interface PathMtuCase {
  readonly title: string;
  readonly check: (lab: Lab) => Promise<void>;
}

export const PATH_MTU_CASES: readonly PathMtuCase[] = Object.entries(STACKS).flatMap(([name, stack]) =>
  ([4, 6] as const).flatMap((family) =>
    [1500, 9000].map((linkMtu) => ({
      title: `the kernel's pmtu and mss are the derived ones: ${name}, IPv${family}, link MTU ${linkMtu}`,
      check: async (lab: Lab) => {
        await Promise.all(SIDES.map((side) => protect(lab, side, stack, family, linkMtu)));
        const pmtu = pathMtu(stack.transforms, family, linkMtu);
        assert.deepEqual(await connectAndAsk(lab, family), { pmtu, mss: tcpMss(pmtu, family) });
      },
    })),
  ),
);

/** Leaves the lab as it was. */
export async function forgetPathMtus(lab: Lab): Promise<void> {
  await Promise.all(SIDES.map((side) => protect(lab, side, STACKS['clear']!, 4, lab.record.link.mtu)));
}

/** Sets the MTU and replaces all states and policies. */
async function protect(lab: Lab, side: Side, stack: Stack, family: 4 | 6, linkMtu: number): Promise<void> {
  const { source, destination } = lab.addresses[family === 4 ? 'ipv4' : 'ipv6'];
  const lines = [
    `link set dev ${lab.linkDevice} mtu ${linkMtu}`,
    'xfrm state flush',
    'xfrm policy flush',
    'route flush cache',
    ...[
      { from: source, to: destination, direction: side === 'source' ? 'out' : 'in' },
      { from: destination, to: source, direction: side === 'source' ? 'in' : 'out' },
    ].flatMap(({ from, to, direction }) => association(stack, from, to, direction)),
  ];
  await lab[side].run('ip', ['-batch', '-'], { input: `${lines.join('\n')}\n` });
}

function association(
  { transforms, algorithms }: Stack,
  from: string,
  to: string,
  direction: string,
): string[] {
  if (transforms.length === 0) return [];
  const pair = `src ${from} dst ${to}`;
  const kinds = transforms.map(({ suite }, i) => `proto ${suite.protocol} reqid ${i + 1} mode transport`);
  const states = kinds.map((kind, i) => `xfrm state add ${pair} spi ${256 + i} ${kind} ${algorithms[i]}`);
  const templates = kinds.map((kind) => `tmpl ${kind}`).join(' ');
  return [...states, `xfrm policy add ${pair} proto tcp dir ${direction} ${templates}`];
}

const PORT = 5001;
const SENT_BYTES = 100_000;
const TIMEOUT_MS = 60_000;

/** nc ends with its standard input. */
const LISTEN = `
sleep 1000 | busybox nc -l -p ${PORT} >/dev/null &
until ss -Hltn | grep -q :${PORT}; do sleep 0.05; done
echo listening
wait
`;

/** When all was acknowledged, full segments have been sent, whatever the speed. The connection then still stands. */
const SEND_AND_ASK = `
(head -c ${SENT_BYTES} /dev/zero; sleep 1000) | busybox nc "$1" ${PORT} &
until ss -Htin dport = :${PORT} | grep bytes_acked:${SENT_BYTES / 10}; do sleep 0.05; done
`;

async function connectAndAsk(lab: Lab, family: 4 | 6): Promise<{ pmtu: number; mss: number }> {
  const address = lab.addresses[family === 4 ? 'ipv4' : 'ipv6'].destination;
  const listener = await lab.destination.start('sh', ['-c', LISTEN]);
  try {
    await once(listener.stdout, 'data');
    const { stdout } = await lab.source.run('sh', ['-c', SEND_AND_ASK, 'sh', address], {
      timeoutMs: TIMEOUT_MS,
    });
    const [, mss] = /\bmss:(\d+)/.exec(stdout) ?? [];
    const [, pmtu] = /\bpmtu:(\d+)/.exec(stdout) ?? [];
    return { pmtu: Number(pmtu), mss: Number(mss) };
  } finally {
    await listener.kill();
  }
}
