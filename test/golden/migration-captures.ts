import { existsSync, readFileSync } from 'node:fs';
import { FrameWalk, type RowSink } from '../../src/analysis/frame-walk.js';
import { createSaTable } from '../../src/analysis/known-ipsec.js';
import { profileTap } from '../../src/analysis/tap-profile.js';
import { openCapture } from '../../src/capture/capture-source.js';
import { importSecurityAssociations } from '../../src/ipsec/import/import-security-associations.js';
import { KeyedOpener } from '../../src/ipsec/open/keyed-opener.js';
import type { SecurityAssociation } from '../../src/ipsec/security-association.js';
import { MigrationObserver } from '../../src/migration/migration-observer.js';
import type { MigrationRecord } from '../../src/migration/migration-record.js';
import type { PageSink } from '../../src/migration/page-sink.js';
import { repoPath } from '../repo-root.js';

/** What QEMU told of a migration: the JSON beside a capture. */
export interface QemuReport {
  readonly final: QemuStatus;
  /** Read while the migration ran, one after each synchronisation of the dirty bitmap. */
  readonly rounds: readonly QemuStatus[];
}

/** query-migrate. */
export interface QemuStatus {
  readonly status: string;
  /** Milliseconds. */
  readonly downtime?: number;
  readonly 'setup-time'?: number;
  readonly ram: Readonly<Record<string, number>>;
  readonly 'xbzrle-cache'?: Readonly<Record<string, number>>;
  readonly compression?: Readonly<Record<string, number>>;
}

/** The SAs of the `ip xfrm state` beside a capture; none if there is no such file. */
export function keysBeside(capture: string): readonly SecurityAssociation[] {
  const xfrm = repoPath(capture.replace(/\.pcap(\.gz)?$/, '.xfrm'));
  return existsSync(xfrm) ? importSecurityAssociations(readFileSync(xfrm, 'utf8'), xfrm).associations : [];
}

/** Leads all rows of a capture to a sink, opened with the keys beside it if `keyed`. */
export async function walkCapture(capture: string, keyed: boolean, sink: RowSink): Promise<void> {
  const associations = keyed ? keysBeside(capture) : [];
  const knowledge = { associations, assumedEsp: null, assumedAh: null };
  const opener = keyed ? new KeyedOpener(createSaTable(knowledge)) : null;
  let walk: FrameWalk | null = null;
  for await (const block of await openCapture(repoPath(capture))) {
    walk ??= new FrameWalk(opener, profileTap(block), sink);
    walk.addBlock(block);
  }
  walk?.finish();
}

export async function readMigrations(
  capture: string,
  keyed: boolean,
  sink: PageSink | null = null,
): Promise<MigrationRecord[]> {
  const observer = new MigrationObserver({ sink });
  await walkCapture(capture, keyed, observer);
  return observer.finish();
}

export function qemuReport(capture: string): QemuReport {
  return JSON.parse(readFileSync(repoPath(capture.replace(/\.pcap(\.gz)?$/, '.json')), 'utf8'));
}

export interface ExpectedStream {
  readonly source: string;
  readonly destination: string;
  /** Of the stream as it can be put together. */
  readonly bytes: number;
  /** Of the stream, captured or not. */
  readonly payloadBytes: number;
  readonly sha256: string;
  readonly planted: number;
}

/** What tshark says of the captures' TCP streams; written by test/golden/migration-expected.mjs. */
export function expectedStreams(capture: string): readonly ExpectedStream[] {
  const path = repoPath('test/golden/expected/migration-streams.json');
  return JSON.parse(readFileSync(path, 'utf8')).captures[capture].streams;
}
