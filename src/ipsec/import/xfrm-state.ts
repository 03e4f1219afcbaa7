import { type AddressPattern, isSingleAddress, parseIpAddress } from '../ip-address.js';
import { type IpsecMode, SecurityAssociation, type UdpEncapsulation } from '../security-association.js';
import type { AhSuite, EspSuite } from '../suite-table.js';
import { parseHexKey } from './hex-key.js';
import { EntryProblem, quoteAlgorithm } from './import-error.js';
import {
  aeadSuite,
  ahSuite,
  kernelAead,
  kernelCipher,
  kernelIntegrity,
  pairedSuite,
} from './kernel-algorithms.js';

/*
 * Output of `ip xfrm state [list]`, with -s or nokeys, as `xfrm_state_info_print` and `xfrm_xfrma_print` of iproute2
 * (ip/ipxfrm.c) write it: "src A dst B" starts a state, its attributes follow one a line, indented. Lines that say nothing
 * about sizes or keys (selectors, lifetimes, marks, offload) are passed over.
 */

/** One algorithm line. `key` is null where it is not shown; the text of a key is never kept. */
interface Algorithm {
  readonly line: number;
  readonly name: string;
  readonly key: Uint8Array | null;
  /** From `(160 bits)` or from the key; null if unknown. */
  readonly keyBytes: number | null;
  /** Truncation or ICV; null if the line gives none. */
  readonly icvBits: number | null;
}

interface StateEntry {
  readonly line: number;
  readonly source: string;
  readonly destination: string;
  protocol: string;
  spi: number | null;
  mode: string;
  aead: Algorithm | null;
  cipher: Algorithm | null;
  auth: Algorithm | null;
  udpEncap: UdpEncapsulation | null;
  esn: boolean;
  align4: boolean;
  sequence: readonly [high: number, low: number];
  /** First problem found in the entry. */
  problem: EntryProblem | null;
}

/** Line that starts a state; also with the prefixes of `ip xfrm monitor`. */
export const XFRM_STATE_START = /^(?:(Updated|Deleted|Expired|Acquired) )?\s*src (\S+) dst (\S+)\s*$/;

/** What an importer of one format gives. Line numbers count from 1. */
export interface ImportedEntries {
  readonly associations: SecurityAssociation[];
  readonly problems: EntryProblem[];
}

export function importXfrmState(lines: readonly string[]): ImportedEntries {
  const associations: SecurityAssociation[] = [];
  const problems: EntryProblem[] = [];
  for (const entry of collectEntries(lines)) {
    try {
      if (entry.problem !== null) throw entry.problem;
      associations.push(toAssociation(entry, problems));
    } catch (error) {
      problems.push(asProblem(error, entry.line));
    }
  }
  return { associations, problems };
}

/** Keeps what importers raise on purpose and wraps what the SecurityAssociation constructor says about key lengths. */
export function asProblem(error: unknown, line: number): EntryProblem {
  if (error instanceof EntryProblem) return error;
  if (error instanceof RangeError) return new EntryProblem(line, `${error.message}: entry left out`);
  throw error;
}

function collectEntries(lines: readonly string[]): StateEntry[] {
  const entries: StateEntry[] = [];
  let current: StateEntry | null = null;
  for (const [index, line] of lines.entries()) {
    const start = XFRM_STATE_START.exec(line);
    if (start !== null) {
      current = start[1] === 'Deleted' ? null : newEntry(index + 1, start[2]!, start[3]!);
      if (current !== null) entries.push(current);
    } else if (current !== null && current.problem === null) {
      readAttributeInto(current, line.trim(), index + 1);
    }
  }
  return entries;
}

function newEntry(line: number, source: string, destination: string): StateEntry {
  return {
    line,
    source,
    destination,
    protocol: '',
    spi: null,
    mode: '',
    aead: null,
    cipher: null,
    auth: null,
    udpEncap: null,
    esn: false,
    align4: false,
    sequence: [0, 0],
    problem: null,
  };
}

function readAttributeInto(entry: StateEntry, text: string, line: number): void {
  try {
    readAttribute(entry, text, line);
  } catch (error) {
    entry.problem = asProblem(error, line);
  }
}

