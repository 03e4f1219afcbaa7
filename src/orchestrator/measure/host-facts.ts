import type { Host } from '../hosts/host.js';

/** What does not change while a host is up. */
export interface HostFacts {
  /** `uname -r`. */
  readonly kernel: string;
  readonly cpu: string;
  readonly cores: number;
  /** Congestion control of connections for which nothing else is said. */
  readonly congestionControl: string;
  readonly congestionControls: readonly string[];
  readonly qemu: QemuFacts | null;
  /** /dev/kvm is there and may be used; whether guests run with it is another question. */
  readonly hasKvm: boolean;
  /** Programs that a run needs and this host has not. */
  readonly missingPrograms: readonly string[];
}

export interface QemuFacts {
  /** As it can be started there. */
  readonly program: string;
  /** `7.2.22`. */
  readonly version: string;
  /** Machine types. */
  readonly machines: readonly string[];
}

/** What may be another in a moment. */
export interface HostState {
  readonly availableBytes: number;
  readonly device: DeviceState | null;
  /** TCP ports that somebody listens on. */
  readonly listeningPorts: ReadonlySet<number>;
}

export interface DeviceState {
  readonly mtu: number;
  /** Null where the driver does not say. */
  readonly maxMtu: number | null;
  readonly isUp: boolean;
  readonly addresses: readonly string[];
  /** Features as `ethtool -k` lists them that are on and could be off. */
  readonly offloads: readonly string[];
  /** Of the queueing discipline that somebody gave the device; null for the kernel's own. */
  readonly qdisc: string | null;
}

const PROGRAMS = ['ip', 'tc', 'ss', 'ethtool'];
/** Debian's name, and where Red Hat keeps it. */
const QEMU_PROGRAMS = ['qemu-system-x86_64', 'qemu-kvm', '/usr/libexec/qemu-kvm'];

const READ_FACTS = `
say() { printf '@@%s\\n' "$1"; }
say kernel; uname -r
say cpu; grep -m 1 '^model name' /proc/cpuinfo
say cores; grep -c '^processor' /proc/cpuinfo
say congestion; cat /proc/sys/net/ipv4/tcp_congestion_control
say congestions; cat /proc/sys/net/ipv4/tcp_available_congestion_control
say kvm; [ -r /dev/kvm ] && [ -w /dev/kvm ] && echo yes
say missing
for program in ${PROGRAMS.join(' ')} "$@"; do command -v "$program" >/dev/null || echo "$program"; done
for qemu in ${QEMU_PROGRAMS.join(' ')}; do
  command -v "$qemu" >/dev/null || continue
  say qemu; echo "$qemu"
  say version; "$qemu" --version
  say machines; "$qemu" -machine help
  break
done
`;

const READ_STATE = `
say() { printf '@@%s\\n' "$1"; }
say memory; grep '^MemAvailable:' /proc/meminfo
say link; ip -d -j address show dev "$1"
say offloads; ethtool -k "$1"
say qdisc; tc -j qdisc show dev "$1" root
say ports; ss -Hltn
`;

const known = new WeakMap<Host, HostFacts>();

/**
 * Read once for each host.
 * @param programs needed besides those that every run needs
 * @throws HostError
 */
export async function readHostFacts(host: Host, programs: readonly string[]): Promise<HostFacts> {
  const facts = known.get(host) ?? parseHostFacts(await runScript(host, READ_FACTS, programs));
  known.set(host, facts);
  return facts;
}

/** @throws HostError */
export async function readHostState(host: Host, device: string): Promise<HostState> {
  return parseHostState(await runScript(host, READ_STATE, [device]));
}

async function runScript(host: Host, script: string, args: readonly string[]): Promise<string> {
  const { stdout } = await host.run('sh', ['-c', script, 'sh', ...args], { check: false });
  return stdout;
}

export function parseHostFacts(text: string): HostFacts {
  const sections = readSections(text);
  const line = (name: string): string => sections.get(name)?.trim() ?? '';
  const program = line('qemu');
  const qemu = {
    program,
    version: /version (\d+(\.\d+)+)/.exec(line('version'))?.[1] ?? '',
    machines: line('machines')
      .split('\n')
      .slice(1)
      .map((machine) => machine.split(' ')[0] ?? ''),
  };
  return {
    kernel: line('kernel'),
    cpu: line('cpu').replace(/^model name\s*:\s*/, ''),
    cores: Number(line('cores')),
    congestionControl: line('congestion'),
    congestionControls: line('congestions').split(' '),
    qemu: program === '' || qemu.version === '' ? null : qemu,
    hasKvm: line('kvm') === 'yes',
    missingPrograms: line('missing') === '' ? [] : line('missing').split('\n'),
  };
}

export function parseHostState(text: string): HostState {
  const sections = readSections(text);
  const [, availableKiB = '0'] = /MemAvailable:\s+(\d+) kB/.exec(sections.get('memory') ?? '') ?? [];
  const ports = [...(sections.get('ports') ?? '').matchAll(/:(\d+)\s+\S+:\*/g)].map(([, port]) =>
    Number(port),
  );
  const [link] = readJson(sections.get('link')) as Partial<LinkJson>[];
  const [qdisc] = readJson(sections.get('qdisc')) as Partial<QdiscJson>[];
  return {
    availableBytes: Number(availableKiB) * 1024,
    listeningPorts: new Set(ports),
    device:
      link?.mtu === undefined ? null : deviceState(link as LinkJson, qdisc, sections.get('offloads') ?? ''),
  };
}

/** Fields of `ip -d -j address show`. */
interface LinkJson {
  readonly mtu: number;
  readonly max_mtu?: number;
  readonly flags?: readonly string[];
  readonly addr_info?: readonly { readonly local?: string }[];
}

interface QdiscJson {
  readonly kind: string;
  readonly handle: string;
}

function deviceState(link: LinkJson, qdisc: Partial<QdiscJson> | undefined, offloads: string): DeviceState {
  // Handle 0: is what the kernel gives a device by itself.
  const hasOwn = qdisc?.handle !== undefined && qdisc.handle !== '0:' && qdisc.kind !== 'noqueue';
  return {
    mtu: link.mtu,
    maxMtu: link.max_mtu ? link.max_mtu : null,
    isUp: link.flags?.includes('UP') === true,
    addresses: (link.addr_info ?? []).flatMap(({ local }) => local ?? []),
    offloads: [...offloads.matchAll(/^\s*([\w-]+): on$/gm)].map(([, name = '']) => name),
    qdisc: hasOwn ? (qdisc.kind ?? null) : null,
  };
}

function readJson(text = ''): unknown[] {
  try {
    const value: unknown = JSON.parse(text);
    return Array.isArray(value) ? value : [];
  } catch {
    return [];
  }
}

function readSections(text: string): Map<string, string> {
  const parts = text.split(/^@@/m).slice(1);
  return new Map(
    parts.map((part) => {
      const end = part.indexOf('\n');
      return [part.slice(0, end), part.slice(end + 1)];
    }),
  );
}
