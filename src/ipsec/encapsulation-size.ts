import type { AhSuite, EspSuite } from './suite-table.js';

/** SPI and sequence number (RFC 4303 sections 2.1, 2.2). */
export const ESP_HEADER_BYTES = 8;
/** Pad length and next header (RFC 4303 sections 2.5, 2.6). */
export const ESP_TRAILER_BYTES = 2;
/** AH without its ICV (RFC 4302 section 2). */
export const AH_FIXED_BYTES = 12;
/** UDP header in front of ESP (RFC 3948 section 2.1). */
export const UDP_ENCAP_BYTES = 8;
export const IPV4_HEADER_BYTES = 20;
export const IPV6_HEADER_BYTES = 40;

/** What ESP makes of one payload, in bytes. `total` includes the payload. */
export interface EspSizes {
  readonly espHeader: number;
  readonly iv: number;
  readonly padding: number;
  readonly trailer: number;
  readonly icv: number;
  readonly total: number;
}

/**
 * Padding of ESP: as little as makes payload + padding + 2 a multiple of max(cipher block, 4) (RFC 4303 section 2.4). Linux
 * and every common stack pad no more than that unless told to (TFC padding).
 * @param payloadBytes what ESP encrypts: the transport packet, or the inner IP packet in tunnel mode
 */
export function espPaddingBytes(suite: EspSuite, payloadBytes: number): number {
  const rest = (payloadBytes + ESP_TRAILER_BYTES) % suite.alignBytes;
  return rest === 0 ? 0 : suite.alignBytes - rest;
}

/**
 * Sizes of an ESP packet around `payloadBytes` (RFC 4303 section 2). Salts and extended sequence numbers add nothing: they
 * are not on the wire.
 * @throws RangeError if `payloadBytes` is no whole number of bytes
 */
export function espSizes(suite: EspSuite, payloadBytes: number): EspSizes {
  requireBytes('payloadBytes', payloadBytes);
  const padding = espPaddingBytes(suite, payloadBytes);
  const { ivBytes: iv, icvBytes: icv } = suite;
  return {
    espHeader: ESP_HEADER_BYTES,
    iv,
    padding,
    trailer: ESP_TRAILER_BYTES,
    icv,
    total: ESP_HEADER_BYTES + iv + payloadBytes + padding + ESP_TRAILER_BYTES + icv,
  };
}

/**
 * Bytes of an AH with its padded ICV (RFC 4302 section 3.3.3.2.1): a multiple of 4 on IPv4 and of 8 on IPv6. Linux pads to 8
 * on IPv4 too, unless the state has `flag align4` (`ah_init_state` in net/ipv4/ah4.c).
 * @param align4 IPv4 alone: 4-byte alignment, as RFC 4302 has it
 */
export function ahBytes(suite: AhSuite, family: 4 | 6, align4 = false): number {
  const align = family === 4 && align4 ? 4 : 8;
  return Math.ceil((AH_FIXED_BYTES + suite.icvBytes) / align) * align;
}

/**
 * Pseudo header and moved options that BEET mode puts in front of the payload when the inner IPv4 header had options: 4 or
 * 8 bytes and the options, a multiple of 8 together (draft-nikander-esp-beet-mode-09 section 5.2.1; `xfrm4_beet_encap_add`
 * in net/xfrm/xfrm_output.c). 0 without options.
 */
export function beetPseudoHeaderBytes(ipv4OptionBytes: number): number {
  return ipv4OptionBytes === 0 ? 0 : 8 - (ipv4OptionBytes & 4) + ipv4OptionBytes;
}

/** One step of protection: what an `ip xfrm policy` template stands for. */
export interface Transform {
  readonly suite: EspSuite | AhSuite;
  readonly mode: 'transport' | 'tunnel' | 'beet';
  /** Tunnel and BEET: family of the new outer header. Default: that of the packet. */
  readonly outerFamily?: 4 | 6;
  /** ESP in UDP (RFC 3948). */
  readonly udpEncap?: boolean;
  /** AH on IPv4: pad to 4 bytes as in RFC 4302, not to 8 as Linux does. */
  readonly align4?: boolean;
}

/** A packet before protection. */
export interface PlainPacket {
  readonly family: 4 | 6;
  /** IPv4 options or IPv6 extension headers. Default 0. */
  readonly ipOptionBytes?: number;
  /** TCP, UDP or ICMP header with options: 32 for TCP with timestamps. */
  readonly transportHeaderBytes: number;
  /** What the transport carries. */
  readonly payloadBytes: number;
}

/**
 * The bytes of one IP datagram by owner, in bytes; the names are those of `Layer`. `total` is the sum of all others, without
 * the link header. Where several ESP or AH are nested, each field is their sum.
 */
export interface DatagramSizes {
  readonly ip: number;
  readonly udpEncap: number;
  readonly ah: number;
  readonly espHeader: number;
  readonly espIv: number;
  readonly espPadding: number;
  readonly espTrailer: number;
  readonly espIcv: number;
  /** IP headers behind the outermost one, and BEET pseudo headers. */
  readonly innerIp: number;
  readonly transport: number;
  readonly payload: number;
  readonly total: number;
}

