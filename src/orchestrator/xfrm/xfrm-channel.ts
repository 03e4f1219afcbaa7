import { randomBytes, randomInt } from 'node:crypto';
import { parseIpAddress } from '../../ipsec/ip-address.js';
import { SecurityAssociation } from '../../ipsec/security-association.js';
import { parseAhSuite, parseEspSuite } from '../../ipsec/suite.js';
import type { AhSuite, EspSuite } from '../../ipsec/suite-table.js';
import type { Ipsec } from '../../scenario/scenario.js';
import { type KernelAlgorithm, kernelAlgorithms } from './kernel-algorithm.js';

/** What is to be protected: one TCP service between two hosts, both directions of its connections. */
export interface ProtectedService {
  /** Addresses as text, both of one family. */
  readonly source: string;
  readonly destination: string;
  /** TCP port that the destination listens on. */
  readonly port: number;
}

/**
 * States and policies of a migration channel, as lines for `ip -batch -`. The `add` text **holds keys**: it belongs on standard
 * input, nowhere else. The `remove` text holds none and may be written to a journal.
 */
export interface XfrmChannel {
  /** The same on both hosts but for the direction of the policies. */
  readonly addSource: string;
  readonly addDestination: string;
  readonly removeSource: string;
  readonly removeDestination: string;
  /** With keys, to open and check a capture of the run. */
  readonly associations: readonly SecurityAssociation[];
}

/** RFC 4303 section 2.1 keeps 1..255; this range leaves what IKE daemons draw from (0xc0000000 on with strongSwan) alone. */
const SPI_FIRST = 0x0100_0000;
const SPI_LAST = 0x0fff_ffff;
/** IANA's number: `ip` finds names in /etc/protocols, which minimal systems lack. */
const TCP = 6;
/** RFC 3948. */
const NAT_T_PORT = 4500;
/** Packets; at least 32 for extended sequence numbers, and more than a queue of reordered packets holds. */
const REPLAY_WINDOW = 128;
/** Behind the policies with templates, whose priority is 0, and before those of IKE daemons. */
const BLOCK_PRIORITY = 1;

interface Direction {
  readonly from: string;
  readonly to: string;
}

interface Layer {
  readonly suite: EspSuite | AhSuite;
  readonly algorithms: readonly KernelAlgorithm[];
  readonly reqid: number;
}

/**
 * Makes fresh random keys and SPIs for one run.
 * @returns null if nothing is to be protected
 * @throws RangeError if Linux does not know a suite; SuiteNameError
 */
export function createXfrmChannel(ipsec: Ipsec, service: ProtectedService): XfrmChannel | null {
  const layers = layersOf(ipsec);
  if (layers.length === 0) return null;
  const forward = { from: service.source, to: service.destination };
  const back = { from: service.destination, to: service.source };
  const states = [forward, back].flatMap((direction) =>
    layers.map((layer) => createState(direction, layer, ipsec)),
  );
  const add = (isSource: boolean): string =>
    lines([
      ...states.map(({ add }) => add),
      `xfrm policy add ${policySelector(forward, 'dport', service.port)} dir ${isSource ? 'out' : 'in'}${templates(forward, layers, ipsec)}`,
      `xfrm policy add ${policySelector(back, 'sport', service.port)} dir ${isSource ? 'in' : 'out'}${templates(back, layers, ipsec)}`,
      ...blockedSelectors(service, isSource).map(
        (selector) => `xfrm policy add ${selector} priority ${BLOCK_PRIORITY} action block`,
      ),
    ]);
  const remove = (isSource: boolean): string =>
    lines([
      ...blockedSelectors(service, isSource).map((selector) => `xfrm policy del ${selector}`),
      `xfrm policy del ${policySelector(forward, 'dport', service.port)} dir ${isSource ? 'out' : 'in'}`,
      `xfrm policy del ${policySelector(back, 'sport', service.port)} dir ${isSource ? 'in' : 'out'}`,
      ...states.map(({ remove }) => remove),
    ]);
  return {
    addSource: add(true),
    addDestination: add(false),
    removeSource: remove(true),
    removeDestination: remove(false),
    associations: states.map(({ association }) => association),
  };
}

/** Innermost first, as templates are applied when sending (`xfrm_tmpl_resolve` in net/xfrm/xfrm_policy.c). */
function layersOf({ esp, ah }: Ipsec): Layer[] {
  const suites: (EspSuite | AhSuite)[] = [];
  if (esp !== null) suites.push(parseEspSuite(esp));
  if (ah !== null) suites.push(parseAhSuite(ah));
  const firstReqid = randomInt(0x1000, 0x7fff_0000);
  return suites.map((suite, index) => {
    const algorithms = kernelAlgorithms(suite);
    if (algorithms !== null) return { suite, algorithms, reqid: firstReqid + index };
    throw new RangeError(
      `Linux has no ${suite.name} for ${suite.protocol.toUpperCase()}: choose another suite`,
    );
  });
}

