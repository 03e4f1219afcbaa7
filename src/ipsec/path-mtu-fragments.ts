/**
 * What becomes of a packet that is too large: to the byte, as Linux does it.
 *
 * IPv4 is encrypted whole and fragmented after it, in transport and in tunnel mode (`xfrm4_output`, then
 * `ip_fragment` in net/ipv4/ip_output.c). IPv6 is fragmented after encryption in transport mode, and before it in tunnel mode
 * (`__xfrm6_output` in net/ipv6/xfrm6_output.c). Datagrams from IPv4 sockets were cut to the path MTU before encryption
 * was applied to all pieces together, and keep that cut (`__ip_append_data`): their fragments are smaller than the link allows.
 */
import type { PlainPacket, Transform } from './encapsulation-size.js';
import { pathMtu, xfrmHeaderBytes } from './path-mtu.js';
import {
  familiesAlong,
  ipHeaderBytesOf,
  isCarrier,
  type ProtectionStack,
  type StackSizes,
  stackSizes,
} from './protection-stack.js';

/** Fragment header (RFC 8200 section 4.5). */
export const IPV6_FRAGMENT_HEADER_BYTES = 8;

/**
 * Sizes of the IP packets that a datagram becomes, header included (RFC 791 section 3.2, RFC 8200 section 4.5; Linux: the
 * slow paths of `ip_do_fragment` and `ip6_fragment`). One element if it fits.
 * @param datagramBytes with its IP header
 * @throws RangeError if the MTU leaves no room for 8 bytes of data
 */
export function fragmentBytes(datagramBytes: number, family: 4 | 6, mtuBytes: number): number[] {
  if (datagramBytes <= mtuBytes) return [datagramBytes];
  const plainHeader = ipHeaderBytesOf(family);
  const header = plainHeader + (family === 6 ? IPV6_FRAGMENT_HEADER_BYTES : 0);
  const chunk = roundDownTo8(mtuBytes - header);
  if (chunk <= 0) throw new RangeError(`an MTU of ${mtuBytes} has no room for fragments: give a larger one`);
  const sizes: number[] = [];
  let left = datagramBytes - plainHeader;
  while (left > mtuBytes - header) {
    sizes.push(header + chunk);
    left -= chunk;
  }
  sizes.push(header + left);
  return sizes;
}

/** A packet on its way down, before protection. */
export interface OutgoingPacket {
  readonly family: 4 | 6;
  /** Header and payload of TCP, UDP or ICMP. */
  readonly transportBytes: number;
  /** IPv4: Don't Fragment. IPv6: the socket refuses fragmentation (IPV6_DONTFRAG, or TCP). */
  readonly dontFragment: boolean;
  /** `socket`: sent by this host's ping, UDP or raw socket. `forwarded`: a gateway received it from someone else. */
  readonly origin: 'socket' | 'forwarded';
}

/**
 * `sent`: `ipBytes` holds the size of each IP packet on the link; more than one if fragmented `after` or `before` encryption.
 * `refused`: nothing leaves; the sender is told `mtuBytes` (EMSGSIZE, ICMP fragmentation needed, ICMPv6 packet too big).
 */
export type PacketFate =
  | { readonly kind: 'sent'; readonly fragmented: 'no' | 'after' | 'before'; readonly ipBytes: number[] }
  | { readonly kind: 'refused'; readonly mtuBytes: number };

/**
 * What Linux puts on the link for a packet of any size.
 * @param stack with carriers outside the transforms only; sizes are those of the IP packets that the innermost carrier takes
 * @throws RangeError for a stack with a carrier inside a transform
 */
export function packetFate(packet: OutgoingPacket, stack: ProtectionStack, linkMtuBytes: number): PacketFate {
  const { family, transportBytes } = packet;
  const transforms = stack.filter((step) => !isCarrier(step)) as Transform[];
  requireCarriersOutside(stack, transforms.length);
  const families = familiesAlong(transforms, family);
  const deviceMtu = pathMtu(stack.slice(transforms.length), families.at(-1)!, linkMtuBytes);
  const mtu = pathMtu(transforms, family, deviceMtu);
  const plain: PlainPacket = { family, transportHeaderBytes: transportBytes, payloadBytes: 0 };
  const sizes = stackSizes(plain, transforms, 0);
  const plainBytes = ipHeaderBytesOf(family) + transportBytes;
  const cutBefore = family === 6 && transforms.some(({ mode }) => mode === 'tunnel');
  const fits = cutBefore || family === 4 ? plainBytes <= mtu : sizes.datagram <= deviceMtu;
  if (fits) return { kind: 'sent', fragmented: 'no', ipBytes: [sizes.datagram] };
  if (packet.dontFragment || (packet.origin === 'forwarded' && family === 6)) {
    return { kind: 'refused', mtuBytes: mtu };
  }
  if (cutBefore) {
    return { kind: 'sent', fragmented: 'before', ipBytes: fragmentsBefore(plainBytes, mtu, transforms) };
  }
  const fromSocket = packet.origin === 'socket' && families.every((each) => each === 4);
  const ipBytes = fromSocket
    ? socketFragments(packet, transforms, mtu, sizes)
    : fragmentBytes(sizes.datagram, families.at(-1)!, deviceMtu);
  return { kind: 'sent', fragmented: ipBytes.length > 1 ? 'after' : 'no', ipBytes };
}

