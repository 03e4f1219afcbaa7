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

const FAMILIES = [4, 6] as const;
/** Each case has a port of its own: connections of the one before may still be on their way out. */
const FIRST_PORT = 5001;
let cases = 0;

export const PATH_MTU_CASES: readonly PathMtuCase[] = Object.entries(STACKS).flatMap(([name, stack]) =>
  [1500, 9000].map((linkMtu) => ({
    title: `the kernel's pmtu and mss are the derived ones, IPv4 and IPv6: ${name}, link MTU ${linkMtu}`,
    check: async (lab: Lab) => {
      await Promise.all(SIDES.map((side) => protect(lab, side, stack, linkMtu)));
      const derived = FAMILIES.map((family) => {
        const pmtu = pathMtu(stack.transforms, family, linkMtu);
        return { pmtu, mss: tcpMss(pmtu, family) };
      });
      assert.deepEqual(await connectAndAsk(lab, FIRST_PORT + cases++), derived);
    },
  })),
);

/** Leaves the lab as it was. */
export async function forgetPathMtus(lab: Lab): Promise<void> {
  await Promise.all(SIDES.map((side) => protect(lab, side, STACKS['clear']!, lab.record.link.mtu)));
}

/** Sets the MTU and replaces all states and policies. */
async function protect(lab: Lab, side: Side, stack: Stack, linkMtu: number): Promise<void> {
  const [out, into] = side === 'source' ? ['out', 'in'] : ['in', 'out'];
  const lines = [
    `link set dev ${lab.linkDevice} mtu ${linkMtu}`,
    'xfrm state flush',
    'xfrm policy flush',
    'route flush cache',
    ...Object.values(lab.addresses).flatMap(({ source, destination }) => [
      ...association(stack, source, destination, out),
      ...association(stack, destination, source, into),
    ]),
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
  return [...states, `xfrm policy add ${pair} proto 6 dir ${direction} ${templates}`];
}

const SENT_BYTES = 100_000;
const TIMEOUT_MS = 300_000;

/** `$1`: the port. */
const LISTEN = `
busybox nc -ll -p $1 -e sh -c 'cat >/dev/null' &
until ss -Hltn | grep -q ":$1"; do sleep 0.05; done
echo listening
wait
`;

/**
 * `$1`: the port, then addresses. When all was acknowledged, full segments have been sent, whatever the speed. The connections then
 * still stand.
 */
const SEND_AND_ASK = `
port=$1
shift
for address; do (head -c ${SENT_BYTES} /dev/zero; sleep 1000) | busybox nc "$address" $port & done
acknowledged() { ss -Htin dport = :$port | grep -c bytes_acked:${SENT_BYTES / 10}; }
until [ "$(acknowledged)" = $# ]; do sleep 0.05; done
for family in 4 6; do ss -$family -Htin dport = :$port; done
`;

/** One connection a family. */
async function connectAndAsk(lab: Lab, port: number): Promise<{ pmtu: number; mss: number }[]> {
  const { ipv4, ipv6 } = lab.addresses;
  const listener = await lab.destination.start('sh', ['-c', LISTEN, 'sh', String(port)]);
  try {
    await once(listener.stdout, 'data');
    const script = ['-c', SEND_AND_ASK, 'sh', String(port), ipv4.destination, ipv6.destination];
    const { stdout } = await lab.source.run('sh', script, { timeoutMs: TIMEOUT_MS });
    const numbers = (name: string): number[] =>
      [...stdout.matchAll(new RegExp(`\\b${name}:(\\d+)`, 'g'))].map((found) => Number(found[1]));
    const sizes = numbers('mss');
    return numbers('pmtu').map((pmtu, i) => ({ pmtu, mss: sizes[i] ?? 0 }));
  } finally {
    await listener.kill();
  }
}
