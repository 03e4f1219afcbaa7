import { LAYER_STRIDE, Layer } from '../packet/layers.js';
import { NO_PROTOCOL, NONE, type PacketBatch, PacketFlag } from '../packet/packet-batch.js';
import type { ReassemblyCounts } from '../packet/reassembler.js';
import type { FragmentationSummary } from './analysis-summary.js';
import { isOuterFragment, NOT_WIRE } from './packet-class.js';

/** Plain data. */
export interface FragmentationState {
  /** Fragments of outer datagrams. */
  fragments: number;
  /** Fragments inside tunnels; nobody puts them together. */
  innerFragments: number;
  /** Link and IP header bytes of fragments but the first ones. */
  overheadBytes: number;
  packetTooBig: number;
  /** MTUs named, ascending; the lowest ones if there are too many. */
  mtus: number[];
  dontFragmentSet: number;
  dontFragmentClear: number;
}

const MAX_MTUS = 64;
const UNUSUAL =
  NOT_WIRE |
  PacketFlag.fragment |
  PacketFlag.innerFragment |
  PacketFlag.reassembled |
  PacketFlag.packetTooBig;
const IPPROTO_ICMPV6 = 58;

/** Analysis: fragments, what they cost, and what path MTU discovery says. */
export class Fragmentation {
  readonly state: FragmentationState = {
    fragments: 0,
    innerFragments: 0,
    overheadBytes: 0,
    packetTooBig: 0,
    mtus: [],
    dontFragmentSet: 0,
    dontFragmentClear: 0,
  };

  /** Counts rows `from` to `to` of the batch; all of them unless told otherwise. */
  add(batch: PacketBatch, from = 0, to = batch.count): void {
    const { flags, protocol } = batch;
    let set = 0;
    let clear = 0;
    for (let row = from; row < to; row++) {
      const rowFlags = flags[row]!;
      if ((rowFlags & UNUSUAL) !== 0 && !this.addUnusual(batch, row, rowFlags)) continue;
      if ((rowFlags & PacketFlag.outerIpv6) !== 0 || protocol[row] === NO_PROTOCOL) continue;
      if ((rowFlags & PacketFlag.dontFragment) !== 0) set += 1;
      else clear += 1;
    }
    this.state.dontFragmentSet += set;
    this.state.dontFragmentClear += clear;
  }

  /** @returns whether the row is a packet of the wire */
  private addUnusual(batch: PacketBatch, row: number, rowFlags: number): boolean {
    if ((rowFlags & NOT_WIRE) !== 0) return false;
    if ((rowFlags & PacketFlag.packetTooBig) !== 0) this.addPacketTooBig(batch, row);
    if ((rowFlags & PacketFlag.reassembled) !== 0) return false;
    if (isOuterFragment(rowFlags)) this.addFragment(batch, row, rowFlags);
    else if ((rowFlags & PacketFlag.innerFragment) !== 0) this.state.innerFragments += 1;
    return true;
  }

  private addFragment(batch: PacketBatch, row: number, rowFlags: number): void {
    const { state } = this;
    state.fragments += 1;
    if ((rowFlags & PacketFlag.firstFragment) !== 0) return;
    const at = row * LAYER_STRIDE;
    state.overheadBytes += batch.layerBytes[at + Layer.link]! + batch.layerBytes[at + Layer.ip]!;
  }

  /** ICMP fragmentation needed has the MTU in bytes 6-7 (RFC 1191 section 4), ICMPv6 in 4-7 (RFC 4443 section 3.2). */
  private addPacketTooBig(batch: PacketBatch, row: number): void {
    const { data } = batch.block;
    this.state.packetTooBig += 1;
    const icmp = batch.transportOffset[row]!;
    if (icmp === NONE) return;
    const low = (data[icmp + 6]! << 8) | data[icmp + 7]!;
    const isIcmpv6 = batch.protocol[row] === IPPROTO_ICMPV6;
    const high = isIcmpv6 ? (data[icmp + 4]! << 8) | data[icmp + 5]! : 0;
    addMtu(this.state.mtus, high * 65_536 + low);
  }

  merge(later: FragmentationState): void {
    const { state } = this;
    state.fragments += later.fragments;
    state.innerFragments += later.innerFragments;
    state.overheadBytes += later.overheadBytes;
    state.packetTooBig += later.packetTooBig;
    state.dontFragmentSet += later.dontFragmentSet;
    state.dontFragmentClear += later.dontFragmentClear;
    for (const mtu of later.mtus) addMtu(state.mtus, mtu);
  }

  summary(counts: ReassemblyCounts): FragmentationSummary {
    const { state } = this;
    return {
      fragments: state.fragments,
      innerFragments: state.innerFragments,
      datagrams: counts.completed + counts.incomplete,
      incomplete: counts.incomplete,
      overlaps: counts.overlaps,
      overheadBytes: state.overheadBytes,
      packetTooBig: state.packetTooBig,
      packetTooBigMtus: [...state.mtus],
      dontFragment: { set: state.dontFragmentSet, clear: state.dontFragmentClear },
    };
  }
}

function addMtu(mtus: number[], mtu: number): void {
  const at = mtus.findIndex((other) => other >= mtu);
  if (at < 0) mtus.push(mtu);
  else if (mtus[at] !== mtu) mtus.splice(at, 0, mtu);
  if (mtus.length > MAX_MTUS) mtus.pop();
}