function createState(
  direction: Direction,
  layer: Layer,
  ipsec: Ipsec,
): { add: string; remove: string; association: SecurityAssociation } {
  const spi = randomInt(SPI_FIRST, SPI_LAST);
  const { suite } = layer;
  const keys = layer.algorithms.map(({ keyBytes }) => randomBytes(keyBytes));
  const name = `src ${direction.from} dst ${direction.to} proto ${suite.protocol} spi 0x${spi.toString(16)}`;
  const flags = [
    ...(ipsec.esn ? ['esn'] : []),
    ...(ipsec.align4 && suite.protocol === 'ah' ? ['align4'] : []),
  ];
  const words = [
    `xfrm state add ${name} reqid ${layer.reqid} mode ${modeOf(layer, ipsec)} replay-window ${REPLAY_WINDOW}`,
    ...(flags.length > 0 ? [`flag ${flags.join(' flag ')}`] : []),
    ...layer.algorithms.map((algorithm, index) => keyWords(algorithm, keys[index]!)),
    ...(hasEncap(layer, ipsec) ? [`encap espinudp ${NAT_T_PORT} ${NAT_T_PORT} 0.0.0.0`] : []),
    ...(modeOf(layer, ipsec) === 'transport' ? [] : [`sel src ${direction.from} dst ${direction.to}`]),
  ];
  return {
    add: words.join(' '),
    remove: `xfrm state del ${name}`,
    association: associationOf(direction, layer, ipsec, spi, keys),
  };
}

function keyWords({ keyword, name, icvBits }: KernelAlgorithm, key: Uint8Array): string {
  const hex = key.length === 0 ? '""' : `0x${Buffer.from(key).toString('hex')}`;
  return `${keyword} ${name} ${hex}${icvBits === null ? '' : ` ${icvBits}`}`;
}

function associationOf(
  { from, to }: Direction,
  layer: Layer,
  ipsec: Ipsec,
  spi: number,
  keys: readonly Uint8Array[],
): SecurityAssociation {
  const source = parseIpAddress(from);
  const isCombined = layer.suite.protocol === 'esp' && layer.suite.combinedMode;
  const [first = null, second = null] = keys;
  return new SecurityAssociation({
    suite: layer.suite,
    spi,
    family: source?.family ?? null,
    source,
    destination: parseIpAddress(to),
    mode: modeOf(layer, ipsec),
    encryptionKey: isCombined ? first : second,
    integrityKey: isCombined ? null : first,
    esn: ipsec.esn,
    udpEncap: hasEncap(layer, ipsec) ? { sourcePort: NAT_T_PORT, destinationPort: NAT_T_PORT } : null,
    align4: ipsec.align4,
  });
}

/** AH around ESP covers the packet as ESP made it: only the innermost layer tunnels. */
function modeOf(layer: Layer, { mode, esp }: Ipsec): Ipsec['mode'] {
  return layer.suite.protocol === 'ah' && esp !== null ? 'transport' : mode;
}

function hasEncap({ suite }: Layer, { encap }: Ipsec): boolean {
  return encap && suite.protocol === 'esp';
}

function policySelector({ from, to }: Direction, portWord: 'sport' | 'dport', port: number): string {
  return `src ${from} dst ${to} proto ${TCP} ${portWord} ${port}`;
}

/**
 * The service for whoever else: a source with several addresses may take another than it was thought to, and no policy would be for it.
 */
function blockedSelectors({ destination, port }: ProtectedService, isSource: boolean): [string, string] {
  const anyone = destination.includes(':') ? '::/0' : '0.0.0.0/0';
  return [
    `src ${anyone} dst ${destination} proto ${TCP} dport ${port} dir ${isSource ? 'out' : 'in'}`,
    `src ${destination} dst ${anyone} proto ${TCP} sport ${port} dir ${isSource ? 'in' : 'out'}`,
  ];
}

/** `level required` is the default: without a matching SA packets are dropped, never sent in the clear. */
function templates({ from, to }: Direction, layers: readonly Layer[], ipsec: Ipsec): string {
  return layers
    .map(
      (layer) =>
        ` tmpl src ${from} dst ${to} proto ${layer.suite.protocol} reqid ${layer.reqid} mode ${modeOf(layer, ipsec)}`,
    )
    .join('');
}

function lines(text: readonly string[]): string {
  return `${text.join('\n')}\n`;
}
