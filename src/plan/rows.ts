/**
 * Every combination of MTU, suite, mode and MSS, one row each.
 */
import type { Transform } from '../ipsec/encapsulation-size.js';
import { MIN_IPV6_MTU, pathMtu, TCP_TIMESTAMP_BYTES, tcpMss } from '../ipsec/path-mtu.js';
import { type Carrier, ETHERNET_HEADER_BYTES, type ProtectionStack } from '../ipsec/protection-stack.js';
import type { AhSuite, EspSuite } from '../ipsec/suite-table.js';
import { bestMss } from './best-mss.js';
import type { LayerTotals } from './layer-totals.js';
import { type PacketCost, packetCost } from './packet-cost.js';
import { costSegments, datagramMtu, requireMss, requirePayload } from './transfer.js';

export type PlanMode = Transform['mode'];

/** Both ends included; `step` is 1 unless given. */
export interface ByteRange {
  readonly from: number;
  readonly to: number;
  readonly step?: number;
}

export interface PlanRequest {
  readonly payloadBytes: number;
  /** One, a range, or a list. */
  readonly linkMtu: number | ByteRange | readonly number[];
  /** null: without ESP. */
  readonly esp: readonly (EspSuite | null)[];
  /** null: without AH. */
  readonly ah: readonly (AhSuite | null)[];
  /** Of ESP; of AH where there is no ESP. AH over ESP is in transport mode. */
  readonly modes: readonly PlanMode[];
  readonly udpEncap: readonly boolean[];
  readonly families: readonly (4 | 6)[];
  readonly mss: 'auto' | number | ByteRange;
  /** Default 12: timestamps. */
  readonly tcpOptionBytes?: number;
  /** Tunnel and BEET: IP version outside. Default: that of the packet. */
  readonly outerFamily?: 4 | 6;
  /** AH on IPv4 with `flag align4`. */
  readonly align4?: boolean;
  /** Around IPsec, innermost first. */
  readonly carriers?: readonly Carrier[];
}

export interface PlanRow {
  /** strongSwan's names; null: none. */
  readonly esp: string | null;
  readonly ah: string | null;
  /** null without IPsec. */
  readonly mode: PlanMode | null;
  readonly udpEncap: boolean;
  readonly family: 4 | 6;
  readonly linkMtuBytes: number;
  readonly pathMtuBytes: number;
  readonly mssBytes: number;
  readonly bestMssBytes: number;
  readonly segments: number;
  readonly packets: number;
  readonly wireBytes: number;
  /** Wire bytes with preamble, check sequence and gap. */
  readonly lineBytes: number;
  readonly layers: LayerTotals;
  readonly paddingBytes: number;
  /** Payload / wire bytes. */
  readonly efficiency: number;
  readonly fragmented: boolean;
}

/** One way of protecting, set up once for all MTUs. */
interface Protection {
  readonly esp: EspSuite | null;
  readonly ah: AhSuite | null;
  readonly mode: PlanMode | null;
  readonly udpEncap: boolean;
  readonly family: 4 | 6;
  readonly stack: ProtectionStack;
  readonly cost: PacketCost;
}

/**
 * Rows in the order families, ESP, AH, mode, UDP encapsulation, MTU, MSS. What does not exist is passed over: AH in BEET
 * mode or in UDP, UDP encapsulation without ESP. Traffic without IPsec comes once, whatever the modes.
 * @throws RangeError for ranges that are empty or out of bounds, before the first row; and as `planTransfer`
 */
export function planRows(request: PlanRequest): Iterable<PlanRow> {
  requirePayload(request.payloadBytes);
  const { linkMtu } = request;
  const mtus = isList(linkMtu)
    ? linkMtu.flatMap((mtu) => numbersOf('linkMtu', mtu))
    : numbersOf('linkMtu', linkMtu);
  const mssList = request.mss === 'auto' ? null : numbersOf('mss', request.mss);
  mssList?.forEach(requireMss);
  const smallest = mtus.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY);
  if ((request.families.includes(6) || request.outerFamily === 6) && smallest < MIN_IPV6_MTU) {
    throw new RangeError(
      `a link MTU of ${smallest} is too small for IPv6: start at ${MIN_IPV6_MTU} (RFC 8200 section 5)`,
    );
  }
  return rowsOf(request, protectionsOf(request), mtus, mssList);
}

/**
 * The row that carries the transfer in the fewest wire bytes; of several, the one with the fewest packets, then the first.
 * Rows that fragment count only if there is no other.
 * @returns null if there are no rows
 */
export function best(rows: Iterable<PlanRow>): PlanRow | null {
  let winner: PlanRow | null = null;
  for (const row of rows) if (winner === null || isBetter(row, winner)) winner = row;
  return winner;
}