function readAttribute(entry: StateEntry, text: string, line: number): void {
  const [keyword] = text.split(/\s/, 1);
  switch (keyword) {
    case 'proto':
      readIdentity(entry, text, line);
      break;
    case 'aead':
      entry.aead = readAlgorithm(text, line);
      break;
    case 'enc':
      entry.cipher = readAlgorithm(text, line);
      break;
    case 'auth':
    case 'auth-trunc':
      entry.auth = readAlgorithm(text, line);
      break;
    case 'encap':
      entry.udpEncap = readEncapsulation(text);
      break;
    case 'replay-window':
    case 'extra_flag':
      entry.esn ||= /\besn\b/.test(text);
      entry.align4 ||= /\balign4\b/.test(text);
      break;
    case 'anti-replay':
    case 'seq-hi':
      readSequence(entry, text);
      break;
  }
}

function readIdentity(entry: StateEntry, text: string, line: number): void {
  // `sel` lines of selectors start with "sel"; a second proto line would belong to a template.
  if (entry.protocol !== '') return;
  const [, protocol = '', spi, mode = ''] =
    /^proto (\S+)(?:.*? spi (0x[0-9a-f]{1,8})(?:\(\d+\))?)?(?:.*? mode (\S+))?/i.exec(text) ?? [];
  entry.protocol = protocol;
  entry.mode = mode;
  if (spi !== undefined) entry.spi = Number.parseInt(spi, 16);
  else throw new EntryProblem(line, 'state without an SPI: give the output of "ip xfrm state" unchanged');
}

/** `KIND NAME KEY [(n bits)] [ICV bits]`; KEY is 0x..., `<<Keys hidden>>`, or missing where there is none. */
function readAlgorithm(text: string, line: number): Algorithm {
  if (text.includes('(ERROR truncated)')) {
    throw new EntryProblem(line, 'the kernel gave a truncated algorithm: run "ip xfrm state" again');
  }
  const parts = /^\S+ (\S+)(?: +(0x[^\s]*|<<Keys hidden>>))?(?: *\((\d+) bits\))?(?: +(\d{1,4}))?\s*$/.exec(
    text,
  );
  if (parts === null) {
    throw new EntryProblem(
      line,
      'algorithm line is not "KIND NAME 0xKEY [BITS]": give the output of "ip xfrm state" unchanged',
    );
  }
  const [, name = '', keyText, bits, icv] = parts;
  const hidden = keyText?.startsWith('<<') ?? false;
  const key = hidden ? null : parseHexKey((keyText ?? '').slice(2));
  if (key === null && !hidden) {
    throw new EntryProblem(line, `key of ${quoteAlgorithm(name)} is not hexadecimal with whole bytes`);
  }
  const shownBytes = bits === undefined ? (key?.length ?? null) : Number(bits) / 8;
  return { line, name, key, keyBytes: shownBytes, icvBits: icv === undefined ? null : Number(icv) };
}

/** Of ESP in TCP (`type espintcp`) nothing is on the wire that this table describes: no UDP header. */
function readEncapsulation(text: string): UdpEncapsulation | null {
  const [, type, sport, dport] = /type (\S+) sport (\d+) dport (\d+)/.exec(text) ?? [];
  if (type === undefined || type === 'espintcp' || type === '7') return null;
  return { sourcePort: Number(sport), destinationPort: Number(dport) };
}

/** The greater of the received and the sent sequence number: a state counts in one direction only. */
function readSequence(entry: StateEntry, text: string): void {
  const value = (name: string): number => {
    const [, hex] = new RegExp(`(?:^|[\\s,])${name} 0x([0-9a-f]{1,8})\\b`).exec(text) ?? [];
    return hex === undefined ? 0 : Number.parseInt(hex, 16);
  };
  const received = [value('seq-hi'), value('seq')] as const;
  const sent = [value('oseq-hi'), value('oseq')] as const;
  const sentIsLater = sent[0] > received[0] || (sent[0] === received[0] && sent[1] > received[1]);
  entry.sequence = sentIsLater ? sent : received;
}

