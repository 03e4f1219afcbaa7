import type { AnalysisSummary } from '../../src/analysis/analysis-summary.js';
import { CaptureAnalysis } from '../../src/analysis/capture-analysis.js';
import type { IpsecKnowledge } from '../../src/analysis/known-ipsec.js';
import { profileTap } from '../../src/analysis/tap-profile.js';
import { createParser } from '../../src/capture/create-parser.js';
import { readStreamBlocks } from '../../src/capture/read-stream-blocks.js';
import type { RecordParser } from '../../src/capture/record-parser.js';
import { SNIFF_BYTES, sniffFormat } from '../../src/capture/sniff-format.js';
import { parseAhSuite, parseEspSuite } from '../../src/ipsec/suite.js';
import type { FuzzSeed } from './fuzz-seeds.js';
import { mutate } from './mutate.js';
import { Random } from './random.js';

/** How often something came to pass, so that a run can show that it got there. */
export class FuzzReach {
  /** Inputs still recognisable as captures. */
  captures = 0;
  frames = 0;
  malformed = 0;
  brokenFiles = 0;
  ahPackets = 0;
  espPackets = 0;
  /** Opened with keys, ICV right. */
  verified = 0;
  reassembled = 0;
  incomplete = 0;
  /** Comments are read only by going through a block's options. */
  pcapngOptions = 0;

  /** @returns what has never been reached but must be */
  missing(): string[] {
    const needed = {
      'packets with AH': this.ahPackets,
      'packets with ESP': this.espPackets,
      'opened ESP': this.verified,
      'reassembled datagrams': this.reassembled,
      'pcapng options': this.pcapngOptions,
      'malformed packets': this.malformed,
      'broken files': this.brokenFiles,
    };
    return Object.entries(needed).flatMap(([name, count]) => (count === 0 ? [name] : []));
  }
}

/**
 * Mutates one seed and analyses the result; everything follows from `seed` and `iteration`.
 * @throws whatever the analysis throws, or Error if what it says contradicts itself
 */
export async function runFuzzIteration(
  seeds: readonly FuzzSeed[],
  seed: number,
  iteration: number,
  reach: FuzzReach,
): Promise<void> {
  const random = new Random(Math.imul(seed, 0x9e37_79b1) ^ Math.imul(iteration, 0x85eb_ca6b));
  const chosen = random.pick(seeds);
  const bytes = mutate(chosen.bytes, random.pick(seeds).bytes, random);
  const knowledge = chooseKnowledge(chosen, random);
  const format = bytes.length < SNIFF_BYTES ? null : sniffFormat(bytes.subarray(0, SNIFF_BYTES));
  if (format === null) return;
  reach.captures++;
  const parser = createParser(format);
  let analysis: CaptureAnalysis | null = null;
  let frames = 0;
  for await (const block of readStreamBlocks(inChunks(bytes, random), parser)) {
    analysis ??= new CaptureAnalysis(knowledge, profileTap(block), 0);
    frames += block.count;
    analysis.addBlock(block);
  }
  analysis ??= new CaptureAnalysis(knowledge, profileTap(null), 0);
  const summary = analysis.finish(knowledge, [describeInput(chosen.name, parser)]);
  checkSummary(summary, frames);
  count(reach, summary, parser);
}

/** The capture's own keys, none, or suites without keys: with those, changed plain text is decoded too. */
function chooseKnowledge(seed: FuzzSeed, random: Random): IpsecKnowledge {
  const hasKeys = random.chance(60);
  const assumes = !hasKeys && random.chance(60);
  return {
    associations: hasKeys ? seed.associations : [],
    assumedEsp: assumes ? parseEspSuite(random.pick(['null-sha256', 'aes128gcm16', 'aes256-sha256'])) : null,
    assumedAh: assumes ? parseAhSuite(random.pick(['sha256', 'sha1'])) : null,
  };
}

async function* inChunks(bytes: Uint8Array, random: Random): AsyncGenerator<Uint8Array> {
  const size = random.chance(70) ? bytes.length : 1 + random.below(3000);
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

function describeInput(path: string, parser: RecordParser): AnalysisSummary['inputs'][number] {
  return {
    path,
    format: parser.format,
    compressed: false,
    linkTypes: [],
    frames: parser.frameCount,
    reportedDrops: null,
    mtu: { bytes: 1500, certainty: 'inferred' },
    error: parser.error,
  };
}

/** What must hold whatever the input. */
function checkSummary(summary: AnalysisSummary, frames: number): void {
  if (summary.frames.total !== frames) {
    throw new Error(`${frames} frames were analysed, the summary counts ${summary.frames.total}`);
  }
  const owned = Object.values(summary.bytes).reduce((sum, layer) => sum + layer.bytes, 0);
  if (owned !== summary.wire.bytes) {
    throw new Error(`the layers own ${owned} bytes, the wire carried ${summary.wire.bytes}`);
  }
  checkNumbers(summary, 'summary');
}

function checkNumbers(value: unknown, path: string): void {
  if (typeof value === 'number' && (!Number.isFinite(value) || value < 0))
    throw new Error(`${path} is ${value}`);
  if (typeof value !== 'object' || value === null) return;
  for (const [key, inner] of Object.entries(value)) checkNumbers(inner, `${path}.${key}`);
}

function count(reach: FuzzReach, summary: AnalysisSummary, parser: RecordParser): void {
  reach.frames += summary.frames.total;
  reach.malformed += summary.frames.malformed;
  if (parser.error !== null) reach.brokenFiles++;
  for (const association of summary.securityAssociations) {
    if (association.protocol === 'ah') reach.ahPackets += association.packets;
    else reach.espPackets += association.packets;
    if (association.protocol === 'esp') reach.verified += association.integrity.verified;
  }
  reach.incomplete += summary.fragmentation.incomplete;
  reach.reassembled += summary.fragmentation.datagrams - summary.fragmentation.incomplete;
  reach.pcapngOptions += parser.commentCount;
}
