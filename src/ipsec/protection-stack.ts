import {
  type DatagramSizes,
  datagramSizes,
  IPV4_HEADER_BYTES,
  IPV6_HEADER_BYTES,
  type PlainPacket,
  type Transform,
} from './encapsulation-size.js';

/** Ethernet header: two addresses and a type (IEEE 802.3 section 3.2), without preamble and check sequence. */
export const ETHERNET_HEADER_BYTES = 14;
/** Smallest Ethernet frame without its check sequence (IEEE 802.3 section 3.2.8): 64 - 4. Shorter ones are filled up. */
export const MIN_FRAME_BYTES = 60;
const UDP_HEADER_BYTES = 8;
/** RFC 7348 section 5. */
const VXLAN_HEADER_BYTES = 8;
/** RFC 2784 section 2. */
const GRE_HEADER_BYTES = 4;
/** PPPoE 6 (RFC 2516 section 4) and the PPP protocol field 2. */
const PPPOE_BYTES = 8;
/** One label stack entry (RFC 3032 section 2.1). */
const MPLS_LABEL_BYTES = 4;
/** IEEE 802.1Q section 9.6. */
const VLAN_TAG_BYTES = 4;

/** Something that carries packets beside or around IPsec. GRE and VXLAN start a new IP packet, the others stay below IP. */
export type Carrier =
  | { readonly kind: 'vlan' | 'qinq' | 'pppoe' }
  /** `labels` is 1 unless given. */
  | { readonly kind: 'mpls'; readonly labels?: number }
  /** RFC 2784 with the optional fields of RFC 2890. */
  | {
      readonly kind: 'gre';
      readonly outerFamily?: 4 | 6;
      readonly checksum?: boolean;
      readonly key?: boolean;
      readonly sequence?: boolean;
    }
  | { readonly kind: 'vxlan'; readonly outerFamily?: 4 | 6 };

export type StackStep = Transform | Carrier;

/** What happens to a packet on its way to the wire, innermost first, as `ip xfrm policy` lists templates. */
export type ProtectionStack = readonly StackStep[];

/** Bytes of one frame by owner. The names are those of the analysis; `total` is the sum of all others. */
export interface StackSizes extends DatagramSizes {
  /** Ethernet header, VLAN tags, MPLS labels, PPPoE; filling up to the smallest frame is not in it. */
  readonly link: number;
  /** GRE headers; VXLAN with its UDP header and inner Ethernet header. */
  readonly other: number;
  /** The IP datagram alone: `total` without `link`. */
  readonly datagram: number;
}

export function isCarrier(step: StackStep): step is Carrier {
  return 'kind' in step;
}

export function isLinkCarrier(step: StackStep): boolean {
  return isCarrier(step) && step.kind !== 'gre' && step.kind !== 'vxlan';
}

export function ipHeaderBytesOf(family: 4 | 6): number {
  return family === 4 ? IPV4_HEADER_BYTES : IPV6_HEADER_BYTES;
}

/** IP version of the packet's outermost header before each step, and behind the last one. */
export function familiesAlong(stack: ProtectionStack, family: 4 | 6): (4 | 6)[] {
  const families = [family];
  let current = family;
  for (const step of stack) {
    if (!isLinkCarrier(step) && !('suite' in step && step.mode === 'transport')) {
      current = (step as { outerFamily?: 4 | 6 }).outerFamily ?? current;
    }
    families.push(current);
  }
  return families;
}

/** Bytes a carrier puts between the packet and its own outer IP header (GRE, VXLAN) or the Ethernet header (others). */
export function carrierBytes(carrier: Carrier): number {
  switch (carrier.kind) {
    case 'vlan':
      return VLAN_TAG_BYTES;
    case 'qinq':
      return 2 * VLAN_TAG_BYTES;
    case 'pppoe':
      return PPPOE_BYTES;
    case 'mpls':
      return MPLS_LABEL_BYTES * (carrier.labels ?? 1);
    case 'gre':
      return (
        GRE_HEADER_BYTES +
        (carrier.checksum === true ? 4 : 0) +
        (carrier.key === true ? 4 : 0) +
        (carrier.sequence === true ? 4 : 0)
      );
    case 'vxlan':
      return UDP_HEADER_BYTES + VXLAN_HEADER_BYTES + ETHERNET_HEADER_BYTES;
  }
}

/**
 * Sizes of a packet's frame behind a whole stack, unfragmented.
 * @param linkHeaderBytes Ethernet's 14 unless told; 16 for cooked captures, 0 for none
 * @throws RangeError for impossible steps (see `datagramSizes`), and for IP steps outside a VLAN tag, PPPoE or MPLS
 */
export function stackSizes(
  packet: PlainPacket,
  stack: ProtectionStack,
  linkHeaderBytes = ETHERNET_HEADER_BYTES,
): StackSizes {
  requireOrder(stack);
  const families = familiesAlong(stack, packet.family);
  let sizes = datagramSizes(packet, []);
  let link = linkHeaderBytes;
  let other = 0;
  let inner: DatagramSizes | null = null;
  let plain = packet;
  let run: Transform[] = [];
  const close = (): DatagramSizes => (inner === null ? sizes : addSizes(inner, sizes));
  stack.forEach((step, i) => {
    if (!isCarrier(step)) {
      run.push(step);
      sizes = datagramSizes(plain, run);
    } else if (isLinkCarrier(step)) {
      link += carrierBytes(step);
    } else {
      inner = asInner(close());
      other += carrierBytes(step);
      plain = {
        family: families[i + 1]!,
        transportHeaderBytes: 0,
        payloadBytes: inner.total + carrierBytes(step),
      };
      run = [];
      sizes = datagramSizes(plain, run);
    }
  });
  const whole = close();
  return { ...whole, link, other, datagram: sizes.total, total: sizes.total + link };
}

/** A packet that has become the load of another: its IP header is an inner one now. */
function asInner(sizes: DatagramSizes): DatagramSizes {
  return { ...sizes, ip: 0, innerIp: sizes.innerIp + sizes.ip };
}

/** Sums by owner; the outer packet's payload is the inner one, and `total` is that of the outer. */
function addSizes(inner: DatagramSizes, outer: DatagramSizes): DatagramSizes {
  return {
    ip: outer.ip,
    udpEncap: inner.udpEncap + outer.udpEncap,
    ah: inner.ah + outer.ah,
    espHeader: inner.espHeader + outer.espHeader,
    espIv: inner.espIv + outer.espIv,
    espPadding: inner.espPadding + outer.espPadding,
    espTrailer: inner.espTrailer + outer.espTrailer,
    espIcv: inner.espIcv + outer.espIcv,
    innerIp: inner.innerIp + outer.innerIp,
    transport: inner.transport,
    payload: inner.payload,
    total: outer.total,
  };
}

function requireOrder(stack: ProtectionStack): void {
  const firstLink = stack.findIndex(isLinkCarrier);
  const stray = firstLink < 0 ? undefined : stack.slice(firstLink).find((step) => !isLinkCarrier(step));
  if (stray === undefined) return;
  const name = isCarrier(stray) ? stray.kind : stray.suite.name;
  throw new RangeError(
    `${name} lies outside ${(stack[firstLink] as Carrier).kind}: list VLAN tags, PPPoE and MPLS last`,
  );
}
