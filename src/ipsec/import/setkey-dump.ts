import { type AddressPattern, parseIpAddress } from '../ip-address.js';
import { type IpsecMode, SecurityAssociation, type UdpEncapsulation } from '../security-association.js';
import { ahSuiteOf, espSuiteOf } from '../suite.js';
import type { AhSuite, CipherName, EspSuite, IntegrityName } from '../suite-table.js';
import { parseHexKey } from './hex-key.js';
import { EntryProblem, quoteAlgorithm } from './import-error.js';
import { asProblem, type ImportedEntries } from './xfrm-state.js';

/*
 * Output of `setkey -D` of ipsec-tools, and of the BSDs, as `pfkey_sadump1` (libipsec/pfkey_dump.c) writes it: a line with
 * two addresses, then indented "esp mode=... spi=...", "E:" and "A:" with algorithm and key. Keys are hexadecimal in groups
 * of 4 bytes, 32 bytes a line, so long ones run over. With NAT-T ports follow the addresses in brackets.
 *
 * The dump does not say how long the ICV is. For HMAC-SHA-256 Linux's PF_KEY means 96 bits (`aalg_list` in
 * net/xfrm/xfrm_algo.c), the BSDs, which call it hmac-sha2-256, mean 128 (RFC 4868).
 */

/** Two addresses, each with optional port; nothing else. */
export const SETKEY_START = /^([0-9a-f.:]+(?:%\w+)?)(?:\[(\w+)\])* ([0-9a-f.:]+(?:%\w+)?)(?:\[(\w+)\])*\s*$/i;
/** The line behind it. */
export const SETKEY_IDENTITY =
  /^\s+(?:natt\+)?(esp-udp|esp|ah|ipcomp|[a-z0-9-]+) mode=(\S+) spi=(\d+)\(0x[0-9a-f]+\)/;

const CIPHERS: Readonly<Record<string, { cipher: CipherName; saltBytes: number; icvBytes?: number }>> = {
  'aes-cbc': { cipher: 'aes-cbc', saltBytes: 0 },
  'rijndael-cbc': { cipher: 'aes-cbc', saltBytes: 0 },
  'aes-ctr': { cipher: 'aes-ctr', saltBytes: 4 },
  '3des-cbc': { cipher: '3des-cbc', saltBytes: 0 },
  'des-cbc': { cipher: 'des-cbc', saltBytes: 0 },
  'camellia-cbc': { cipher: 'camellia-cbc', saltBytes: 0 },
  null: { cipher: 'null', saltBytes: 0 },
  none: { cipher: 'null', saltBytes: 0 },
  'aes-gcm-16': { cipher: 'aes-gcm', saltBytes: 4, icvBytes: 16 },
  'aes-gcm-12': { cipher: 'aes-gcm', saltBytes: 4, icvBytes: 12 },
  'aes-gcm-8': { cipher: 'aes-gcm', saltBytes: 4, icvBytes: 8 },
  'aes-gmac': { cipher: 'aes-gmac', saltBytes: 4, icvBytes: 16 },
  'chacha20-poly1305': { cipher: 'chacha20-poly1305', saltBytes: 4, icvBytes: 16 },
};

const INTEGRITIES: Readonly<Record<string, { integrity: IntegrityName; icvBytes: number }>> = {
  none: { integrity: 'none', icvBytes: 0 },
  null: { integrity: 'none', icvBytes: 0 },
  'hmac-md5': { integrity: 'hmac-md5', icvBytes: 12 },
  'hmac-sha1': { integrity: 'hmac-sha1', icvBytes: 12 },
  'hmac-sha256': { integrity: 'hmac-sha256', icvBytes: 12 },
  'hmac-sha384': { integrity: 'hmac-sha384', icvBytes: 24 },
  'hmac-sha512': { integrity: 'hmac-sha512', icvBytes: 32 },
  'hmac-sha2-256': { integrity: 'hmac-sha256', icvBytes: 16 },
  'hmac-sha2-384': { integrity: 'hmac-sha384', icvBytes: 24 },
  'hmac-sha2-512': { integrity: 'hmac-sha512', icvBytes: 32 },
  'hmac-ripemd160': { integrity: 'hmac-ripemd160', icvBytes: 12 },
  'aes-xcbc-mac': { integrity: 'aes-xcbc', icvBytes: 12 },
};

interface DumpedAlgorithm {
  readonly line: number;
  readonly name: string;
  key: Uint8Array;
}

interface DumpedEntry {
  readonly line: number;
  readonly source: string;
  readonly destination: string;
  readonly ports: UdpEncapsulation | null;
  protocol: string;
  mode: string;
  spi: number;
  cipher: DumpedAlgorithm | null;
  auth: DumpedAlgorithm | null;
  problem: EntryProblem | null;
}

