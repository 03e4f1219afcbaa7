import type { Host } from '../hosts/host.js';

/** What the kernel has counted of one SA. */
export interface StateCounters {
  readonly protocol: string;
  /** `0x0badcafe`, as the kernel writes it. */
  readonly spi: string;
  readonly source: string;
  readonly destination: string;
  /** What went through it: of AH and ESP in transport mode IP payloads, else IP packets. */
  readonly bytes: number;
  readonly packets: number;
  /** Outside the replay window; replayed; failed to verify. */
  readonly outsideWindow: number;
  readonly replayed: number;
  readonly failed: number;
}

/** Counters of a host's network stack at one moment. Counters that a kernel does not have are missing. */
export interface NetworkCounters {
  /** /proc/net/xfrm_stat: packets dropped by IPsec, by reason (`XfrmInNoStates`). Null if the kernel does not count them. */
  readonly xfrm: Readonly<Record<string, number>> | null;
  /** `Tcp` of /proc/net/snmp (`RetransSegs`). */
  readonly tcp: Readonly<Record<string, number>>;
  readonly states: readonly StateCounters[];
}

/** Without keys: they are not even read. */
const READ = `
cat /proc/net/snmp
echo @@
cat /proc/net/xfrm_stat 2>/dev/null
echo @@
ip -s xfrm state list nokeys 2>/dev/null
`;

/** @throws HostError */
export async function readNetworkCounters(host: Host): Promise<NetworkCounters> {
  const { stdout } = await host.run('sh', ['-c', READ], { check: false });
  const [snmp = '', xfrm = '', states = ''] = stdout.split('@@\n');
  const counted = parsePairs(xfrm);
  return {
    tcp: parseSnmp(snmp, 'Tcp'),
    xfrm: Object.keys(counted).length === 0 ? null : counted,
    states: parseStates(states),
  };
}

/** What was counted between two moments; zeros are left out. */
export function countedBetween(
  before: Readonly<Record<string, number>>,
  after: Readonly<Record<string, number>>,
): Record<string, number> {
  const differences = Object.entries(after).map(
    ([name, value]) => [name, value - (before[name] ?? 0)] as const,
  );
  return Object.fromEntries(differences.filter(([, difference]) => difference !== 0));
}

/** Names in one line, numbers in the next, both behind the protocol's name. */
export function parseSnmp(text: string, protocol: string): Record<string, number> {
  const [names = '', values = ''] = text.split('\n').filter((line) => line.startsWith(`${protocol}:`));
  const numbers = values.split(' ').slice(1).map(Number);
  return Object.fromEntries(
    names
      .split(' ')
      .slice(1)
      .map((name, i) => [name, numbers[i] ?? 0]),
  );
}

function parsePairs(text: string): Record<string, number> {
  return Object.fromEntries(
    [...text.matchAll(/^(\w+)\s+(\d+)$/gm)].map(([, name = '', value]) => [name, Number(value)]),
  );
}

/** Of `ip -s xfrm state`. */
export function parseStates(text: string): StateCounters[] {
  return text
    .split(/^(?=src )/m)
    .map(parseState)
    .filter((state) => state !== null);
}

function parseState(text: string): StateCounters | null {
  const [, source = '', destination = ''] = /^src (\S+) dst (\S+)/.exec(text) ?? [];
  const [, protocol = '', spi = ''] = /proto (\S+) spi (0x[0-9a-f]+)/.exec(text) ?? [];
  const [, bytes, packets] = /lifetime current:\s+(\d+)\(bytes\), (\d+)\(packets\)/.exec(text) ?? [];
  const [, outside, replayed, failed] = /replay-window (\d+) replay (\d+) failed (\d+)/.exec(text) ?? [];
  if (spi === '' || packets === undefined) return null;
  return {
    protocol,
    spi,
    source,
    destination,
    bytes: Number(bytes),
    packets: Number(packets),
    outsideWindow: Number(outside ?? 0),
    replayed: Number(replayed ?? 0),
    failed: Number(failed ?? 0),
  };
}
