import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { FrameWalk } from '../../src/analysis/frame-walk.js';
import { createSaTable } from '../../src/analysis/known-ipsec.js';
import { profileTap } from '../../src/analysis/tap-profile.js';
import { openCapture } from '../../src/capture/capture-source.js';
import { importSecurityAssociations } from '../../src/ipsec/import/import-security-associations.js';
import { KeyedOpener } from '../../src/ipsec/open/keyed-opener.js';
import type { SecurityAssociation } from '../../src/ipsec/security-association.js';
import { type PacketBatch, PacketFlag } from '../../src/packet/packet-batch.js';
import { analyzeFiles } from '../../src/pipeline/analyze-files.js';
import { repoPath } from '../repo-root.js';

/** What scripts/make-golden.mjs wrote of one capture; the file names the tshark commands. */
interface Expected {
  capture: string;
  packets: number;
  wireBytes: number;
  firstTimeNs: string;
  lastTimeNs: string;
  securityAssociations: { reassembled: { protocol: string; spi: string; source: string; packets: number }[] };
  fragmentation: {
    fragments: number;
    datagrams: { lastFrame: number; dataBytes: number }[];
    overlaps: number;
    packetTooBig: number;
  };
  decrypted: {
    opened: number;
    padBytes: number;
    tcpPayloadBytes: number;
    packetsByPadLength: Record<string, number>;
    rows: { sha256: string };
  } | null;
  decapsulatedCopies: { frames: number[] };
}

const FOLDER = repoPath('test/golden/expected');
const EXPECTED = readdirSync(FOLDER)
  .filter((name) => name.startsWith('tshark-') && name !== 'tshark-hostile.json')
  .map((name) => JSON.parse(readFileSync(`${FOLDER}/${name}`, 'utf8')) as Expected);

function keysOf(capture: string): readonly SecurityAssociation[] {
  const path = repoPath(capture.replace(/\.pcap(\.gz)?$/, '.xfrm'));
  return existsSync(path) ? importSecurityAssociations(readFileSync(path, 'utf8'), path).associations : [];
}

/** One opened ESP packet: frame, padding, TCP payload (null if it is not TCP). */
type OpenedRow = [frame: number, padBytes: number, tcpBytes: number | null];

async function openedRows(capture: string): Promise<OpenedRow[]> {
  const rows: OpenedRow[] = [];
  const sink = {
    add(batch: PacketBatch, from: number, to: number) {
      for (let row = from; row < to; row++) {
        for (let i = batch.securityStart[row]!; i < batch.securityStart[row + 1]!; i++) {
          if (batch.security.opened[i] === 0) continue;
          const isTcp = (batch.flags[row]! & PacketFlag.tcp) !== 0;
          rows.push([
            batch.block.frameNumber[row]!,
            batch.security.padBytes[i]!,
            isTcp ? batch.payloadLength[row]! : null,
          ]);
        }
      }
    },
  };
  const associations = keysOf(capture);
  const opener = new KeyedOpener(createSaTable({ associations, assumedEsp: null, assumedAh: null }));
  let walk: FrameWalk | null = null;
  for await (const block of await openCapture(repoPath(capture))) {
    walk ??= new FrameWalk(opener, profileTap(block), sink);
    walk.addBlock(block);
  }
  return rows;
}

test('tshark was asked about every capture', () => {
  assert.equal(EXPECTED.length, 16);
});

for (const expected of EXPECTED) {
  const { capture } = expected;

  test(`${capture}: packets, bytes, times, SAs, fragments and copies are those tshark counts`, async () => {
    const request = { associations: keysOf(capture), assumedEsp: null, assumedAh: null, workers: 1 };
    const summary = await analyzeFiles({ paths: [repoPath(capture)], ...request });
    const copies = expected.decapsulatedCopies.frames.length;
    assert.equal(summary.frames.total, expected.packets);
    assert.equal(summary.frames.decapsulatedCopies, copies);
    assert.equal(summary.wire.packets, expected.packets - copies);
    assert.equal(summary.wire.firstTimeNs, expected.firstTimeNs);
    // Where there are copies one of them is the last frame, and none counts.
    if (copies === 0) {
      assert.equal(summary.wire.bytes, expected.wireBytes);
      assert.equal(summary.wire.lastTimeNs, expected.lastTimeNs);
    }
    assert.deepEqual(
      summary.securityAssociations
        .map(({ protocol, spi, source, packets }) => `${protocol} ${spi} ${source} ${packets}`)
        .sort(),
      expected.securityAssociations.reassembled
        .map(({ protocol, spi, source, packets }) => `${protocol} ${spi} ${source} ${packets}`)
        .sort(),
    );
    assert.equal(summary.fragmentation.fragments, expected.fragmentation.fragments);
    assert.equal(summary.fragmentation.datagrams, expected.fragmentation.datagrams.length);
    assert.equal(summary.fragmentation.overlaps, expected.fragmentation.overlaps);
    assert.equal(summary.fragmentation.packetTooBig, expected.fragmentation.packetTooBig);
  });

  const { decrypted } = expected;
  if (!decrypted || decrypted.opened === 0) continue;
  test(`${capture}: padding and payload of each ESP packet are those tshark decrypts`, async () => {
    const rows = await openedRows(capture);
    assert.equal(rows.length, decrypted.opened);
    const byPadding: Record<string, number> = {};
    for (const [, padBytes] of rows) byPadding[padBytes] = (byPadding[padBytes] ?? 0) + 1;
    assert.deepEqual(byPadding, decrypted.packetsByPadLength);
    assert.equal(
      rows.reduce((sum, [, , tcpBytes]) => sum + (tcpBytes ?? 0), 0),
      decrypted.tcpPayloadBytes,
    );
    const text = rows
      .map(([frame, padBytes, tcpBytes]) => `${frame},${padBytes},${tcpBytes ?? ''}\n`)
      .join('');
    assert.equal(createHash('sha256').update(text).digest('hex'), decrypted.rows.sha256);
  });
}
