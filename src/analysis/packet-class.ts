import { NO_PROTOCOL, NONE, type PacketBatch, PacketFlag } from '../packet/packet-batch.js';
import type { ProtectionClass } from './analysis-summary.js';
import { ipProtocol } from './ip-header.js';

/** Rows that were never on the wire in this form; no analysis counts them. */
export const NOT_WIRE = PacketFlag.decapsulatedCopy | PacketFlag.superFrame;

/** Index is what `protectionClass` returns. */
export const PROTECTION_CLASSES = [
  'clear',
  'ah',
  'esp',
  'ahEsp',
  'ike',
  'notIp',
] as const satisfies readonly ProtectionClass[];

/** Indices into PROTECTION_CLASSES. */
export const Protection = { clear: 0, ah: 1, esp: 2, ahEsp: 3, ike: 4, notIp: 5 } as const;

const AH_SHIFT = 6;
const KEY_EXCHANGE = PacketFlag.ike | PacketFlag.natKeepalive;

/** Class of a row that is not a fragment. NAT keep-alives count with IKE, whose port they hold open. */
export function protectionClass(flags: number, protocol: number): number {
  // The bits of AH and ESP stand side by side and make 1, 2 and 3.
  const ipsec = (flags >>> AH_SHIFT) & 3;
  if (ipsec !== 0) return ipsec;
  if ((flags & KEY_EXCHANGE) !== 0) return Protection.ike;
  return protocol === NO_PROTOCOL ? Protection.notIp : Protection.clear;
}

/** Class of a fragment until its datagram is whole, by the protocol its IP header names. */
export function provisionalClass(protocol: number): number {
  if (protocol === 50) return Protection.esp;
  return protocol === 51 ? Protection.ah : Protection.clear;
}

/** What `provisionalClass` may return. Where one has given more than it had, they make up for it in this order. */
export const PROVISIONAL_CLASSES = [Protection.clear, Protection.esp, Protection.ah] as const;

/** Provisional class of the fragments that the reassembled row was put together from, as far as its header tells. */
export function provisionalClassOfDatagram(batch: PacketBatch, row: number): number {
  const ip = batch.ipOffset[row]!;
  const end = batch.block.offset[row]! + batch.block.capturedLength[row]!;
  return ip === NONE || ip + 20 > end
    ? Protection.clear
    : provisionalClass(ipProtocol(batch.block.data, ip, end));
}

/** Class of a reassembled row: the provisional one if it is a beginning only. */
export function datagramClass(batch: PacketBatch, row: number): number {
  const flags = batch.flags[row]!;
  return (flags & PacketFlag.incomplete) === 0
    ? protectionClass(flags, batch.protocol[row]!)
    : provisionalClassOfDatagram(batch, row);
}

/** Is the row a fragment of the outermost datagram, whose content is unknown? */
export function isOuterFragment(flags: number): boolean {
  return (flags & (PacketFlag.fragment | PacketFlag.innerFragment)) === PacketFlag.fragment;
}
