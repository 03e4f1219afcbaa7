import { LAYER_STRIDE, Layer } from '../packet/layers.js';
import {
  ERROR_LAYERS,
  Integrity,
  NO_PROTOCOL,
  NONE,
  type PacketBatch,
  PacketError,
  PacketFlag,
} from '../packet/packet-batch.js';
import { AddressText } from './address-text.js';

const ESP = 50;
const PROTOCOL_NAMES: Readonly<Record<number, string>> = {
  1: 'ICMP',
  4: 'IPv4 in IP',
  6: 'TCP',
  17: 'UDP',
  41: 'IPv6 in IP',
  47: 'GRE',
  50: 'ESP',
  51: 'AH',
  58: 'ICMPv6',
  59: 'no next header',
  132: 'SCTP',
};

/** Names of the flags that `tare packets` shows, by their bit. */
const FLAG_NAMES: readonly (readonly [number, string])[] = [
  [PacketFlag.decapsulatedCopy, 'copy'],
  [PacketFlag.superFrame, 'super'],
  [PacketFlag.cutBySnaplen, 'cut'],
  [PacketFlag.malformed, 'malformed'],
];
const NAMED_FLAGS = FLAG_NAMES.reduce((bits, [bit]) => bits | bit, 0);

const TCP_FLAG_NAMES = ['FIN', 'SYN', 'RST', 'PSH', 'ACK', 'URG'] as const;
const SYN_FIN_RST = 0b111;

/** Reads what `tare packets` prints off the rows of a batch. */
export class PacketText {
  readonly #batch: PacketBatch;
  readonly #addresses = new AddressText();
  readonly #firstSeconds: number;
  readonly #firstNanoseconds: number;

  /** @param batch holds the capture's first packets; relative times count from its first one */
  constructor(batch: PacketBatch) {
    this.#batch = batch;
    this.#firstSeconds = batch.block.timeSeconds[0] ?? 0;
    this.#firstNanoseconds = batch.block.timeNanoseconds[0] ?? 0;
  }

  /** Seconds since the capture's first packet, nine decimals: `0.001234567`. Negative if the clock went backwards. */
  relativeTime(row: number): string {
    const { block } = this.#batch;
    let seconds = block.timeSeconds[row]! - this.#firstSeconds;
    let nanoseconds = block.timeNanoseconds[row]! - this.#firstNanoseconds;
    const isNegative = seconds < 0 || (seconds === 0 && nanoseconds < 0);
    if (isNegative) {
      seconds = -seconds;
      nanoseconds = -nanoseconds;
    }
    if (nanoseconds < 0) {
      seconds -= 1;
      nanoseconds += 1_000_000_000;
    }
    return `${isNegative ? '-' : ''}${seconds}.${nineDigits(nanoseconds)}`;
  }

  /** Seconds since 1970-01-01 UTC, nine decimals. */
  epochTime(row: number): string {
    const { block } = this.#batch;
    return `${block.timeSeconds[row]!}.${nineDigits(block.timeNanoseconds[row]!)}`;
  }

  /** Of the outermost IP header; empty if there is none. */
  source(row: number): string {
    return this.#address(row, 12, 8);
  }

  destination(row: number): string {
    return this.#address(row, 16, 24);
  }

