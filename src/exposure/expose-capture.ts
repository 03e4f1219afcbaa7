import type { InputSummary } from '../analysis/analysis-summary.js';
import { CaptureAnalysis } from '../analysis/capture-analysis.js';
import type { IpsecKnowledge } from '../analysis/known-ipsec.js';
import { profileTap } from '../analysis/tap-profile.js';
import { openCapture } from '../capture/capture-source.js';
import type { SecurityAssociation } from '../ipsec/security-association.js';
import { ESP_SUITES, type EspSuite } from '../ipsec/suite-table.js';
import { MigrationObserver } from '../migration/migration-observer.js';
import type { CaptureExposure, MemoryExposure, Observation, SecretExposure } from './exposure.js';
import { GuestMemory } from './guest-memory.js';
import { maskText } from './mask-text.js';
import { PageStore } from './page-store.js';
import type { PlantedSecret } from './planted-secrets.js';
import { type ScannedMemory, scanMemory } from './scan-memory.js';
import { WireWatch } from './wire-watch.js';

export interface ExposeRequest {
  readonly path: string;
  /** As it is to be called; default: the path. */
  readonly name?: string;
  /** What the eavesdropper does not have. */
  readonly associations: readonly SecurityAssociation[];
  readonly secrets: readonly PlantedSecret[];
  /** Show secrets and content as they are. */
  readonly showSecrets: boolean;
  readonly onProgress?: (progress: { bytesDone: number; bytesTotal: number | null; frames: number }) => void;
  /** Is given the fullest memory that the eavesdropper rebuilt, or else the key holder, while it is there. */
  readonly takeMemory?: (memory: RebuiltMemory) => void;
  /** Folder of temporary files. */
  readonly folder?: string;
}

/** The guest's main memory. */
export interface RebuiltMemory {
  readonly memory: GuestMemory;
  readonly block: string;
  readonly bytes: number;
  readonly knownBytes: number;
}

export interface ExposedCapture {
  readonly exposure: CaptureExposure;
  /** How far the capture could be read. */
  readonly input: InputSummary;
}

/** Pages of other sizes (of targets that hardly anybody migrates) are not rebuilt. */
const PAGE_BYTES = 4096;

/**
 * Shows what a capture gives away: to an eavesdropper, and then, if there are keys, to who has them. Reads the capture once for each. A
 * file that breaks off counts as far as it can be read.
 * @throws CaptureOpenError for a file that cannot be read at all, PageStoreError if the memory finds no room
 */
export async function exposeCapture(request: ExposeRequest): Promise<ExposedCapture> {
  let isTaken = false;
  const take = (memory: RebuiltMemory): void => {
    if (!isTaken) request.takeMemory?.(memory);
    isTaken = true;
  };
  const { eavesdropper, input } = await eavesdrop(request, take);
  const isClosed = eavesdropper.protection.esp.packets + eavesdropper.protection.ahEsp.packets > 0;
  const isWorthIt = isClosed && request.associations.length > 0;
  const second = isWorthIt ? await observe(request, keysAlone(request.associations), take) : null;
  const opens = second !== null && (second.opened > 0 || second.observation.memories.length > 0);
  const keyHolder = opens ? second.observation : null;
  return { input, exposure: { name: request.name ?? request.path, eavesdropper, keyHolder } };
}

/** Without keys, but not without thinking: what ESP does not encrypt is read. */
async function eavesdrop(
  request: ExposeRequest,
  take: (memory: RebuiltMemory) => void,
): Promise<{ eavesdropper: Observation; input: InputSummary }> {
  const first = await observe(request, keysAlone([]), take);
  const { observation, input, openIcvBytes, canBeReadAgain } = first;
  if (openIcvBytes === null || !canBeReadAgain) {
    return { eavesdropper: { ...observation, readsOpenEsp: openIcvBytes !== null }, input };
  }
  const suites = ESP_SUITES.filter(({ cipher, icvBytes }) => isReadable(cipher) && icvBytes === openIcvBytes);
  const tried = new Set<number>();
  for (const suite of suites) {
    if (tried.has(suite.ivBytes)) continue;
    tried.add(suite.ivBytes);
    const second = await observe(request, { ...keysAlone([]), assumedEsp: suite }, take);
    if (second.observation.memories.length === 0) continue;
    return { eavesdropper: { ...second.observation, readsOpenEsp: true }, input };
  }
  return { eavesdropper: { ...observation, readsOpenEsp: true }, input };
}

function isReadable(cipher: EspSuite['cipher']): boolean {
  return cipher === 'null' || cipher === 'aes-gmac';
}

function keysAlone(associations: readonly SecurityAssociation[]): IpsecKnowledge {
  return { associations, assumedEsp: null, assumedAh: null };
}

