/**
 * Where a byte of a frame belongs. Each byte has exactly one owner, so the layers of a row always add up to the
 * frame's wire length.
 */
export const Layer = {
  /** Link header (Ethernet, VLAN tags, MPLS, PPPoE, cooked), Ethernet padding and trailer. */
  link: 0,
  /** Outermost IP header with options or extension headers. */
  ip: 1,
  /** UDP header in front of ESP (RFC 3948). */
  udpEncap: 2,
  /** Authentication headers, ICV and padding included (RFC 4302). */
  ah: 3,
  /** SPI and sequence number (RFC 4303 section 2.1, 2.2). */
  espHeader: 4,
  espIv: 5,
  /** Padding proper, without the pad length and next header bytes. */
  espPadding: 6,
  /** Pad length and next header: 2 bytes. */
  espTrailer: 7,
  espIcv: 8,
  /** Every IP header behind the first one. */
  innerIp: 9,
  /** TCP, UDP, ICMP header with options. */
  transport: 10,
  /** What the transport carries. */
  payload: 11,
  /** GRE, VXLAN, non-IP protocols, malformed or cut rests. */
  other: 12,
  /** ESP behind its 8-byte header which could not be split: no key, no known suite. */
  espOpaque: 13,
  /** Data of an IP fragment; its owner is known once the datagram is whole. */
  fragment: 14,
} as const;

export type LayerName = keyof typeof Layer;

/** Owners that are left when everything is known; their names everywhere outside of packets. The index is that of `Layer`. */
export const WIRE_LAYERS = [
  'link',
  'ip',
  'udpEncap',
  'ah',
  'espHeader',
  'espIv',
  'espPadding',
  'espTrailer',
  'espIcv',
  'innerIp',
  'transport',
  'payload',
  'other',
] as const satisfies readonly LayerName[];

export type WireLayer = (typeof WIRE_LAYERS)[number];

/** Elements that one row takes in `PacketBatch.layerBytes`: a power of two, the last is unused. */
export const LAYER_STRIDE = 16;
