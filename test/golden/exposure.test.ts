import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { type ExposedCapture, exposeCapture } from '../../src/exposure/expose-capture.js';
import { PlantedSecret } from '../../src/exposure/planted-secrets.js';
import { writeMemoryImage } from '../../src/exposure/write-memory-image.js';
import { repoPath } from '../repo-root.js';
import { requireTool, runTool } from '../tool.js';
import { keysBeside } from './migration-captures.js';

/** What QEMU's pmemsave gave of the paused guest at the destination: captures/README.md. */
interface MemoryReport {
  readonly memoryBytes: number;
  readonly planted: string;
  readonly regions: readonly { readonly from: number; readonly bytes: number; readonly sha256: string }[];
  readonly ram: Readonly<Record<string, number>>;
}

function secret(text: string): PlantedSecret {
  return new PlantedSecret('planted', text);
}

async function rebuild(capture: string, secrets: readonly PlantedSecret[], image: string | null) {
  return exposeCapture({
    path: repoPath(capture),
    associations: keysBeside(capture),
    secrets,
    showSecrets: false,
    ...(image !== null && { takeMemory: (memory) => writeMemoryImage(memory, image) }),
  });
}

for (const name of ['single', 'multifd', 'xbzrle', 'compress']) {
  const capture = `captures/memory/${name}.pcap.gz`;
  test(`${capture}: rebuilt memory is the guest's, byte by byte as QEMU gave it out`, async () => {
    const report = JSON.parse(readFileSync(repoPath(`captures/memory/${name}.json`), 'utf8')) as MemoryReport;
    await withFolder(async (folder) => {
      const image = join(folder, 'guest.img');
      const { exposure } = await rebuild(capture, [secret(report.planted)], image);
      const bytes = readFileSync(image);
      assert.equal(bytes.length, report.memoryBytes);
      for (const { from, bytes: length, sha256 } of report.regions) {
        const region = bytes.subarray(from, from + length);
        assert.equal(createHash('sha256').update(region).digest('hex'), sha256, `from ${from}`);
      }
      assert.equal(statSync(image).mode & 0o777, 0o600);
      const [memory] = exposure.eavesdropper.memories;
      assert.equal(memory!.complete, true);
      assert.equal(memory!.knownBytes, report.ram['total']);
      assert.equal(memory!.memoryBytes, report.ram['total']);
      const occurrences = bytes.toString('latin1').split(report.planted).length - 1;
      assert.ok(occurrences > 300);
      assert.equal(exposure.eavesdropper.secrets[0]!.inMemory, occurrences);
      assert.equal(exposure.keyHolder, null);
    });
  });
}

