import { ICMP_HEADER_BYTES } from './icmp.js';

/*
 *  0                8                 24                                    (RFC 4861 section 4)
 *  | ICMPv6 header  | target address  | options: type, length / 8, value    solicitation 135, advertisement 136
 *  | ICMPv6 header  | target address  | destination address | options      redirect 137
 */
const SOLICITATION = 135;
const ADVERTISEMENT = 136;
const ADDRESS_BYTES = 16;
const SOURCE_LINK_ADDRESS = 1;
const TARGET_LINK_ADDRESS = 2;
/** An option with a MAC address has 8 bytes. */
const MAC_OPTION_UNITS = 1;

/** A neighbour solicitation or advertisement. */
export interface NeighbourMessage {
  isAdvertisement: boolean;
  /** Offset of the address asked for, or told about: 16 bytes. */
  target: number;
  /** Offset of the MAC address of the sender (solicitation) or of the target (advertisement); -1 if it is not told. */
  mac: number;
}

/**
 * Reads the ICMPv6 message at `icmp` whose last captured byte is before `end`. For rare rows: it allocates.
 * @returns null if it is neither a neighbour solicitation nor an advertisement, or not all there
 */
export function readNeighbour(data: Uint8Array, icmp: number, end: number): NeighbourMessage | null {
  const type = data[icmp]!;
  const target = icmp + ICMP_HEADER_BYTES;
  const options = target + ADDRESS_BYTES;
  if ((type !== SOLICITATION && type !== ADVERTISEMENT) || options > end) return null;
  const isAdvertisement = type === ADVERTISEMENT;
  const wanted = isAdvertisement ? TARGET_LINK_ADDRESS : SOURCE_LINK_ADDRESS;
  return { isAdvertisement, target, mac: findMacOption(data, options, end, wanted) };
}

function findMacOption(data: Uint8Array, options: number, end: number, wanted: number): number {
  let at = options;
  while (at + 8 <= end) {
    const units = data[at + 1]!;
    if (units === 0) return -1;
    if (data[at] === wanted && units === MAC_OPTION_UNITS) return at + 2;
    at += units * 8;
  }
  return -1;
}