/** Each fragment is a packet of its own for IPsec: its fragment header counts as an extension header. */
function fragmentsBefore(plainBytes: number, mtu: number, transforms: readonly Transform[]): number[] {
  const header = ipHeaderBytesOf(6) + IPV6_FRAGMENT_HEADER_BYTES;
  return fragmentBytes(plainBytes, 6, mtu).map(
    (bytes) =>
      stackSizes(
        {
          family: 6,
          ipOptionBytes: IPV6_FRAGMENT_HEADER_BYTES,
          transportHeaderBytes: bytes - header,
          payloadBytes: 0,
        },
        transforms,
        0,
      ).datagram,
  );
}

/**
 * `__ip_append_data` cuts a datagram into pieces of the path MTU, room for the headers to come taken off the first; `ip_do_fragment`
 * sends the pieces as they are (its fast path), the last one grown by ESP's trailer. That always fits the device: the room that the
 * path MTU keeps for headers is more than padding can take from the last piece, which has no headers.
 */
function socketFragments(
  packet: OutgoingPacket,
  transforms: readonly Transform[],
  mtu: number,
  sizes: StackSizes,
): number[] {
  const header = ipHeaderBytesOf(4);
  const chunk = roundDownTo8(mtu - header);
  const reserved = transforms.reduce((sum, transform) => sum + xfrmHeaderBytes(transform, 4, 4), 0);
  const trailer = sizes.espPadding + sizes.espTrailer + sizes.espIcv;
  const added = sizes.datagram - trailer - packet.transportBytes - header;
  const pieces = [chunk - reserved + added];
  let left = packet.transportBytes - chunk + reserved;
  while (left > mtu - header) {
    pieces.push(chunk);
    left -= chunk;
  }
  pieces.push(left + trailer);
  return pieces.map((bytes) => header + bytes);
}

/** What a router does with a packet for a link of a smaller MTU. */
export type HopFate =
  | { readonly kind: 'passes' }
  | { readonly kind: 'fragmented'; readonly ipBytes: number[] }
  /** Dropped; the sender learns `mtuBytes` and sends smaller packets from then on. */
  | { readonly kind: 'reported'; readonly mtuBytes: number }
  /** Dropped in silence: a path MTU black hole (RFC 2923 section 2.1). */
  | { readonly kind: 'black-hole' };

/**
 * What a router in the path does with one IP packet (RFC 791 section 3.2, RFC 1191 section 4, RFC 8200 section 4.5). Routers never
 * fragment IPv6.
 * @param reportsArrive false if ICMP is filtered, or comes back for an SPI that nobody recognises
 */
export function hopFate(
  packet: { readonly ipBytes: number; readonly family: 4 | 6; readonly dontFragment: boolean },
  hopMtuBytes: number,
  reportsArrive: boolean,
): HopFate {
  if (packet.ipBytes <= hopMtuBytes) return { kind: 'passes' };
  if (packet.family === 4 && !packet.dontFragment) {
    return { kind: 'fragmented', ipBytes: fragmentBytes(packet.ipBytes, 4, hopMtuBytes) };
  }
  return reportsArrive ? { kind: 'reported', mtuBytes: hopMtuBytes } : { kind: 'black-hole' };
}

function roundDownTo8(bytes: number): number {
  return Math.floor(bytes / 8) * 8;
}

function requireCarriersOutside(stack: ProtectionStack, transforms: number): void {
  const stray = stack.slice(0, transforms).find(isCarrier);
  if (stray === undefined) return;
  throw new RangeError(`${stray.kind} lies inside IPsec: fragments are known for carriers outside it only`);
}
