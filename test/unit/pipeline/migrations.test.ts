import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import type { AnalysisSummary } from '../../../src/analysis/analysis-summary.js';
import { importSecurityAssociations } from '../../../src/ipsec/import/import-security-associations.js';
import type { SecurityAssociation } from '../../../src/ipsec/security-association.js';
import { analyzeFiles } from '../../../src/pipeline/analyze-files.js';
import type { AnalyzeProgress, AnalyzeRequest } from '../../../src/pipeline/analyze-request.js';
import { observeFiles } from '../../../src/pipeline/observe-files.js';
import { repoPath } from '../../repo-root.js';

const PCAP_HEADER_BYTES = 24;
const RECORD_HEADER_BYTES = 16;

const folder = mkdtempSync(join(tmpdir(), 'tare-test-'));
after(() => rmSync(folder, { recursive: true, force: true }));

const CLEAR = join(folder, 'clear.pcap');
const MULTIFD = join(folder, 'multifd.pcap');
const SEALED = repoPath('captures/migration/ms-gcm-1500.pcap');
const QUIET = repoPath('captures/ipsec/t4-gcm16.pcap');

before(() => {
  for (const [name, path] of [
    ['ms-clear-1500', CLEAR],
    ['m-clear-multifd', MULTIFD],
  ] as const) {
    writeFileSync(path, gunzipSync(readFileSync(repoPath(`captures/migration/${name}.pcap.gz`))));
  }
});

function keysOf(capture: string): readonly SecurityAssociation[] {
  const path = capture.replace('.pcap', '.xfrm');
  return importSecurityAssociations(readFileSync(path, 'utf8'), path).associations;
}

function analyze(paths: readonly string[], changes: Partial<AnalyzeRequest> = {}): Promise<AnalysisSummary> {
  return analyzeFiles({
    paths,
    associations: [],
    assumedEsp: null,
    assumedAh: null,
    workers: 1,
    ...changes,
  });
}

/** Divides a capture into files of about so many bytes. */
function split(path: string, ...sizes: readonly number[]): string[] {
  const bytes = readFileSync(path);
  const parts: string[] = [];
  let from = PCAP_HEADER_BYTES;
  for (const size of [...sizes, Number.POSITIVE_INFINITY]) {
    let to = from;
    while (to < bytes.length && to - from < size) to += RECORD_HEADER_BYTES + bytes.readUInt32LE(to + 8);
    const part = join(folder, `${parts.length}-of-${sizes.length + 1}.pcap`);
    writeFileSync(part, Buffer.concat([bytes.subarray(0, PCAP_HEADER_BYTES), bytes.subarray(from, to)]));
    parts.push(part);
    from = to;
  }
  return parts;
}

test('a capture whose earlier part stands behind the later one keeps the times of both migrations', async () => {
  const [later, earlier] = [readFileSync(CLEAR), readFileSync(MULTIFD)];
  const joined = join(folder, 'joined.pcap');
  writeFileSync(joined, Buffer.concat([later, earlier.subarray(PCAP_HEADER_BYTES)]));
  const alone = [await analyze([CLEAR]), await analyze([MULTIFD])].flatMap(({ migrations }) => migrations);
  assert.ok(BigInt(alone[1]!.startNs) < BigInt(alone[0]!.startNs));
  assert.deepEqual((await analyze([joined])).migrations, alone);
});

for (const [what, path, associations] of [
  ['in the clear', CLEAR, []],
  ['over several connections', MULTIFD, []],
  ['in ESP, with keys', SEALED, keysOf(SEALED)],
] as const) {
  test(`a migration ${what} is the same to the byte, in however many ranges by however many threads`, async () => {
    const whole = await analyze([path], { associations });
    assert.equal(whole.migrations.length, 1);
    for (const [workers, chunkBytes] of [
      [2, 1_000_000],
      [3, 777_777],
      [2, 2 ** 30],
    ] as const) {
      const divided = await analyze([path], { associations, workers, chunkBytes });
      assert.deepEqual(JSON.stringify(divided), JSON.stringify(whole), `${workers} threads`);
    }
  });
}