interface Observed {
  readonly observation: Observation;
  readonly input: InputSummary;
  /** Packets whose ICV was right: the keys are theirs. */
  readonly opened: number;
  /** Of ESP that encrypts nothing. */
  readonly openIcvBytes: number | null;
  /** A pipe is over by now. */
  readonly canBeReadAgain: boolean;
}

async function observe(
  request: ExposeRequest,
  knowledge: IpsecKnowledge,
  take: (memory: RebuiltMemory) => void,
): Promise<Observed> {
  const { path, secrets, onProgress } = request;
  const store = new PageStore(request.folder);
  const observer = new MigrationObserver({ createSink: () => new GuestMemory(store, PAGE_BYTES) });
  const wire = new WireWatch(secrets);
  const source = await openCapture(path);
  try {
    let analysis: CaptureAnalysis | null = null;
    let profile = profileTap(null);
    let frames = 0;
    for await (const block of source) {
      if (analysis === null) profile = profileTap(block);
      analysis ??= new CaptureAnalysis(knowledge, profile, 0, observer, wire);
      analysis.addBlock(block);
      frames += block.count;
      onProgress?.({ bytesDone: source.bytesRead, bytesTotal: source.sizeBytes, frames });
    }
    analysis ??= new CaptureAnalysis(knowledge, profile, 0);
    const { format, compressed, linkTypes, framesRead, reportedDrops, error } = source;
    const { mtu } = profile;
    const input = { path, format, compressed, linkTypes, frames: framesRead, reportedDrops, mtu, error };
    const { wire: counts, protection, securityAssociations } = analysis.finish(knowledge, [input]);
    const scanned = scanAll(observer, secrets, take);
    return {
      input,
      opened: securityAssociations.reduce((sum, { integrity }) => sum + integrity.verified, 0),
      openIcvBytes: wire.openIcvBytes,
      canBeReadAgain: source.sizeBytes !== null,
      observation: {
        readsOpenEsp: false,
        packets: counts.packets,
        bytes: counts.bytes,
        protection,
        memories: scanned.map(({ exposure }) => (request.showSecrets ? exposure : masked(exposure))),
        secrets: secrets.map((secret, i) => secretExposure(secret, i, scanned, wire, request.showSecrets)),
        payloads: wire.payloadSummaries(),
        traffic: wire.trafficPattern(),
      },
    };
  } finally {
    source.close();
    store.close();
  }
}

/** The memory of every migration that could be read, fullest first. */
function scanAll(
  observer: MigrationObserver,
  secrets: readonly PlantedSecret[],
  take: (memory: RebuiltMemory) => void,
): ScannedMemory[] {
  const records = observer.finish();
  const scanned = records.flatMap((record, i) => {
    const memory = observer.sinksOfRecords[i];
    if (!(memory instanceof GuestMemory) || record.pageBytes !== PAGE_BYTES || memory.blocks.size === 0)
      return [];
    return [{ memory, result: scanMemory(memory, record, secrets) }];
  });
  scanned.sort((a, b) => b.result.exposure.knownBytes - a.result.exposure.knownBytes);
  const [fullest] = scanned;
  if (fullest !== undefined) {
    const { blocks, picture } = fullest.result.exposure;
    const { bytes, knownBytes } = blocks.find(({ name }) => name === picture.block)!;
    take({ memory: fullest.memory, block: picture.block, bytes, knownBytes });
  }
  return scanned.map(({ result }) => result);
}

function secretExposure(
  secret: PlantedSecret,
  index: number,
  scanned: readonly ScannedMemory[],
  wire: WireWatch,
  showSecrets: boolean,
): SecretExposure {
  const found = scanned.find(({ hits }) => hits.counts[index]! > 0);
  return {
    label: secret.label,
    length: secret.length,
    ...(showSecrets && { text: secret.reveal() }),
    inMemory: scanned.reduce((sum, { hits }) => sum + hits.counts[index]!, 0),
    foundAt: found === undefined ? null : placeOf(found, found.hits.first[index]!),
    inPackets: wire.hits.counts[index]!,
    acrossPackets: wire.seamHits.counts[index]!,
  };
}

function placeOf({ blockStarts }: ScannedMemory, position: number): { block: string; offset: number } {
  const { block, start } = blockStarts.findLast((each) => each.start <= position)!;
  return { block, offset: position - start };
}

function masked(exposure: MemoryExposure): MemoryExposure {
  const { strings, keyMaterial } = exposure;
  return {
    ...exposure,
    strings: { ...strings, samples: strings.samples.map(maskText) },
    keyMaterial: keyMaterial.map((found) => ({ ...found, samples: found.samples.map(maskText) })),
  };
}
