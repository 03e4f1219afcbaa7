import { type Cursor, ErrorLayer, Next } from './cursor.js';
import { Layer } from './layers.js';
import { PacketFlag } from './packet-batch.js';

/*
 *  0         1     2              4      6                 8     9       10         12     16
 *  | ver|ihl | tos | total length | id   | flags | offset  | ttl | proto | checksum | src  | dst | options   (RFC 791)
 */
const MIN_HEADER_BYTES = 20;
const DONT_FRAGMENT = 0x4000;
const MORE_FRAGMENTS_OR_OFFSET = 0x3fff;
const OFFSET_MASK = 0x1fff;

/** IPv4 with options. A fragment ends the row: its data has no owner before reassembly. */
export function decodeIpv4(c: Cursor): number {
  if (!c.has(MIN_HEADER_BYTES, ErrorLayer.ipv4)) return Next.stop;
  const { data, view, offset } = c;
  const versionAndLength = data[offset]!;
  if (versionAndLength >> 4 !== 4) return c.valueError(ErrorLayer.ipv4, versionAndLength >> 4);
  const headerBytes = (versionAndLength & 15) * 4;
  const there = c.end - offset;
  if (headerBytes < MIN_HEADER_BYTES) return c.lengthError(ErrorLayer.ipv4, MIN_HEADER_BYTES, headerBytes);
  if (headerBytes > there) return c.lengthError(ErrorLayer.ipv4, headerBytes, there);
  // Segmentation offload leaves 0 in frames beyond 65 535 bytes (Linux ip_local_out): the frame's end is the packet's.
  const totalBytes = view.getUint16(offset + 2) || there;
  if (totalBytes < headerBytes) return c.lengthError(ErrorLayer.ipv4, headerBytes, totalBytes);
  if (totalBytes > there) return c.lengthError(ErrorLayer.ipv4, totalBytes, there);

  const outermost = c.ipHeaders === 0;
  c.enterIp(false);
  c.shrink(offset + totalBytes, outermost ? c.linkLayer : Layer.other);
  const fragmentField = view.getUint16(offset + 6);
  const protocol = data[offset + 9]!;
  c.batch.protocol[c.row] = protocol;
  c.take(c.ipLayer, headerBytes);
  if (outermost && (fragmentField & DONT_FRAGMENT) !== 0) c.flags |= PacketFlag.dontFragment;
  if ((fragmentField & MORE_FRAGMENTS_OR_OFFSET) === 0) return protocol;
  return stopAtFragment(c, offset, (fragmentField & OFFSET_MASK) === 0);
}

/** Ends the row of a fragment; `header` is what names its place in the datagram. */
export function stopAtFragment(c: Cursor, header: number, first: boolean): number {
  c.flags |= first ? PacketFlag.fragment | PacketFlag.firstFragment : PacketFlag.fragment;
  c.batch.fragmentOffset[c.row] = header;
  // Behind AH or ESP it is what they protect that was fragmented: the outer datagram is whole.
  if (c.ipHeaders > 1 || c.hasSecurity) {
    c.flags = (c.flags & ~PacketFlag.fragment) | PacketFlag.innerFragment;
    return c.takeRest(Layer.payload);
  }
  c.batch.fragmentRows += 1;
  return c.takeRest(Layer.fragment);
}
