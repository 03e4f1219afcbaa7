import { readFileSync } from 'node:fs';
import { readFileBlocks } from '../../../src/capture/read-file-blocks.js';
import { importSecurityAssociations } from '../../../src/ipsec/import/import-security-associations.js';
import { KeyedOpener } from '../../../src/ipsec/open/keyed-opener.js';
import { SaTable } from '../../../src/ipsec/sa-table.js';
import { Decoder } from '../../../src/packet/decode.js';
import { LAYER_STRIDE, Layer } from '../../../src/packet/layers.js';
import { NONE, PacketBatch, PacketFlag } from '../../../src/packet/packet-batch.js';
import { PLAN_LAYERS, type PlanLayer } from '../../../src/plan/layer-totals.js';
import { repoPath } from '../../repo-root.js';

/** A packet of a bundled capture, decoded and decrypted. */
export interface CapturedPacket {
  /** TCP or ICMP; others are left out, fragments and decapsulated copies too. */
  readonly protocol: number;
  readonly source: string;
  readonly isSyn: boolean;
  readonly transportBytes: number;
  readonly payloadBytes: number;
  readonly wireBytes: number;
  readonly layers: Readonly<Record<PlanLayer, number>>;
}

/** @param path without its ending, e.g. `captures/ipsec/t4-gcm16` */
export function decodeCapture(path: string): CapturedPacket[] {
  const keys = repoPath(`${path}.xfrm`);
  const table = new SaTable(importSecurityAssociations(readFileSync(keys, 'utf8'), keys).associations);
  const opener = new KeyedOpener(table);
  const packets: CapturedPacket[] = [];
  let decoder: Decoder | null = null;
  for (const block of readFileBlocks(repoPath(`${path}.pcap`))) {
    decoder ??= new Decoder(new PacketBatch(block), opener);
    decoder.decode();
    collect(decoder.batch, packets);
  }
  return packets;
}

const LEFT_OUT = PacketFlag.fragment | PacketFlag.malformed | PacketFlag.cutBySnaplen;

function collect(batch: PacketBatch, packets: CapturedPacket[]): void {
  for (let row = 0; row < batch.count; row++) {
    const flags = batch.flags[row]!;
    const protects = (flags & (PacketFlag.ah | PacketFlag.esp)) !== 0;
    if ((flags & LEFT_OUT) !== 0 || !protects || batch.transportOffset[row] === NONE) continue;
    const transport = batch.transportOffset[row]!;
    const payload = batch.payloadOffset[row]!;
    const layers = Object.fromEntries(
      PLAN_LAYERS.map((layer) => [layer, batch.layerBytes[row * LAYER_STRIDE + Layer[layer]]!]),
    ) as Record<PlanLayer, number>;
    packets.push({
      protocol: batch.protocol[row]!,
      source: sourceOf(batch, row),
      isSyn: (flags & PacketFlag.tcpSyn) !== 0,
      transportBytes: payload - transport,
      payloadBytes: batch.payloadLength[row]!,
      wireBytes: batch.block.wireLength[row]!,
      layers,
    });
  }
}

/** Innermost source address and, for TCP, both ports. */
function sourceOf(batch: PacketBatch, row: number): string {
  const { data } = batch.block;
  const ip = batch.innerIpOffset[row]!;
  const address = data[ip]! >> 4 === 4 ? data.subarray(ip + 12, ip + 16) : data.subarray(ip + 8, ip + 24);
  const transport = batch.transportOffset[row]!;
  const ports = batch.protocol[row] === 6 ? data.subarray(transport, transport + 4) : [];
  return `${[...address].join('.')} ${[...ports].join('.')}`;
}