/** The stack of a row's protection: ESP inside, AH over it, carriers around them. */
export function stackOf(request: {
  readonly esp: EspSuite | null;
  readonly ah: AhSuite | null;
  readonly mode: PlanMode;
  readonly udpEncap?: boolean;
  readonly outerFamily?: 4 | 6;
  readonly align4?: boolean;
  readonly carriers?: readonly Carrier[];
}): ProtectionStack {
  const { esp, ah, mode, carriers = [] } = request;
  const outer =
    mode !== 'transport' && request.outerFamily !== undefined ? { outerFamily: request.outerFamily } : {};
  const steps: Transform[] = [];
  if (esp !== null) steps.push({ suite: esp, mode, udpEncap: request.udpEncap === true, ...outer });
  if (ah !== null) {
    const alone = esp === null;
    const ahMode = alone ? mode : 'transport';
    steps.push({ suite: ah, mode: ahMode, align4: request.align4 === true, ...(alone ? outer : {}) });
  }
  return [...steps, ...carriers];
}

function* rowsOf(
  request: PlanRequest,
  protections: readonly Protection[],
  mtus: readonly number[],
  mssList: readonly number[] | null,
): Generator<PlanRow> {
  const { payloadBytes, tcpOptionBytes = TCP_TIMESTAMP_BYTES } = request;
  for (const protection of protections) {
    const { stack, family, cost } = protection;
    for (const linkMtuBytes of mtus) {
      const pathMtuBytes = pathMtu(stack, family, linkMtuBytes);
      const autoMss = tcpMss(pathMtuBytes, family, tcpOptionBytes);
      const bestMssBytes = bestMss(cost, payloadBytes, autoMss);
      const mtuBytes = datagramMtu(stack, linkMtuBytes);
      for (const mssBytes of mssList ?? [autoMss]) {
        const data = costSegments(cost, mtuBytes, payloadBytes, mssBytes);
        yield {
          esp: protection.esp?.name ?? null,
          ah: protection.ah?.name ?? null,
          mode: protection.mode,
          udpEncap: protection.udpEncap,
          family,
          linkMtuBytes,
          pathMtuBytes,
          mssBytes,
          bestMssBytes,
          segments: data.segments,
          packets: data.packets,
          wireBytes: data.wireBytes,
          lineBytes: data.lineBytes,
          layers: data.layers,
          paddingBytes: data.paddingBytes,
          efficiency: data.wireBytes === 0 ? 0 : payloadBytes / data.wireBytes,
          fragmented: data.fragmented,
        };
      }
    }
  }
}

function protectionsOf(request: PlanRequest): Protection[] {
  const protections: Protection[] = [];
  for (const family of request.families) {
    for (const esp of request.esp) {
      for (const ah of request.ah) {
        if (esp === null && ah === null) {
          protections.push(protection(request, family, esp, ah, null, false));
          continue;
        }
        for (const mode of request.modes) {
          for (const udpEncap of request.udpEncap) {
            if (exists(esp, ah, mode, udpEncap)) {
              protections.push(protection(request, family, esp, ah, mode, udpEncap));
            }
          }
        }
      }
    }
  }
  return protections;
}

function exists(esp: EspSuite | null, ah: AhSuite | null, mode: PlanMode, udpEncap: boolean): boolean {
  if (esp === null) return mode !== 'beet' && !udpEncap;
  return ah === null || !udpEncap;
}

function protection(
  request: PlanRequest,
  family: 4 | 6,
  esp: EspSuite | null,
  ah: AhSuite | null,
  mode: PlanMode | null,
  udpEncap: boolean,
): Protection {
  const stack = stackOf({ ...request, esp, ah, mode: mode ?? 'transport', udpEncap });
  const cost = packetCost(
    stack,
    family,
    request.tcpOptionBytes ?? TCP_TIMESTAMP_BYTES,
    ETHERNET_HEADER_BYTES,
  );
  return { esp, ah, mode, udpEncap, family, stack, cost };
}

function isBetter(a: PlanRow, b: PlanRow): boolean {
  if (a.fragmented !== b.fragmented) return !a.fragmented;
  return a.wireBytes === b.wireBytes ? a.packets < b.packets : a.wireBytes < b.wireBytes;
}

function isList(numbers: PlanRequest['linkMtu']): numbers is readonly number[] {
  return Array.isArray(numbers);
}

function numbersOf(name: string, value: number | ByteRange): number[] {
  const { from, to, step = 1 } = typeof value === 'number' ? { from: value, to: value } : value;
  if (![from, to, step].every(Number.isInteger) || from < 1 || to < from || to > 65_535 || step < 1) {
    throw new RangeError(
      `${name} from ${from} to ${to} in steps of ${step}: give whole numbers from 1 to 65535, the smaller first`,
    );
  }
  return Array.from({ length: Math.floor((to - from) / step) + 1 }, (_, i) => from + i * step);
}