async function withFolder(body: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'tare-test-'));
  try {
    await body(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

const PLANTED = [secret('correct-horse-battery-staple'), secret('TLS PRIVATE KEY 9f8e7d6c')];

function assertNothing({ exposure }: ExposedCapture, way: 'esp' | 'ahEsp'): void {
  const { memories, secrets, payloads } = exposure.eavesdropper;
  assert.deepEqual(memories, []);
  for (const { inMemory, inPackets, acrossPackets } of secrets) {
    assert.deepEqual([inMemory, inPackets, acrossPackets], [0, 0, 0]);
  }
  const judged = payloads[way]!;
  assert.ok(Math.abs(judged.uniformShare - 0.99) < 0.008, `${judged.uniformShare}`);
  assert.ok(judged.total.probability > 0.001 && judged.total.probability < 0.999);
  assert.ok(Math.abs(judged.entropy.mean - judged.entropy.ofRandom) < 0.01);
}

for (const [name, way] of [
  ['ms-gcm-1500', 'esp'],
  ['ms-ahesp-1500', 'ahEsp'],
] as const) {
  const capture = `captures/migration/${name}.pcap`;
  test(`${capture}: without keys nothing is recovered, with them everything`, async () => {
    const exposed = await rebuild(capture, PLANTED, null);
    assertNothing(exposed, way);
    const { keyHolder } = exposed.exposure;
    assert.equal(keyHolder!.memories[0]!.knownBytes, keyHolder!.memories[0]!.memoryBytes);
    // 4 MiB were filled, and the boot sector holds the text too.
    for (const { inMemory } of keyHolder!.secrets) assert.equal(inMemory, 1025);
  });
}

const LAB_TEXT = 'TARE GUEST MEMORY: WHO READS THIS ON THE WIRE READS THE GUEST';

test('under AH alone everything is recovered, because AH does not encrypt', async () => {
  const { exposure } = await rebuild('captures/memory/ah-sha256.pcap.gz', [secret(LAB_TEXT)], null);
  const { memories, secrets, protection } = exposure.eavesdropper;
  assert.ok(protection.ah.bytes > 0.99 * (protection.ah.bytes + protection.clear.bytes));
  assert.equal(protection.esp.packets + protection.ahEsp.packets, 0);
  assert.equal(memories[0]!.transport, 'ah');
  assert.equal(memories[0]!.knownBytes, memories[0]!.memoryBytes);
  // 1 MiB was filled, and the boot sector holds the text too.
  assert.ok(secrets[0]!.inMemory >= 256 && secrets[0]!.inMemory <= 258, `${secrets[0]!.inMemory}`);
});

test('under ESP that encrypts nothing everything is recovered without a key', async () => {
  const { exposure } = await rebuild('captures/memory/null-sha256.pcap.gz', [secret(LAB_TEXT)], null);
  const { memories, secrets, protection, readsOpenEsp } = exposure.eavesdropper;
  assert.ok(protection.esp.bytes > 0.99 * (protection.esp.bytes + protection.clear.bytes));
  assert.equal(readsOpenEsp, true);
  assert.equal(memories[0]!.transport, 'esp');
  assert.equal(memories[0]!.knownBytes, memories[0]!.memoryBytes);
  assert.ok(secrets[0]!.inMemory >= 256 && secrets[0]!.inMemory <= 258, `${secrets[0]!.inMemory}`);
});

const IPSEC = readdirSync(repoPath('captures/ipsec')).filter((name) => name.endsWith('.pcap'));

for (const name of IPSEC) {
  const isOpen = name.includes('null');
  test(`captures/ipsec/${name}: its ESP is seen to encrypt ${isOpen ? 'nothing' : 'or not to be there'}`, async () => {
    const { exposure } = await exposeCapture({
      path: repoPath(`captures/ipsec/${name}`),
      associations: [],
      secrets: [],
      showSecrets: false,
    });
    assert.equal(exposure.eavesdropper.readsOpenEsp, isOpen);
    assert.deepEqual(exposure.eavesdropper.memories, []);
  });
}

test('who sends, how much and when is what tshark counts', async (t) => {
  if (!requireTool(t, 'tshark')) return;
  const capture = 'captures/migration/ms-gcm-1500.pcap';
  const { exposure } = await rebuild(capture, [], null);
  const { traffic } = exposure.eavesdropper;
  const fields = ['frame.len', 'frame.time_epoch'].flatMap((field) => ['-e', field]);
  const lines = runTool('tshark', [
    ...['-r', repoPath(capture), '-Y', `ip.src == ${traffic!.source}`, '-T', 'fields'],
    ...fields,
  ])
    .stdout.trim()
    .split('\n');
  const frames = lines.map((line) => line.split('\t'));
  const total = (values: readonly number[]) => values.reduce((a, b) => a + b, 0);
  assert.equal(traffic!.packets, frames.length);
  assert.equal(traffic!.bytes, total(frames.map(([length]) => Number(length))));
  assert.equal(total(traffic!.bytesOverTime), traffic!.bytes);
  const toNs = (time: string) => BigInt(time.replace('.', ''));
  assert.equal(traffic!.firstTimeNs, String(toNs(frames[0]![1]!)));
  assert.equal(traffic!.lastTimeNs, String(toNs(frames.at(-1)![1]!)));
});

test('a capture with the beginnings of packets alone gives parts of pages, and says they are parts', async () => {
  const { exposure } = await rebuild('captures/migration-variants/snaplen-120.pcap.gz', [], null);
  const [memory] = exposure.eavesdropper.memories;
  assert.equal(memory!.isDeclared, false);
  assert.ok(memory!.partialPages > 0);
  assert.ok(memory!.knownBytes < 0.01 * memory!.memoryBytes);
});

test('pages deflated in multifd packets count as sent and not read', async () => {
  const { exposure } = await rebuild('captures/migration-variants/multifd-zlib.pcap.gz', [], null);
  const [memory] = exposure.eavesdropper.memories;
  assert.ok(memory!.pages.unread > 100);
  assert.equal(memory!.knownBytes, memory!.memoryBytes - memory!.pages.unread * 4096);
});
