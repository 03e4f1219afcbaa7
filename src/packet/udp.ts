import { type Cursor, ErrorLayer, Next } from './cursor.js';
import { decodeEsp } from './esp.js';
import { decodeIke } from './ike.js';
import { Layer } from './layers.js';
import { PacketFlag } from './packet-batch.js';
import { decodeVxlan, VXLAN_PORT, VXLAN_PORT_LINUX } from './vxlan.js';

/*
 *  0             2                  4        6
 *  | source port | destination port | length | checksum |      (RFC 768)
 */
export const UDP_HEADER_BYTES = 8;
export const IKE_PORT = 500;
/** UDP encapsulation of ESP and IKE behind a NAT (RFC 3948). */
export const NAT_TRAVERSAL_PORT = 4500;
const NON_ESP_MARKER_BYTES = 4;

/** UDP, and what its port says it carries. */
export function decodeUdp(c: Cursor): number {
  if (!c.has(UDP_HEADER_BYTES, ErrorLayer.udp)) return Next.stop;
  const { view, offset } = c;
  const there = c.end - offset;
  // 0 stands for "to the end" in jumbograms (RFC 2675) and in frames that segmentation offload has still to cut.
  const length = view.getUint16(offset + 4) || there;
  if (length < UDP_HEADER_BYTES) return c.lengthError(ErrorLayer.udp, UDP_HEADER_BYTES, length);
  if (length > there) return c.lengthError(ErrorLayer.udp, length, there);
  c.shrink(offset + length, Layer.other);

  const source = view.getUint16(offset);
  const destination = view.getUint16(offset + 2);
  if (source === NAT_TRAVERSAL_PORT || destination === NAT_TRAVERSAL_PORT) return decodeNatTraversal(c);
  if (source === IKE_PORT || destination === IKE_PORT) {
    startUdpPayload(c);
    return decodeIke(c);
  }
  if (destination === VXLAN_PORT || destination === VXLAN_PORT_LINUX) return decodeVxlan(c);
  startUdpPayload(c);
  return c.takeRest(Layer.payload);
}

/** Notes the transport columns and charges the UDP header. */
function startUdpPayload(c: Cursor): void {
  const { batch, row } = c;
  c.flags |= PacketFlag.udp;
  batch.transportOffset[row] = c.offset;
  c.take(Layer.transport, UDP_HEADER_BYTES);
  batch.payloadOffset[row] = c.offset;
  batch.payloadLength[row] = c.end - c.offset;
}

/** Port 4500: one 0xFF byte is a keep-alive, four zero bytes announce IKE, everything else is ESP (RFC 3948 section 2). */
function decodeNatTraversal(c: Cursor): number {
  const payload = c.offset + UDP_HEADER_BYTES;
  const length = c.end - payload;
  if (length === 1 && payload < c.limit && c.data[payload] === 0xff) {
    c.flags |= PacketFlag.natKeepalive;
    startUdpPayload(c);
    return c.takeRest(Layer.payload);
  }
  if (length < NON_ESP_MARKER_BYTES || payload + NON_ESP_MARKER_BYTES > c.limit) {
    startUdpPayload(c);
    return c.takeRest(Layer.payload);
  }
  if (c.view.getUint32(payload) === 0) {
    startUdpPayload(c);
    c.take(Layer.other, NON_ESP_MARKER_BYTES);
    return decodeIke(c);
  }
  c.flags |= PacketFlag.udpEncap;
  c.take(Layer.udpEncap, UDP_HEADER_BYTES);
  return decodeEsp(c, true);
}
