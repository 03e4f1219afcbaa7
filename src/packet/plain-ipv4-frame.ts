import { ESP_HEADER_BYTES, IPPROTO_ESP } from './esp.js';
import { EtherType } from './ethernet.js';
import { LAYER_STRIDE, Layer } from './layers.js';
import { type PacketBatch, PacketFlag } from './packet-batch.js';
import { IPPROTO_TCP } from './tcp.js';

/*
 * A short cut for the frames that a migration consists of: untagged Ethernet, whole IPv4 without options, and in it TCP or
 * ESP that nobody opens. It writes what the walk from header to header would write, with everything in registers: several
 * times as fast. Whatever looks the least unusual is left to the walk. A property test holds the two against each other.
 */
const ETHERNET_BYTES = 14;
const IPV4_BYTES = 20;
const TCP_MIN_BYTES = 20;
const HEADERS_BYTES = ETHERNET_BYTES + IPV4_BYTES;
const IPV4_WITHOUT_OPTIONS = 0x45;
const DONT_FRAGMENT = 0x4000;
const MORE_FRAGMENTS_OR_OFFSET = 0x3fff;
const NAT_TRAVERSAL_PORT = 4500;
const TCP_SYN = 0x02;

/**
 * Decodes the Ethernet frame in `row` if it is such a one.
 * @param view of the block's data
 * @param closesEsp nobody has keys, ESP stays as it is
 * @returns false if it is not; nothing has been written then
 */
export function decodePlainIpv4Frame(
  batch: PacketBatch,
  view: DataView,
  row: number,
  closesEsp: boolean,
): boolean {
  const { block } = batch;
  const { data } = block;
  const start = block.offset[row]!;
  const captured = block.capturedLength[row]!;
  const wire = block.wireLength[row]!;
  const ip = start + ETHERNET_BYTES;
  const transport = ip + IPV4_BYTES;
  if (captured < HEADERS_BYTES + TCP_MIN_BYTES) return false;
  if (data[ip] !== IPV4_WITHOUT_OPTIONS || view.getUint16(ip - 2) !== EtherType.ipv4) return false;
  const totalBytes = view.getUint16(ip + 2);
  const fragmentField = view.getUint16(ip + 6);
  if ((fragmentField & MORE_FRAGMENTS_OR_OFFSET) !== 0) return false;
  if (totalBytes < IPV4_BYTES + TCP_MIN_BYTES || totalBytes > wire - ETHERNET_BYTES) return false;

  const protocol = data[ip + 9]!;
  const base = row * LAYER_STRIDE;
  const { layerBytes } = batch;
  let flags = captured < wire ? PacketFlag.cutBySnaplen : 0;
  if ((fragmentField & DONT_FRAGMENT) !== 0) flags |= PacketFlag.dontFragment;
  if (protocol === IPPROTO_ESP) {
    if (!closesEsp) return false;
    layerBytes[base + Layer.espHeader] = ESP_HEADER_BYTES;
    layerBytes[base + Layer.espOpaque] = totalBytes - IPV4_BYTES - ESP_HEADER_BYTES;
    batch.flags[row] = flags | PacketFlag.esp;
    noteEspHeader(batch, view, row, ip, transport, ip + totalBytes);
  } else if (protocol === IPPROTO_TCP) {
    const headerBytes = (data[transport + 12]! >> 4) * 4;
    const payloadBytes = totalBytes - IPV4_BYTES - headerBytes;
    if (headerBytes < TCP_MIN_BYTES || payloadBytes < 0 || HEADERS_BYTES + headerBytes > captured)
      return false;
    const ports = view.getUint32(transport);
    if (ports >>> 16 === NAT_TRAVERSAL_PORT || (ports & 0xffff) === NAT_TRAVERSAL_PORT) return false;
    if ((data[transport + 13]! & TCP_SYN) !== 0) flags |= PacketFlag.tcpSyn;
    layerBytes[base + Layer.transport] = headerBytes;
    layerBytes[base + Layer.payload] = payloadBytes;
    batch.flags[row] = flags | PacketFlag.tcp;
    batch.transportOffset[row] = transport;
    batch.payloadOffset[row] = transport + headerBytes;
    batch.payloadLength[row] = payloadBytes;
  } else {
    return false;
  }
  layerBytes[base + Layer.link] = wire - totalBytes;
  layerBytes[base + Layer.ip] = IPV4_BYTES;
  batch.ipOffset[row] = ip;
  batch.innerIpOffset[row] = ip;
  batch.protocol[row] = protocol;
  batch.securityStart[row + 1] = batch.security.count;
  return true;
}

function noteEspHeader(
  batch: PacketBatch,
  view: DataView,
  row: number,
  ip: number,
  esp: number,
  end: number,
): void {
  const { security } = batch;
  const i = security.count++;
  security.row[i] = row;
  security.protocol[i] = IPPROTO_ESP;
  security.ipOffset[i] = ip;
  security.offset[i] = esp;
  security.end[i] = end;
  security.spi[i] = view.getUint32(esp);
  security.sequence[i] = view.getUint32(esp + 4);
}
