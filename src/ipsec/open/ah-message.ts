import { type MacMessage, MESSAGE_START } from './mac-message.js';

const AH_FIXED_BYTES = 12;
const AH = 51;

/**
 * Puts together what an AH's ICV covers: the IP header as the receiver can predict it, then everything from the AH to the end
 * with the ICV field zero (RFC 4302 section 3.3.3). Padding behind the ICV counts as sent (section 3.3.3.2.1), so it makes
 * no difference whether IPv4 AH is padded to 4 bytes or, as Linux does, to 8.
 *
 * What lies between the IP header and the AH (another AH, ESP already opened, UDP) was put there later; the message leaves it
 * out and has the IP header's length and next protocol as they were before it.
 *
 * Mobile IPv6's home address option is not swapped with the source address (RFC 6275 section 11.3.2).
 *
 * @param end end of the IP payload; the caller has checked that `ahOffset + 12 <= end <= data.length`
 * @param icvBytes ICV of the SA, without padding
 * @returns false if the AH is too short for the ICV or the IP headers are broken
 */
export function buildAhMessage(
  message: MacMessage,
  data: Uint8Array,
  ipOffset: number,
  ahOffset: number,
  end: number,
  icvBytes: number,
): boolean {
  const ahBytes = (data[ahOffset + 1]! + 2) * 4;
  if (ahBytes < AH_FIXED_BYTES + icvBytes || ahOffset + ahBytes > end) return false;
  message.start(end - ipOffset);
  const isHeaderSound =
    data[ipOffset]! >> 4 === 4
      ? appendIpv4Header(message, data, ipOffset, ahOffset, end)
      : appendIpv6Headers(message, data, ipOffset, ahOffset, end);
  if (!isHeaderSound) return false;
  const ah = MESSAGE_START + message.length;
  message.append(data, ahOffset, end);
  message.bytes.fill(0, ah + AH_FIXED_BYTES, ah + AH_FIXED_BYTES + icvBytes);
  return true;
}

/** RFC 4302 section 3.3.3.1.1: TOS, flags, fragment offset, TTL and checksum are mutable. */
function appendIpv4Header(
  message: MacMessage,
  data: Uint8Array,
  ipOffset: number,
  ahOffset: number,
  end: number,
): boolean {
  const headerBytes = (data[ipOffset]! & 0x0f) * 4;
  if (headerBytes < 20 || ipOffset + headerBytes > ahOffset) return false;
  const totalBytes = headerBytes + end - ahOffset;
  message.append(data, ipOffset, ipOffset + headerBytes);
  const header = message.bytes.subarray(MESSAGE_START, MESSAGE_START + headerBytes);
  header[1] = 0;
  header[2] = totalBytes >> 8;
  header[3] = totalBytes;
  header[6] = 0;
  header[7] = 0;
  header[8] = 0;
  header[9] = AH;
  header[10] = 0;
  header[11] = 0;
  return headerBytes === 20 || clearIpv4Options(header);
}

/** Options that do not change on the way (RFC 4302 appendix A1): security 130, 133, 134, router alert 148, multi-destination 149. */
const IMMUTABLE_OPTIONS: ReadonlySet<number> = new Set([130, 133, 134, 148, 149]);
const LOOSE_SOURCE_ROUTE = 131;
const STRICT_SOURCE_ROUTE = 137;

/** Zeroes mutable options whole, type and length included (RFC 4302 section 3.3.3.1.1.2). */
function clearIpv4Options(header: Uint8Array): boolean {
  let offset = 20;
  while (offset < header.length) {
    const type = header[offset]!;
    if (type === 0) return true;
    if (type === 1) {
      offset++;
      continue;
    }
    const optionBytes = header[offset + 1] ?? 0;
    if (optionBytes < 2 || offset + optionBytes > header.length) return false;
    if (type === LOOSE_SOURCE_ROUTE || type === STRICT_SOURCE_ROUTE) {
      setFinalDestination(header, offset, optionBytes);
    }
    if (!IMMUTABLE_OPTIONS.has(type)) header.fill(0, offset, offset + optionBytes);
    offset += optionBytes;
  }
  return true;
}

