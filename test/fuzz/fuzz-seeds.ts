import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { importSecurityAssociations } from '../../src/ipsec/import/import-security-associations.js';
import type { SecurityAssociation } from '../../src/ipsec/security-association.js';
import { repoPath } from '../repo-root.js';

export interface FuzzSeed {
  readonly name: string;
  /** A capture file of a few dozen packets. */
  readonly bytes: Uint8Array;
  readonly associations: readonly SecurityAssociation[];
}

const PCAP_HEADER_BYTES = 24;
const PCAP_RECORD_BYTES = 16;
/** The pings, fragments among them, and the beginning of TCP. */
const PACKETS = 60;

/** The beginnings of all bundled captures, and the hostile ones whole. */
export function readFuzzSeeds(): FuzzSeed[] {
  const real = ['captures/ipsec', 'captures/migration'].flatMap((folder) =>
    list(folder, /\.pcap(\.gz)?$/).map((path) => ({
      name: path,
      bytes: firstPackets(readCapture(path)),
      associations: readAssociations(path.replace(/\.pcap(\.gz)?$/, '.xfrm')),
    })),
  );
  const hostile = list('captures/hostile', /\.pcap(ng)?$/).map((path) => ({
    name: path,
    bytes: new Uint8Array(readFileSync(repoPath(path))),
    associations: [],
  }));
  return [...real, ...hostile].filter(({ bytes }) => bytes.length > 0);
}

function list(folder: string, pattern: RegExp): string[] {
  const files = readdirSync(repoPath(folder)).filter((file) => pattern.test(file));
  return files.sort().map((file) => `${folder}/${file}`);
}

function readCapture(path: string): Buffer {
  const bytes = readFileSync(repoPath(path));
  return path.endsWith('.gz') ? gunzipSync(bytes) : bytes;
}

function firstPackets(capture: Buffer): Uint8Array {
  let end = PCAP_HEADER_BYTES;
  for (let packet = 0; packet < PACKETS && end < capture.length; packet++) {
    end += PCAP_RECORD_BYTES + capture.readUInt32LE(end + 8);
  }
  return new Uint8Array(capture.subarray(0, end));
}

function readAssociations(path: string): readonly SecurityAssociation[] {
  if (!existsSync(repoPath(path))) return [];
  return importSecurityAssociations(readFileSync(repoPath(path), 'utf8'), path).associations;
}