  #address(row: number, ipv4Offset: number, ipv6Offset: number): string {
    const { ipOffset, flags, block } = this.#batch;
    const ip = ipOffset[row]!;
    if (ip === NONE) return '';
    return (flags[row]! & PacketFlag.outerIpv6) !== 0
      ? this.#addresses.at(block.data, ip + ipv6Offset, 16)
      : this.#addresses.at(block.data, ip + ipv4Offset, 4);
  }

  /** What the packet is, outermost first: `AH ESP TCP 5201>44410`, `IPv4 fragment 1480@0 id 0xeaa9`. */
  what(row: number): string {
    const { flags, security, securityStart } = this.#batch;
    const bits = flags[row]!;
    let text = '';
    let isClosed = false;
    for (let i = securityStart[row]!; i < securityStart[row + 1]!; i++) {
      const isEsp = security.protocol[i] === ESP;
      text += isEsp ? (security.udpEncap[i] === 1 ? 'UDP ESP ' : 'ESP ') : 'AH ';
      if (!isEsp || security.opened[i] === 1) continue;
      isClosed = true;
      text += `${hexWord(security.spi[i]!)} seq ${security.sequence[i]!}`;
    }
    if (isClosed) return text;
    if ((bits & PacketFlag.fragment) !== 0) return text + this.#fragment(row);
    return text + this.#inside(row, bits);
  }

  #inside(row: number, bits: number): string {
    const { protocol, transportOffset, block } = this.#batch;
    const prefix = (bits & PacketFlag.tunnel) !== 0 ? `${this.#innerAddresses(row)} ` : '';
    if ((bits & PacketFlag.innerFragment) !== 0) return `${prefix}fragment inside`;
    if ((bits & PacketFlag.arp) !== 0) return `${prefix}ARP`;
    const number = protocol[row]!;
    const name = number === NO_PROTOCOL ? 'not IP' : (PROTOCOL_NAMES[number] ?? `IP protocol ${number}`);
    const transport = transportOffset[row]!;
    if (transport === NONE) return prefix + name;
    const { data } = block;
    if ((bits & PacketFlag.icmp) !== 0) {
      if ((bits & PacketFlag.packetTooBig) !== 0) return `${prefix}${name} packet too big`;
      return `${prefix}${name} type ${data[transport]!} code ${data[transport + 1]!}`;
    }
    if ((bits & (PacketFlag.tcp | PacketFlag.udp)) === 0) return prefix + name;
    const ports = `${uint16(data, transport)}>${uint16(data, transport + 2)}`;
    return `${prefix}${name} ${ports}${describeBehindPorts(data, transport, bits)}`;
  }

  #innerAddresses(row: number): string {
    const { innerIpOffset, flags, block } = this.#batch;
    const inner = innerIpOffset[row]!;
    const isV6 = (flags[row]! & PacketFlag.ipv6) !== 0;
    const [at, bytes] = isV6 ? [8, 16 as const] : [12, 4 as const];
    const source = this.#addresses.at(block.data, inner + at, bytes);
    return `(${source} > ${this.#addresses.at(block.data, inner + at + bytes, bytes)})`;
  }

  #fragment(row: number): string {
    const { fragmentOffset, flags, layerBytes, block } = this.#batch;
    const header = fragmentOffset[row]!;
    const bytes = layerBytes[row * LAYER_STRIDE + Layer.fragment]!;
    const { data } = block;
    if ((flags[row]! & PacketFlag.outerIpv6) !== 0) {
      const id = uint16(data, header + 4) * 0x1_0000 + uint16(data, header + 6);
      return `IPv6 fragment ${bytes}@${uint16(data, header + 2) & 0xfff8} id ${hexWord(id)}`;
    }
    const offset = (uint16(data, header + 6) & 0x1fff) * 8;
    return `IPv4 fragment ${bytes}@${offset} id 0x${uint16(data, header + 4)
      .toString(16)
      .padStart(4, '0')}`;
  }

  /** Names of what is remarkable, separated by spaces; empty for most packets. */
  flags(row: number): string {
    const { flags, security, securityStart } = this.#batch;
    const bits = flags[row]!;
    let text = '';
    if ((bits & NAMED_FLAGS) !== 0) {
      for (const [bit, name] of FLAG_NAMES) if ((bits & bit) !== 0) text += `${name} `;
    }
    let verified = false;
    let failed = false;
    for (let i = securityStart[row]!; i < securityStart[row + 1]!; i++) {
      if (security.integrity[i] === Integrity.verified) verified = true;
      if (security.integrity[i] === Integrity.failed) failed = true;
    }
    if (failed) text += 'icv-wrong ';
    else if (verified) text += 'icv-ok ';
    return text.trimEnd();
  }

  /** What is wrong with a malformed packet, in the words of `tare analyze`; empty if nothing is. */
  error(row: number): string {
    const { error, errorLayer, errorOffset, errorRequired, errorActual } = this.#batch;
    const kind = error[row]!;
    if (kind === PacketError.none) return '';
    const layer = ERROR_LAYERS[errorLayer[row]!] ?? 'frame';
    const where = `at byte ${errorOffset[row]!}`;
    const actual = errorActual[row]!;
    if (kind === PacketError.length) {
      return `${layer} ${where}: needs ${errorRequired[row]!} bytes, ${actual} there`;
    }
    if (kind === PacketError.value) return `${layer} ${where}: value ${actual} is not allowed`;
    if (kind === PacketError.nesting)
      return `header ${actual} ${where}: no more than ${errorRequired[row]!} are followed`;
    return `link type ${actual} has no decoder`;
  }
}

function describeBehindPorts(data: Uint8Array, transport: number, bits: number): string {
  if ((bits & PacketFlag.ike) !== 0) return ' IKE';
  if ((bits & PacketFlag.natKeepalive) !== 0) return ' NAT keep-alive';
  if ((bits & PacketFlag.tcp) === 0) return '';
  const tcpFlags = data[transport + 13]!;
  if ((tcpFlags & SYN_FIN_RST) === 0) return '';
  return ` [${TCP_FLAG_NAMES.filter((_, i) => (tcpFlags & (1 << i)) !== 0).join(' ')}]`;
}

function uint16(data: Uint8Array, offset: number): number {
  return (data[offset]! << 8) | data[offset + 1]!;
}

function hexWord(value: number): string {
  return `0x${value.toString(16).padStart(8, '0')}`;
}

function nineDigits(nanoseconds: number): string {
  return nanoseconds.toString().padStart(9, '0');
}