export function importSetkeyDump(lines: readonly string[]): ImportedEntries {
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

function collectEntries(lines: readonly string[]): DumpedEntry[] {
  const entries: DumpedEntry[] = [];
  let entry: DumpedEntry | null = null;
  let runningOver: DumpedAlgorithm | null = null;
  for (const [index, line] of lines.entries()) {
    const start = SETKEY_START.exec(line);
    if (start !== null) {
      entry = newEntry(start, index + 1);
      entries.push(entry);
      runningOver = null;
    } else if (entry !== null && entry.problem === null) {
      runningOver = readLine(entry, line, index + 1, runningOver);
    }
  }
  return entries;
}

function newEntry(start: RegExpExecArray, line: number): DumpedEntry {
  const [, source = '', sourcePort, destination = '', destinationPort] = start;
  const isPort = sourcePort !== undefined && destinationPort !== undefined;
  const ports = isPort ? { sourcePort: toPort(sourcePort), destinationPort: toPort(destinationPort) } : null;
  return {
    line,
    source,
    destination,
    ports,
    protocol: '',
    mode: '',
    spi: 0,
    cipher: null,
    auth: null,
    problem: null,
  };
}

function toPort(text: string): number {
  const port = Number(text);
  return Number.isInteger(port) && port <= 0xffff ? port : 0;
}

/** @returns the algorithm whose key the next line may continue */
function readLine(
  entry: DumpedEntry,
  line: string,
  lineNumber: number,
  runningOver: DumpedAlgorithm | null,
): DumpedAlgorithm | null {
  const identity = SETKEY_IDENTITY.exec(line);
  if (identity !== null) {
    entry.protocol = identity[1]!;
    entry.mode = identity[2]!;
    entry.spi = Number(identity[3]);
    return null;
  }
  const algorithm = /^\s+([EA]): (\S+)\s*(.*)$/.exec(line);
  if (algorithm !== null) return readAlgorithm(entry, algorithm, lineNumber);
  if (runningOver !== null && /^[0-9a-f\s]+$/i.test(line)) {
    const rest = parseHexKey(line.replace(/\s/g, ''));
    if (rest !== null) runningOver.key = Uint8Array.from([...runningOver.key, ...rest]);
    return runningOver;
  }
  return null;
}

function readAlgorithm(entry: DumpedEntry, match: RegExpExecArray, line: number): DumpedAlgorithm | null {
  const [, kind, name = '', digits = ''] = match;
  const key = parseHexKey(digits.replace(/\s/g, ''));
  if (key === null) {
    entry.problem = new EntryProblem(
      line,
      `key of ${quoteAlgorithm(name)} is not hexadecimal with whole bytes`,
    );
    return null;
  }
  const algorithm = { line, name, key };
  if (kind === 'E') entry.cipher = algorithm;
  else entry.auth = algorithm;
  return algorithm;
}

function toAssociation(entry: DumpedEntry, problems: EntryProblem[]): SecurityAssociation {
  const suite = suiteOf(entry, problems);
  const destination = readAddress(entry.destination, entry.line);
  return new SecurityAssociation({
    suite,
    spi: entry.spi,
    source: readAddress(entry.source, entry.line),
    destination,
    mode: readMode(entry.mode),
    encryptionKey: suite.protocol === 'esp' && suite.keyBits > 0 ? (entry.cipher?.key ?? null) : null,
    integrityKey: suite.integrityKeyBytes === 0 ? null : (entry.auth?.key ?? null),
    udpEncap: entry.protocol === 'esp-udp' ? (entry.ports ?? { sourcePort: 0, destinationPort: 0 }) : null,
  });
}

function readAddress(text: string, line: number): AddressPattern {
  const address = parseIpAddress(text);
  if (address === null) throw new EntryProblem(line, 'source or destination is no IP address');
  return address;
}

function readMode(mode: string): IpsecMode | null {
  return mode === 'transport' || mode === 'tunnel' ? mode : null;
}

function suiteOf(entry: DumpedEntry, problems: EntryProblem[]): EspSuite | AhSuite {
  const { protocol, line } = entry;
  if (protocol === '') throw new EntryProblem(line, 'no "esp mode=... spi=..." line: is the file cut off?');
  if (protocol !== 'ah' && protocol !== 'esp' && protocol !== 'esp-udp') {
    throw new EntryProblem(line, `entry for ${protocol.slice(0, 12)} left out: only esp and ah are read`);
  }
  const integrity = integrityOf(entry);
  if (integrity.integrity === 'hmac-sha256' && integrity.icvBytes === 12) {
    problems.push(
      new EntryProblem(
        entry.auth!.line,
        'hmac-sha256 taken as 96 bits, as Linux does for PF_KEY; from a BSD it would be 128',
      ),
    );
  }
  const suite =
    protocol === 'ah'
      ? ahSuiteOf(integrity.integrity, integrity.icvBytes)
      : espSuiteOfEntry(entry, integrity);
  if (suite !== null) return suite;
  const keyBytes = entry.cipher?.key.length ?? 0;
  const what =
    protocol === 'ah' ? 'AH without authentication' : `no known suite with a cipher key of ${keyBytes} bytes`;
  throw new EntryProblem(line, `${what}: entry left out`);
}

function integrityOf({ auth }: DumpedEntry): { integrity: IntegrityName; icvBytes: number } {
  if (auth === null) return { integrity: 'none', icvBytes: 0 };
  const known = Object.hasOwn(INTEGRITIES, auth.name) ? INTEGRITIES[auth.name] : undefined;
  if (known !== undefined) return known;
  throw new EntryProblem(
    auth.line,
    `unknown authentication algorithm ${quoteAlgorithm(auth.name)}: entry left out`,
  );
}

function espSuiteOfEntry(
  { cipher, line }: DumpedEntry,
  { integrity, icvBytes }: { integrity: IntegrityName; icvBytes: number },
): EspSuite | null {
  if (cipher === null) throw new EntryProblem(line, 'ESP entry without an "E:" line: is the file cut off?');
  const known = Object.hasOwn(CIPHERS, cipher.name) ? CIPHERS[cipher.name] : undefined;
  if (known === undefined) {
    throw new EntryProblem(
      cipher.line,
      `unknown encryption algorithm ${quoteAlgorithm(cipher.name)}: entry left out`,
    );
  }
  const keyBits = known.cipher === 'null' ? 0 : (cipher.key.length - known.saltBytes) * 8;
  if (known.icvBytes !== undefined) {
    return espSuiteOf({ cipher: known.cipher, keyBits, integrity: 'none', icvBytes: known.icvBytes });
  }
  return espSuiteOf({ cipher: known.cipher, keyBits, integrity, icvBytes });
}
