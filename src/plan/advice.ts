/**
 * Commands that set an MTU, an MSS or a protection on Linux, as data, each with what can go wrong. Nothing is run here. Names and
 * addresses come from the caller and are checked: what is not plainly a device name or an address never reaches a command.
 */
import { isIP } from 'node:net';
import { TCP_HEADER_BYTES } from '../ipsec/path-mtu.js';
import { ETHERNET_HEADER_BYTES, ipHeaderBytesOf } from '../ipsec/protection-stack.js';
import type { AhSuite, EspSuite } from '../ipsec/suite-table.js';

export interface Advice {
  readonly title: string;
  /** `shell`: lines to paste as root. Otherwise lines for that configuration file. */
  readonly where: 'shell' | 'swanctl.conf' | 'strongswan.conf';
  readonly commands: readonly string[];
  readonly caution: string;
}

export interface AdviceRequest {
  readonly family: 4 | 6;
  readonly linkMtuBytes: number;
  /** MTU inside IPsec, as `pathMtu` gives it. */
  readonly pathMtuBytes: number;
  readonly esp: EspSuite | null;
  readonly ah: AhSuite | null;
  readonly mode: 'transport' | 'tunnel' | 'beet';
  readonly udpEncap: boolean;
  /** Extended sequence numbers. Default: without. */
  readonly esn?: boolean;
  /** Network device of the migration link. Without it `eth0` stands in, and the cautions say so. */
  readonly device?: string;
  /** Other host or network, CIDR notation allowed. Without it an address for documentation (RFC 5737, RFC 3849) stands in. */
  readonly destination?: string;
  /** Next router; none if the destination is on the link. */
  readonly gateway?: string;
  /** Names in swanctl.conf. */
  readonly connection?: string;
  readonly child?: string;
}

const DEVICE_NAME = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,14}$/;
const SECTION_NAME = /^[A-Za-z0-9_][A-Za-z0-9_-]{0,63}$/;

/**
 * Advice for one chosen row.
 * @throws RangeError for a name or address that is not one, without repeating more than 40 characters of it
 */
export function adviceFor(request: AdviceRequest): Advice[] {
  const named = checkNames(request);
  const isProtected = request.esp !== null || request.ah !== null;
  return [
    linkMtuAdvice(request, named),
    ...(isProtected ? [announcedMssAdvice(request, named), behindGatewayAdvice(request, named)] : []),
    ...clampAdvice(request, named),
    ...(isProtected ? protectionAdvice(request, named) : []),
    probingAdvice(),
  ];
}

interface CheckedNames {
  readonly device: string;
  readonly destination: string;
  readonly via: string;
  readonly connection: string;
  readonly child: string;
  /** First sentence of a caution for commands with the device, the destination or both; empty where nothing stands in. */
  readonly standIns: Readonly<Record<'device' | 'destination' | 'both', string>>;
  /** Sentence for commands that set a route. */
  readonly pastRouter: string;
}

const STAND_IN_DEVICE = 'eth0';
const STAND_IN_DESTINATIONS = { 4: '192.0.2.2', 6: '2001:db8::2' } as const;

function checkNames(request: AdviceRequest): CheckedNames {
  const {
    device = STAND_IN_DEVICE,
    destination = STAND_IN_DESTINATIONS[request.family],
    gateway,
    connection = 'migration',
    child = 'migration',
  } = request;
  requireName('device', device, DEVICE_NAME, 'a network device such as eth0');
  requireName('connection', connection, SECTION_NAME, 'letters, digits, - and _');
  requireName('child', child, SECTION_NAME, 'letters, digits, - and _');
  requireAddress('destination', destination, request.family, true);
  if (gateway !== undefined) requireAddress('gateway', gateway, request.family, false);
  const deviceStandIn = request.device === undefined ? { [device]: '--device' } : {};
  const destinationStandIn = request.destination === undefined ? { [destination]: '--destination' } : {};
  return {
    device,
    destination,
    via: gateway === undefined ? '' : `via ${gateway} `,
    connection,
    child,
    standIns: {
      device: describeStandIns(deviceStandIn),
      destination: describeStandIns(destinationStandIn),
      both: describeStandIns({ ...deviceStandIn, ...destinationStandIn }),
    },
    pastRouter:
      gateway === undefined
        ? 'If the destination is behind a router, give --gateway: this route goes past it. '
        : '',
  };
}

/** @param options by the name or address that stands in, the option that replaces it */
function describeStandIns(options: Readonly<Record<string, string>>): string {
  const names = Object.keys(options);
  if (names.length === 0) return '';
  const are = names.length === 1 ? 'is a stand-in' : 'are stand-ins';
  return `${names.join(' and ')} ${are}: give ${Object.values(options).join(' and ')}. `;
}