type MutableSizes = { -readonly [Key in keyof DatagramSizes]: DatagramSizes[Key] };

interface Outermost {
  family: 4 | 6;
  optionBytes: number;
}

/**
 * Sizes of a packet after a stack of transforms.
 * @param transforms innermost first, as `ip xfrm policy` lists templates: ESP, then the AH over it
 * @throws RangeError for sizes that are no whole bytes, and for what does not exist: AH in UDP, AH in BEET mode, more than
 *   40 bytes of IPv4 options
 */
export function datagramSizes(packet: PlainPacket, transforms: readonly Transform[]): DatagramSizes {
  const { family, ipOptionBytes = 0, transportHeaderBytes, payloadBytes } = packet;
  requireBytes('ipOptionBytes', ipOptionBytes);
  requireBytes('transportHeaderBytes', transportHeaderBytes);
  requireBytes('payloadBytes', payloadBytes);
  requireHeaderBytes(family, ipOptionBytes);
  const sizes = emptySizes(transportHeaderBytes, payloadBytes);
  const outermost: Outermost = { family, optionBytes: ipOptionBytes };
  sizes.ip = ipHeaderBytes(outermost);
  sizes.total = sizes.ip + transportHeaderBytes + payloadBytes;
  for (const transform of transforms) applyTransform(sizes, outermost, transform);
  return sizes;
}

function emptySizes(transport: number, payload: number): MutableSizes {
  return {
    ip: 0,
    udpEncap: 0,
    ah: 0,
    espHeader: 0,
    espIv: 0,
    espPadding: 0,
    espTrailer: 0,
    espIcv: 0,
    innerIp: 0,
    transport,
    payload,
    total: 0,
  };
}

function applyTransform(sizes: MutableSizes, outermost: Outermost, transform: Transform): void {
  const { suite, mode } = transform;
  if (mode !== 'transport') replaceOuterHeader(sizes, outermost, transform);
  if (suite.protocol === 'esp') {
    addEsp(sizes, suite);
    if (transform.udpEncap === true) sizes.udpEncap += UDP_ENCAP_BYTES;
  } else {
    if (mode === 'beet') throw new RangeError('AH has no BEET mode: use transport or tunnel');
    if (transform.udpEncap === true) throw new RangeError('AH cannot ride in UDP (RFC 3948): use ESP');
    sizes.ah += ahBytes(suite, outermost.family, transform.align4);
  }
  sizes.total = sumOfParts(sizes);
}

/** Tunnel: the old header becomes payload. BEET: it goes, its options stay behind a pseudo header. */
function replaceOuterHeader(sizes: MutableSizes, outermost: Outermost, transform: Transform): void {
  if (transform.mode === 'tunnel') {
    sizes.innerIp += sizes.ip;
  } else if (outermost.family === 4) {
    sizes.innerIp += beetPseudoHeaderBytes(outermost.optionBytes);
  } else {
    sizes.innerIp += outermost.optionBytes;
  }
  outermost.family = transform.outerFamily ?? outermost.family;
  outermost.optionBytes = 0;
  sizes.ip = ipHeaderBytes(outermost);
}

/** Wraps everything behind the outermost IP header. */
function addEsp(sizes: MutableSizes, suite: EspSuite): void {
  const esp = espSizes(suite, sumOfParts(sizes) - sizes.ip);
  sizes.espHeader += esp.espHeader;
  sizes.espIv += esp.iv;
  sizes.espPadding += esp.padding;
  sizes.espTrailer += esp.trailer;
  sizes.espIcv += esp.icv;
}

function sumOfParts(sizes: DatagramSizes): number {
  const esp = sizes.espHeader + sizes.espIv + sizes.espPadding + sizes.espTrailer + sizes.espIcv;
  return sizes.ip + sizes.udpEncap + sizes.ah + esp + sizes.innerIp + sizes.transport + sizes.payload;
}

function ipHeaderBytes({ family, optionBytes }: Outermost): number {
  return (family === 4 ? IPV4_HEADER_BYTES : IPV6_HEADER_BYTES) + optionBytes;
}

function requireBytes(name: string, value: number): void {
  if (!Number.isSafeInteger(value) || value < 0) {
    throw new RangeError(`${name} is ${value}: give a whole number of bytes, 0 or more`);
  }
}

function requireHeaderBytes(family: 4 | 6, optionBytes: number): void {
  if (family === 4 && (optionBytes > 40 || optionBytes % 4 !== 0)) {
    throw new RangeError(
      `ipOptionBytes is ${optionBytes}: IPv4 takes multiples of 4 up to 40 (RFC 791 section 3.1)`,
    );
  }
  if (family === 6 && optionBytes % 8 !== 0) {
    throw new RangeError(
      `ipOptionBytes is ${optionBytes}: IPv6 extension headers are multiples of 8 (RFC 8200 section 4)`,
    );
  }
}
