import { LAYER_STRIDE, Layer } from '../packet/layers.js';
import { NONE, type PacketBatch, PacketFlag } from '../packet/packet-batch.js';
import { parseTcpOptions, type TcpOptions } from '../packet/tcp.js';

/** Ethernet without jumbo frames; nothing below it is taken for an MTU, since a small MSS may just be clamped. */
const ETHERNET_MTU = 1500;
/** Largest jumbo frame in use; what is larger was put together by an offload, or is the loopback. */
const LARGEST_JUMBO = 9216;
const IPV4_AND_TCP_BYTES = 40;
const IPV6_AND_TCP_BYTES = 60;

export interface LinkMtu {
  /** Greatest IP packet. */
  bytes: number;
  /** `measured`: a SYN announced an MSS that fits it. `inferred`: from the lengths seen. */
  certainty: 'measured' | 'inferred';
}

/**
 * Finds the MTU of the captured link from a capture's beginning, so that frames beyond it can be told as super-frames.
 * Evidence, strongest first: the MSS option of SYNs; fragments, which offloads leave alone, and so they do IPsec packets unless the
 * device itself does IPsec, which shows in packets that no link carries; and in TCP without a SYN, whether the longest packets
 * share one length (a jumbo MTU) or not (receive offload).
 */
export class LinkMtuEstimator {
  private announced = 0;
  private longestFragment = 0;
  private longestIpsec = 0;
  private readonly tcpLengths = new Map<number, number>();
  private readonly options: TcpOptions = { mss: 0, windowScale: -1, sackPermitted: false, timestamps: false };

  /** Takes the rows of a batch decoded without keys. */
  add(batch: PacketBatch): void {
    for (let row = 0; row < batch.count; row++) {
      if (batch.ipOffset[row] === NONE) continue;
      const flags = batch.flags[row]!;
      const bytes = batch.block.wireLength[row]! - batch.layerBytes[row * LAYER_STRIDE + Layer.link]!;
      if ((flags & PacketFlag.fragment) !== 0) {
        if (bytes <= LARGEST_JUMBO) this.longestFragment = Math.max(this.longestFragment, bytes);
      } else if ((flags & (PacketFlag.esp | PacketFlag.ah)) !== 0) {
        this.longestIpsec = Math.max(this.longestIpsec, bytes);
      } else if ((flags & PacketFlag.tcp) !== 0 && (flags & PacketFlag.tunnel) === 0) {
        this.addTcp(batch, row, flags, bytes);
      }
    }
  }

  estimate(): LinkMtu {
    const ipsec = this.longestIpsec <= LARGEST_JUMBO ? this.longestIpsec : 0;
    const known = Math.max(ETHERNET_MTU, this.announced, this.longestFragment, ipsec);
    if (this.announced > 0) {
      return { bytes: known, certainty: this.announced === known ? 'measured' : 'inferred' };
    }
    let longest = 0;
    let commonest = 0;
    let most = 0;
    for (const [bytes, packets] of this.tcpLengths) {
      if (bytes <= known) continue;
      longest = Math.max(longest, bytes);
      if (packets > most || (packets === most && bytes > commonest)) {
        most = packets;
        commonest = bytes;
      }
    }
    const jumbo = longest > known && longest <= LARGEST_JUMBO && commonest === longest;
    return { bytes: jumbo ? longest : known, certainty: 'inferred' };
  }

  private addTcp(batch: PacketBatch, row: number, flags: number, bytes: number): void {
    this.tcpLengths.set(bytes, (this.tcpLengths.get(bytes) ?? 0) + 1);
    const transport = batch.transportOffset[row]!;
    if ((flags & PacketFlag.tcpSyn) === 0 || transport === NONE) return;
    parseTcpOptions(batch.block.data, transport, this.options);
    if (this.options.mss === 0) return;
    const headers = (flags & PacketFlag.ipv6) !== 0 ? IPV6_AND_TCP_BYTES : IPV4_AND_TCP_BYTES;
    this.announced = Math.max(this.announced, this.options.mss + headers);
  }
}