function requireName(field: string, value: string, pattern: RegExp, wanted: string): void {
  if (!pattern.test(value)) throw new RangeError(`${field} ${shorten(value)} is not ${wanted}`);
}

function requireAddress(field: string, value: string, family: 4 | 6, allowPrefix: boolean): void {
  const [address = '', prefix, ...more] = value.split('/');
  const longest = family === 4 ? 32 : 128;
  const isPrefix =
    prefix === undefined || (allowPrefix && /^\d{1,3}$/.test(prefix) && Number(prefix) <= longest);
  // A zone (fe80::1%eth0) may hold any character.
  if (isIP(address) === family && !address.includes('%') && isPrefix && more.length === 0) return;
  throw new RangeError(
    `${field} ${shorten(value)} is no IPv${family} address${allowPrefix ? ' or network' : ''}`,
  );
}

function shorten(value: string): string {
  return JSON.stringify(value.length > 40 ? `${value.slice(0, 40)}...` : value);
}

function linkMtuAdvice({ linkMtuBytes }: AdviceRequest, { device, standIns }: CheckedNames): Advice {
  return {
    title: `Set the link's MTU to ${linkMtuBytes}`,
    where: 'shell',
    commands: [`ip link set dev ${device} mtu ${linkMtuBytes}`],
    caution:
      `${standIns.device}Both hosts and everything between them must take frames of ${linkMtuBytes + ETHERNET_HEADER_BYTES} bytes ` +
      '(4 more with a VLAN tag); a switch that does not drops them in silence. Some drivers reset the link. Lost at reboot.',
  };
}

/** The MSS option counts no TCP options (RFC 9293 section 3.7.1). */
function announced({ pathMtuBytes, family }: AdviceRequest): number {
  return pathMtuBytes - ipHeaderBytesOf(family) - TCP_HEADER_BYTES;
}

function announcedMssAdvice(request: AdviceRequest, names: CheckedNames): Advice {
  const { device, destination, via, standIns, pastRouter } = names;
  const mss = announced(request);
  return {
    title: `On a host that does the IPsec itself: announce an MSS of ${mss}`,
    where: 'shell',
    commands: [`ip route replace ${destination} ${via}dev ${device} advmss ${mss}`],
    caution:
      `${standIns.both}${pastRouter}` +
      'Linux sends segments that fit IPsec by itself but announces the MSS of the bare link; this helps peers that do not. ' +
      'Do not set "mtu" here too: IPsec is taken off the route\'s MTU once more. "replace" drops other attributes of the route.',
  };
}

function behindGatewayAdvice(request: AdviceRequest, names: CheckedNames): Advice {
  const { device, destination, via, standIns, pastRouter } = names;
  const mss = announced(request);
  return {
    title: `On a host behind an IPsec gateway: an MTU of ${request.pathMtuBytes} for this destination`,
    where: 'shell',
    commands: [
      `ip route replace ${destination} ${via}dev ${device} mtu ${request.pathMtuBytes} advmss ${mss}`,
    ],
    caution:
      `${standIns.both}${pastRouter}` +
      'Only for hosts that send in the clear to a gateway; not on the gateway. "replace" drops other attributes of the route. ' +
      'Lost at reboot.',
  };
}

function clampAdvice(request: AdviceRequest, { device, standIns }: CheckedNames): Advice[] {
  const mss = announced(request);
  const table = 'inet tare_mss';
  const setUp = [
    `nft add table ${table}`,
    `nft 'add chain ${table} forward { type filter hook forward priority mangle; }'`,
  ];
  const rule = (size: string): string =>
    `nft 'add rule ${table} forward oifname "${device}" meta nfproto ipv${request.family} tcp flags syn ` +
    `tcp option maxseg size set ${size}'`;
  const caution =
    standIns.device +
    'Only connections that are opened afterwards, and only SYNs that this host forwards (for its own use the output hook). ' +
    'Set it on the gateways of both ends: each clamps what it sends out, and the answer limits the data. ' +
    'The value counts no TCP options. It is lowered, never raised. Undo: nft delete table inet tare_mss.';
  return [
    {
      title: 'On a gateway: clamp the MSS to what the route, IPsec included, carries',
      where: 'shell',
      commands: [...setUp, rule('rt mtu')],
      caution: `${caution} Policies are looked up before the forward hook, so the route's MTU has IPsec taken off.`,
    },
    {
      title: `On a gateway: clamp the MSS to ${mss}`,
      where: 'shell',
      commands: [...setUp, rule(String(mss))],
      caution: `${caution} The number is right for this suite, mode and link MTU alone.`,
    },
  ];
}

function protectionAdvice(request: AdviceRequest, names: CheckedNames): Advice[] {
  const { esp, ah } = request;
  return esp !== null && ah !== null ? [bundleAdvice(request, names)] : strongswanAdvice(request, names);
}

