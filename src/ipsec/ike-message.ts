import { type IkeTransform, ikeTransform } from './ike-transforms.js';

/*
 * Header (28 bytes), then payloads, each with the type of the one that follows it:
 *
 *  0              1          2                4
 *  | next payload | reserved | payload length | ...        (RFC 2408 section 3.2, RFC 7296 section 3.2)
 *
 * Only what goes in the clear is read: IKE_SA_INIT, phase 1 up to its keys, notifications before there are keys.
 */
const HEADER_BYTES = 28;
const PAYLOAD_HEADER_BYTES = 4;
/** Most payloads, proposals of an SA payload, transforms of a proposal that are read. */
const MAX_PAYLOADS = 64;
const MAX_TRANSFORMS = 512;

const V1_FLAG_ENCRYPTION = 0x01;
const V2_FLAG_RESPONSE = 0x20;

export const IkeExchange = {
  /** Main mode (RFC 2409 section 5). */
  identityProtection: 2,
  aggressive: 4,
  informational: 5,
  ikeSaInit: 34,
} as const;

/** Payload types of version 1 and version 2. */
const Payload = { sa1: 1, notify1: 11, sa2: 33, notify2: 41, encrypted: 46, encryptedFragment: 53 } as const;

/** What an IKE message says in the clear. */
export interface IkeMessage {
  readonly version: 1 | 2;
  readonly exchange: number;
  /** Version 2: it answers a request. Version 1, which has no such flag: the responder has a cookie already. */
  readonly isResponse: boolean;
  /** What the rest is encrypted with is agreed already: only the header can be read. */
  readonly isEncrypted: boolean;
  /** Of all proposals of its SA payload, in their order; empty if it has none that can be read. */
  readonly transforms: readonly IkeTransform[];
  /** Types of its notifications. */
  readonly notifications: readonly number[];
}

/**
 * Reads an IKE message.
 * @param data holds it from `offset` on, perhaps cut before `end`; what is cut or malformed is left out
 * @returns null if there is no whole header of a version that is known
 */
export function readIkeMessage(data: Uint8Array, offset: number, end: number): IkeMessage | null {
  if (offset + HEADER_BYTES > Math.min(end, data.length)) return null;
  const view = new DataView(data.buffer, data.byteOffset + offset, Math.min(end, data.length) - offset);
  const version = view.getUint8(17) >> 4;
  if (version !== 1 && version !== 2) return null;
  const flags = view.getUint8(19);
  const isEncrypted = version === 1 && (flags & V1_FLAG_ENCRYPTION) !== 0;
  const body = isEncrypted ? { isEncrypted, transforms: [], notifications: [] } : readPayloads(view, version);
  return { version, exchange: view.getUint8(18), isResponse: isResponse(view, version, flags), ...body };
}

function isResponse(view: DataView, version: 1 | 2, flags: number): boolean {
  if (version === 2) return (flags & V2_FLAG_RESPONSE) !== 0;
  return view.getBigUint64(8) !== 0n;
}

function readPayloads(
  view: DataView,
  version: 1 | 2,
): Pick<IkeMessage, 'isEncrypted' | 'transforms' | 'notifications'> {
  const transforms: IkeTransform[] = [];
  const notifications: number[] = [];
  let type = view.getUint8(16);
  let at = HEADER_BYTES;
  for (let i = 0; i < MAX_PAYLOADS && type !== 0; i++) {
    if (version === 2 && (type === Payload.encrypted || type === Payload.encryptedFragment))
      return { isEncrypted: true, transforms, notifications };
    if (at + PAYLOAD_HEADER_BYTES > view.byteLength) break;
    const bytes = view.getUint16(at + 2);
    const end = at + bytes;
    if (bytes < PAYLOAD_HEADER_BYTES || end > view.byteLength) break;
    if (version === 2 && type === Payload.sa2) readProposals(view, 2, at + 4, end, transforms);
    // Behind the domain of interpretation and the situation (RFC 2408 section 3.4).
    if (version === 1 && type === Payload.sa1) readProposals(view, 1, at + 12, end, transforms);
    if (version === 2 && type === Payload.notify2 && bytes >= 8) notifications.push(view.getUint16(at + 6));
    if (version === 1 && type === Payload.notify1 && bytes >= 12) notifications.push(view.getUint16(at + 10));
    type = view.getUint8(at);
    at = end;
  }
  return { isEncrypted: false, transforms, notifications };
}

/*
 *  0       1          2        4          5             6          7
 *  | last? | reserved | length | number   | protocol id | SPI size | transforms | SPI, transforms
 */
function readProposals(
  view: DataView,
  version: 1 | 2,
  from: number,
  to: number,
  found: IkeTransform[],
): void {
  let at = from;
  while (at + 8 <= to) {
    const bytes = view.getUint16(at + 2);
    const end = at + bytes;
    if (bytes < 8 || end > to) return;
    readTransforms(view, version, at + 8 + view.getUint8(at + 6), end, found);
    if (view.getUint8(at) === 0) return;
    at = end;
  }
}

/*
 *  0       1          2        4                    5          6              8
 *  | last? | reserved | length | type (v1: number)  | reserved | id (v1: 1 B) | attributes
 */
function readTransforms(
  view: DataView,
  version: 1 | 2,
  from: number,
  to: number,
  found: IkeTransform[],
): void {
  let at = from;
  while (at + 8 <= to && found.length < MAX_TRANSFORMS) {
    const bytes = view.getUint16(at + 2);
    const end = at + bytes;
    if (bytes < 8 || end > to) return;
    if (version === 2) add(found, ikeTransform(2, view.getUint8(at + 4), view.getUint16(at + 6)));
    else readAttributes(view, at + 8, end, found);
    if (view.getUint8(at) === 0) return;
    at = end;
  }
}

/** Attributes of phase 1: short ones have the high bit of their type set (RFC 2408 section 3.3). */
function readAttributes(view: DataView, from: number, to: number, found: IkeTransform[]): void {
  let at = from;
  while (at + 4 <= to && found.length < MAX_TRANSFORMS) {
    const type = view.getUint16(at);
    const value = view.getUint16(at + 2);
    if ((type & 0x8000) !== 0) {
      add(found, ikeTransform(1, type & 0x7fff, value));
      at += 4;
    } else {
      at += 4 + value;
    }
  }
}

function add(found: IkeTransform[], transform: IkeTransform | null): void {
  if (transform !== null) found.push(transform);
}
