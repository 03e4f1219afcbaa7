import { TapArtefacts } from '../analysis/tap-artefacts.js';
import { profileTap } from '../analysis/tap-profile.js';
import type { EspSuite } from '../ipsec/suite-table.js';
import { Decoder } from '../packet/decode.js';
import { FrameBlock } from '../packet/frame-block.js';
import type { IpsecOpener } from '../packet/ipsec-opener.js';
import { LAYER_STRIDE, Layer } from '../packet/layers.js';
import { PacketBatch, PacketFlag } from '../packet/packet-batch.js';
import { Reassembler } from '../packet/reassembler.js';
import type { PacketFormat } from './packet-format.js';
import type { PacketRange } from './packet-range.js';

/** Text gathered before it is written. */
const CHUNK_LENGTH = 64 * 1024;
const ESP_TRAILER_BYTES = 2;

export interface PacketListerOptions {
  readonly range: PacketRange;
  /** Suite that closed ESP is taken to have; null leaves it closed. */
  readonly assumedEsp: EspSuite | null;
  readonly opener: IpsecOpener | null;
  readonly createFormat: (batch: PacketBatch) => PacketFormat;
  /** Called with whole lines; the next ones wait for it. */
  readonly write: (text: string) => Promise<void>;
}

/** Made for the first block: sources fill the same one again and again. */
interface Pipeline {
  readonly batch: PacketBatch;
  readonly decoder: Decoder;
  readonly format: PacketFormat;
  readonly artefacts: TapArtefacts;
  readonly reassembler: Reassembler;
  readonly datagramDecoder: Decoder;
}

/** Decodes blocks and writes a line for each packet of the range. */
export class PacketLister {
  /** No later packet is in the range. */
  isPastRange = false;
  readonly #options: PacketListerOptions;
  #pipeline: Pipeline | null = null;
  #hasBegun = false;

  constructor(options: PacketListerOptions) {
    this.#options = options;
  }

  /** @param block always the same object, filled anew; may be changed in place (decryption) */
  async list(block: FrameBlock): Promise<void> {
    const { range, assumedEsp, write } = this.#options;
    const pipeline = this.#pipelineFor(block);
    const { batch, format } = pipeline;
    // Blocks before the range are decoded too: sequence numbers and tap artefacts are followed from packet to packet.
    pipeline.decoder.decode();
    markArtefacts(pipeline);
    const firstRow = rowOf(block, range.first);
    const endRow = rowOf(block, range.last + 1);
    if (block.frameNumber[block.count - 1]! >= range.last) this.isPastRange = true;
    if (firstRow >= endRow) return;
    if (assumedEsp !== null) splitClosedEsp(batch, assumedEsp, firstRow, endRow);
    let text = this.#begin(format, firstRow, endRow);
    for (let row = firstRow; row < endRow; row++) {
      text += format.line(row);
      if (text.length < CHUNK_LENGTH) continue;
      await write(text);
      text = '';
    }
    if (text !== '') await write(text);
  }

  /** Call when there are no more blocks: a list without packets has its heading all the same. */
  async finish(): Promise<void> {
    const { format } = this.#pipelineFor(new FrameBlock(new Uint8Array(0), 1));
    const heading = this.#begin(format, 0, 0);
    if (heading !== '') await this.#options.write(heading);
  }

  #pipelineFor(block: FrameBlock): Pipeline {
    this.#pipeline ??= this.#createPipeline(block);
    return this.#pipeline;
  }

  #createPipeline(block: FrameBlock): Pipeline {
    const batch = new PacketBatch(block);
    const { opener, createFormat } = this.#options;
    const reassembler = new Reassembler();
    return {
      batch,
      decoder: new Decoder(batch, opener),
      format: createFormat(batch),
      artefacts: new TapArtefacts(profileTap(block)),
      reassembler,
      datagramDecoder: new Decoder(reassembler.batch, opener),
    };
  }

  #begin(format: PacketFormat, firstRow: number, endRow: number): string {
    if (this.#hasBegun) return '';
    this.#hasBegun = true;
    return format.begin(firstRow, endRow);
  }
}

/**
 * Flags decapsulated copies and super-frames. Fragments are put together for that alone: a copy may stem from a datagram
 * that came in fragments.
 */
function markArtefacts({ batch, artefacts, reassembler, datagramDecoder }: Pipeline): void {
  if (batch.fragmentRows === 0) {
    artefacts.mark(batch, 0, batch.count);
    return;
  }
  for (let row = 0; row < batch.count; row++) {
    artefacts.mark(batch, row, row + 1);
    const isFragment = (batch.flags[row]! & PacketFlag.fragment) !== 0;
    const isCopy = (batch.flags[row]! & PacketFlag.decapsulatedCopy) !== 0;
    if (!isFragment || isCopy || !reassembler.add(batch, row)) continue;
    datagramDecoder.decode();
    reassembler.finish();
    artefacts.noteDatagram(reassembler.batch, batch, row);
  }
}

/** Row of the first frame whose number is at least `frameNumber`; numbers ascend by one. */
function rowOf(block: FrameBlock, frameNumber: number): number {
  return Math.min(block.count, Math.max(0, frameNumber - block.frameNumber[0]!));
}

/** Takes IV, trailer and ICV out of the closed bytes, as the suite says; payload and padding cannot be told apart. */
function splitClosedEsp(batch: PacketBatch, suite: EspSuite, firstRow: number, endRow: number): void {
  const { layerBytes, flags } = batch;
  const fixedBytes = suite.ivBytes + ESP_TRAILER_BYTES + suite.icvBytes;
  for (let row = firstRow; row < endRow; row++) {
    const base = row * LAYER_STRIDE;
    const closedBytes = layerBytes[base + Layer.espOpaque]!;
    if ((flags[row]! & PacketFlag.esp) === 0 || closedBytes < fixedBytes) continue;
    layerBytes[base + Layer.espIv]! += suite.ivBytes;
    layerBytes[base + Layer.espTrailer]! += ESP_TRAILER_BYTES;
    layerBytes[base + Layer.espIcv]! += suite.icvBytes;
    layerBytes[base + Layer.espOpaque] = closedBytes - fixedBytes;
  }
}
