import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { exposeCapture } from '../../src/exposure/expose-capture.js';
import { GuestMemory, PageState } from '../../src/exposure/guest-memory.js';
import { PageStore } from '../../src/exposure/page-store.js';
import { PlantedSecret } from '../../src/exposure/planted-secrets.js';
import fc from '../fast-check.js';
import { repoPath } from '../repo-root.js';

const folder = mkdtempSync(join(tmpdir(), 'tare-exposure-'));
after(() => rmSync(folder, { recursive: true, force: true }));

const SECRETS = [new PlantedSecret('planted', 'password: tulip-anchor-93-velvet')];
const CAPTURES = ['single', 'multifd', 'compress'].map((name) => {
  // Setup, and the pages that come first.
  return gunzipSync(readFileSync(repoPath(`captures/memory/${name}.pcap.gz`))).subarray(0, 400_000);
});

test('however a capture is damaged, what is told of it adds up', async () => {
  const damage = fc.record({ at: fc.nat(399_999), byte: fc.integer({ min: 0, max: 255 }) });
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...CAPTURES),
      fc.array(damage, { maxLength: 200 }),
      fc.integer({ min: 0, max: 400_000 }),
      async (capture, damages, end) => {
        const bytes = Buffer.from(capture);
        for (const { at, byte } of damages) if (at > 24 && at < bytes.length) bytes[at] = byte;
        const path = join(folder, 'damaged.pcap');
        writeFileSync(path, bytes.subarray(0, Math.max(24, end)));
        const { exposure } = await exposeCapture({
          path,
          associations: [],
          secrets: SECRETS,
          showSecrets: false,
        });
        for (const memory of exposure.eavesdropper.memories) {
          const { pages, pageBytes, memoryBytes, knownBytes, picture } = memory;
          const count = Object.values(pages).reduce((sum, each) => sum + each, 0);
          assert.equal(count * pageBytes, memoryBytes);
          assert.ok(knownBytes <= memoryBytes);
          assert.match(picture.cells, /^[ztcrd?.]*$/);
        }
      },
    ),
    { numRuns: 40 },
  );
});

test('a page far beyond all memory costs no more than one at its beginning', () => {
  const store = new PageStore();
  const memory = new GuestMemory(store);
  const offsets = [0, 2 ** 40, 2 ** 51 - 4096];
  for (const offset of offsets) memory.fill('ram', offset, 1, 0);
  const seen: number[] = [];
  memory.forEachPage('ram', (page, state) => {
    assert.equal(state, PageState.whole);
    seen.push(page * 4096);
  });
  assert.deepEqual(seen, offsets);
  assert.equal(store.count, 3);
});

test('memories that claim more than there can be are cut, not kept', () => {
  const store = new PageStore();
  const memories = [new GuestMemory(store), new GuestMemory(store)] as const;
  store.freeSpans = 2;
  for (const memory of memories) for (let i = 0; i < 3; i++) memory.fill('ram', i * 2 ** 30, 0, 0);
  assert.ok(memories[0].isPartial && memories[1].isPartial);
  assert.equal(memories[0].stateOf('ram', 2 ** 18), PageState.zero);
  assert.equal(memories[1].stateOf('ram', 0), PageState.unseen);
});