/** Proposal keywords may come in any order (strongSwan's documentation, "Algorithm Proposals"); `esn` goes behind. */
function strongswanAdvice(request: AdviceRequest, names: CheckedNames): Advice[] {
  const { esp, ah, mode, udpEncap, esn = false } = request;
  const child = `connections.${names.connection}.children.${names.child}`;
  const proposal = esp !== null ? `esp_proposals = ${esp.name}` : `ah_proposals = ${ah!.name}`;
  const lines = [
    `${child}.${proposal}${esn ? '-esn' : ''}`,
    `${child}.mode = ${mode}`,
    ...(udpEncap ? [`connections.${names.connection}.encap = yes`] : []),
    ...(mode === 'tunnel' ? [`${child}.copy_df = yes`] : []),
  ];
  const settings: Advice = {
    title: `strongSwan: this suite and mode${esn ? ', extended sequence numbers' : ''}`,
    where: 'swanctl.conf',
    commands: lines,
    caution:
      'Dotted names stand for nested sections of swanctl.conf. Both ends must agree; the first proposal in common wins. Takes effect with ' +
      '"swanctl --load-all" and the next CHILD_SA.' +
      (esn ? ' "esn" needs IKEv2 and a replay_window above 0, as it is by default.' : '') +
      (mode === 'tunnel'
        ? ' "copy_df = no" lets routers fragment instead of reporting: slow, but no black hole.'
        : ''),
  };
  const routes: Advice = {
    title: 'strongSwan: MTU and MSS of the routes it installs',
    where: 'strongswan.conf',
    commands: [
      `charon.plugins.kernel-netlink.mtu = ${request.pathMtuBytes}`,
      `charon.plugins.kernel-netlink.mss = ${announced(request)}`,
    ],
    caution: 'For every route that charon installs, in tunnel mode; read when charon starts.',
  };
  return mode === 'tunnel' ? [settings, routes] : [settings];
}

/**
 * AH around ESP, which no IKEv2 proposal can name: each has one protocol (RFC 7296 section 3.3), and RFC 4301 (section 4.3) dropped
 * bundles. Linux itself takes them, templates innermost first in either direction. The policies are for TCP: one for everything would
 * refuse the other host's unprotected neighbour solicitations.
 */
function bundleAdvice(request: AdviceRequest, { destination, standIns }: CheckedNames): Advice {
  const { mode, esn = false } = request;
  const isTransport = mode === 'transport';
  const [address = '', prefix] = destination.split('/');
  const isHost = prefix === undefined || Number(prefix) === (request.family === 4 ? 32 : 128);
  const here = 'LOCAL';
  const there = isHost ? address : 'PEER';
  const policy = (direction: string, selector: string, source: string, target: string): string =>
    `ip xfrm policy add dir ${direction} ${selector} ${destination} proto tcp ` +
    `tmpl ${isTransport ? '' : `src ${source} dst ${target} `}proto esp reqid 1 mode ${mode} tmpl proto ah reqid 2 mode transport`;
  const commands = [
    policy('out', 'dst', here, there),
    policy('in', 'src', there, here),
    ...(mode === 'tunnel' ? [policy('fwd', 'src', there, here)] : []),
  ];
  return {
    title: 'AH around ESP: policies by hand, since strongSwan negotiates one or the other',
    where: 'shell',
    commands,
    caution:
      standIns.destination +
      'An IKEv2 proposal names AH or ESP, and strongSwan knows no bundles of both. ' +
      (isTransport ? '' : describeEnds(isHost)) +
      'First give both hosts the four SAs with "ip xfrm state add": in each direction ESP with reqid 1 and AH with reqid 2' +
      `${esn ? ', all with "flag esn" and a replay-window' : ''}; ` +
      '"ip -batch FILE" keeps their keys off the command line. Nothing renews them: ' +
      (esn ? '' : 'each ends after 2^32 packets, and ') +
      'no key may serve twice. ' +
      'Until both ends are ready all TCP with the destination is dropped, SSH too. Undo: "ip xfrm policy delete" with the words before "tmpl".',
  };
}

function describeEnds(isHost: boolean): string {
  return `LOCAL is the address of this end of the tunnel${isHost ? '' : ', PEER that of the other'}. `;
}

function probingAdvice(): Advice {
  return {
    title: 'Against black holes: let TCP find the MTU by trying',
    where: 'shell',
    commands: ['sysctl -w net.ipv4.tcp_mtu_probing=1'],
    caution:
      'On the sending host; IPv6 too. 1 acts only after segments were lost repeatedly, so a stalled transfer recovers after seconds; 2 probes ' +
      'from the start, beginning at net.ipv4.tcp_base_mss. Better to allow ICMP "fragmentation needed" and "packet too big".',
  };
}