function toAssociation(entry: StateEntry, problems: EntryProblem[]): SecurityAssociation {
  const suite = suiteOf(entry, problems);
  const source = readAddress(entry.source, entry.line);
  const destination = readAddress(entry.destination, entry.line);
  return new SecurityAssociation({
    suite,
    spi: entry.spi!,
    family: destination.family,
    source: isUnspecified(source) ? null : source,
    destination: isUnspecified(destination) ? null : destination,
    mode: readMode(entry.mode),
    encryptionKey: suite.protocol === 'esp' ? (entry.aead?.key ?? entry.cipher?.key ?? null) : null,
    integrityKey: suite.integrityKeyBytes === 0 ? null : (entry.auth?.key ?? null),
    esn: entry.esn,
    sequenceHigh: entry.sequence[0],
    sequenceLow: entry.sequence[1],
    udpEncap: entry.udpEncap,
    align4: entry.align4,
  });
}

function readAddress(text: string, line: number): AddressPattern {
  const address = parseIpAddress(text);
  if (address !== null && isSingleAddress(address)) return address;
  throw new EntryProblem(
    line,
    'source or destination is no IP address: run "ip xfrm state" without name resolution',
  );
}

/** 0.0.0.0 and :: stand for any address in states. */
function isUnspecified(address: AddressPattern): boolean {
  return address.bytes.every((byte) => byte === 0);
}

function readMode(mode: string): IpsecMode | null {
  return mode === 'transport' || mode === 'tunnel' || mode === 'beet' ? mode : null;
}

function suiteOf(entry: StateEntry, problems: EntryProblem[]): EspSuite | AhSuite {
  const { protocol, line } = entry;
  if (protocol === 'ah') return ahSuiteOfEntry(entry);
  if (protocol === 'esp') return espSuiteOfEntry(entry, problems);
  if (protocol === '') throw new EntryProblem(line, 'state without a "proto" line: is the file cut off?');
  const shown = /^[a-z0-9-]{1,12}$/.test(protocol) ? protocol : 'another protocol';
  throw new EntryProblem(line, `state for ${shown} left out: only esp and ah are read`);
}

function ahSuiteOfEntry({ auth, line }: StateEntry): AhSuite {
  if (auth === null)
    throw new EntryProblem(line, 'AH state without "auth" or "auth-trunc": is the file cut off?');
  const known = kernelIntegrity(auth.name);
  const suite = known && ahSuite(known.integrity, auth.icvBits ?? known.defaultBits);
  if (!suite) throw unknownAlgorithm('authentication', auth);
  return suite;
}

function espSuiteOfEntry(entry: StateEntry, problems: EntryProblem[]): EspSuite {
  const { aead, cipher, auth, line } = entry;
  const named = aead ?? cipher;
  if (named === null) {
    throw new EntryProblem(line, 'ESP state without "enc" or "aead": is the file cut off?');
  }
  const suite = aead !== null ? aeadSuiteOf(aead) : pairedSuiteOf(named, auth);
  if (named.keyBytes === null && suite.keyBits > 0) {
    problems.push(
      new EntryProblem(
        named.line,
        `key hidden: sizes are known, nothing can be decrypted; key length shown as ${suite.keyBits}`,
      ),
    );
  }
  return suite;
}

function aeadSuiteOf(aead: Algorithm): EspSuite {
  const known = kernelAead(aead.name);
  const suite = known && aeadSuite(known, aead.keyBytes, aead.icvBits ?? 128);
  if (!suite) throw unknownAlgorithm('AEAD', aead);
  return suite;
}

function pairedSuiteOf(cipher: Algorithm, auth: Algorithm | null): EspSuite {
  const known = kernelCipher(cipher.name);
  if (known === undefined) throw unknownAlgorithm('encryption', cipher);
  const integrity =
    auth === null ? { integrity: 'none' as const, defaultBits: 0 } : kernelIntegrity(auth.name);
  if (integrity === undefined) throw unknownAlgorithm('authentication', auth!);
  const icvBits = integrity.integrity === 'none' ? 0 : (auth?.icvBits ?? integrity.defaultBits);
  const suite = pairedSuite(
    known,
    known.cipher === 'null' ? 0 : cipher.keyBytes,
    integrity.integrity,
    icvBits,
  );
  if (suite === null) throw unknownAlgorithm('encryption or authentication', cipher);
  return suite;
}

function unknownAlgorithm(kind: string, { line, name, keyBytes, icvBits }: Algorithm): EntryProblem {
  const lengths = `key of ${keyBytes ?? '?'} bytes, ICV of ${icvBits ?? 'default'} bits`;
  return new EntryProblem(
    line,
    `no known ${kind} algorithm ${quoteAlgorithm(name)} with ${lengths}: entry left out`,
  );
}