test('a migration in ESP is nothing to report on without the keys', async () => {
  for (const workers of [1, 2]) {
    const { migrations } = await analyze([SEALED], { workers, chunkBytes: 1_000_000 });
    assert.deepEqual(migrations, []);
  }
});

test('migrations of several captures are told in order', async () => {
  const [first] = (await analyze([MULTIFD])).migrations;
  const [second] = (await analyze([CLEAR])).migrations;
  for (const workers of [1, 2]) {
    const { migrations } = await analyze([MULTIFD, QUIET, CLEAR], { workers, chunkBytes: 1_000_000 });
    assert.deepEqual(migrations, [first, second]);
  }
});

test('a migration goes on from file to file, whichever of them are read in ranges', async () => {
  const [whole] = (await analyze([CLEAR])).migrations;
  assert.ok(whole);
  for (const sizes of [
    [300_000, 3_000_000],
    [3_000_000, 300_000],
    [2_000_000, 300_000, 2_000_000],
  ]) {
    const paths = split(CLEAR, ...sizes);
    for (const workers of [1, 2]) {
      const { migrations } = await analyze(paths, { workers, chunkBytes: 500_000 });
      assert.deepEqual(migrations, [whole], `${sizes} by ${workers}`);
    }
  }
});

test('of a migration that had begun before the capture the rest is told, if its port is named', async () => {
  const [, late] = split(CLEAR, 2_000_000) as [string, string];
  assert.deepEqual((await analyze([late])).migrations, []);
  const [whole] = (await analyze([CLEAR])).migrations;
  for (const workers of [1, 2]) {
    const request = { workers, chunkBytes: 500_000, migrationPorts: [49_152] };
    const [rest] = (await analyze([late], request)).migrations;
    assert.equal(rest!.complete, false);
    assert.equal(rest!.machine, null);
    assert.equal(rest!.downtimeMs, whole!.downtimeMs);
    assert.deepEqual(rest!.deviceState.devices, whole!.deviceState.devices);
    assert.ok(rest!.normalPages > 0 && rest!.normalPages < whole!.normalPages);
    assert.deepEqual(await analyze([late], { ...request, workers: 1 }), await analyze([late], request));
  }
});

test('a capture without a migration is read once, one with it twice if it was read in ranges', async () => {
  const read = async (path: string, workers: number): Promise<AnalyzeProgress[]> => {
    const seen: AnalyzeProgress[] = [];
    const onProgress = (progress: AnalyzeProgress) => seen.push({ ...progress });
    await analyze([path], { workers, chunkBytes: 200_000, onProgress });
    return seen;
  };
  const size = (path: string) => readFileSync(path).length;
  for (const [path, workers, readings] of [
    [QUIET, 2, 1],
    [CLEAR, 1, 1],
    [CLEAR, 2, 2],
  ] as const) {
    const seen = await read(path, workers);
    const last = seen.at(-1)!;
    // A range that began at the wrong place is read again.
    assert.ok(last.bytesDone >= readings * size(path) && last.bytesDone < (readings + 0.5) * size(path));
    assert.equal(last.bytesTotal, readings * size(path));
    assert.equal(last.stage, readings === 1 ? 'packets' : 'migrations');
    assert.equal(last.frames, (await analyze([path])).frames.total);
    assert.deepEqual(
      seen.map(({ bytesDone }) => bytesDone),
      seen.map(({ bytesDone }) => bytesDone).toSorted((a, b) => a - b),
    );
  }
});

test('what flows are observed for has the same migrations', async () => {
  const { summary } = await observeFiles({
    paths: [CLEAR],
    associations: [],
    assumedEsp: null,
    assumedAh: null,
  });
  assert.deepEqual(summary, await analyze([CLEAR]));
});