/** Before the end of a source route, the destination is a router; the ICV is over the last address (RFC 4302 appendix A1). */
function setFinalDestination(header: Uint8Array, offset: number, optionBytes: number): void {
  const pointer = header[offset + 2] ?? 0;
  if (optionBytes < 7 || pointer > optionBytes) return;
  header.copyWithin(16, offset + optionBytes - 4, offset + optionBytes);
}

const HOP_BY_HOP = 0;
const ROUTING = 43;
const DESTINATION_OPTIONS = 60;

/** RFC 4302 section 3.3.3.1.2: class, flow label and hop limit are mutable; extension headers up to the AH follow. */
function appendIpv6Headers(
  message: MacMessage,
  data: Uint8Array,
  ipOffset: number,
  ahOffset: number,
  end: number,
): boolean {
  let offset = ipOffset + 40;
  let next = data[ipOffset + 6]!;
  let nextField = 6;
  while (next === HOP_BY_HOP || next === ROUTING || next === DESTINATION_OPTIONS) {
    if (offset + 8 > ahOffset) return false;
    next = data[offset]!;
    nextField = offset - ipOffset;
    offset += (data[offset + 1]! + 1) * 8;
  }
  if (offset > ahOffset) return false;
  message.append(data, ipOffset, offset);
  const headers = message.bytes.subarray(MESSAGE_START, MESSAGE_START + message.length);
  const payloadBytes = headers.length - 40 + end - ahOffset;
  headers[0] = 0x60;
  headers.fill(0, 1, 4);
  headers[4] = payloadBytes >> 8;
  headers[5] = payloadBytes;
  headers[7] = 0;
  const isSound = clearExtensionHeaders(headers);
  headers[nextField] = AH;
  return isSound;
}

function clearExtensionHeaders(headers: Uint8Array): boolean {
  let offset = 40;
  let type = headers[6]!;
  while (offset < headers.length) {
    const headerEnd = offset + (headers[offset + 1]! + 1) * 8;
    const isSound =
      type === ROUTING
        ? completeRoute(headers, offset, headerEnd)
        : clearIpv6Options(headers, offset + 2, headerEnd);
    if (!isSound) return false;
    type = headers[offset]!;
    offset = headerEnd;
  }
  return true;
}

/** Bit of an option's type: its data may change on the way (RFC 8200 section 4.2). */
const MAY_CHANGE = 0x20;

/** Zeroes the data, not type and length, of options that may change (RFC 4302 section 3.3.3.1.2.2). */
function clearIpv6Options(headers: Uint8Array, from: number, to: number): boolean {
  let offset = from;
  while (offset < to) {
    const type = headers[offset]!;
    if (type === 0) {
      offset++;
      continue;
    }
    const dataEnd = offset + 2 + (headers[offset + 1] ?? 0xff);
    if (dataEnd > to) return false;
    if (type & MAY_CHANGE) headers.fill(0, offset + 2, dataEnd);
    offset = dataEnd;
  }
  return true;
}

/**
 * Brings a routing header of type 0, or 2 of Mobile IPv6, and the destination to the state in which the receiver gets them:
 * no segments left, addresses moved up by one each (RFC 4302 appendix A2, RFC 2460 section 4.4). Other types stay as they are.
 */
function completeRoute(headers: Uint8Array, offset: number, headerEnd: number): boolean {
  const type = headers[offset + 2]!;
  const segmentsLeft = headers[offset + 3]!;
  if ((type !== 0 && type !== 2) || segmentsLeft === 0) return true;
  const firstLeft = headerEnd - segmentsLeft * 16;
  if (firstLeft < offset + 8) return false;
  headers[offset + 3] = 0;
  const finalDestination = headers.slice(headerEnd - 16, headerEnd);
  headers.copyWithin(firstLeft + 16, firstLeft, headerEnd - 16);
  headers.copyWithin(firstLeft, 24, 40);
  headers.set(finalDestination, 24);
  return true;
}
