import { type AddressPattern, parseAddressPattern } from '../ip-address.js';
import { SecurityAssociation } from '../security-association.js';
import { espSuiteOf } from '../suite.js';
import type { EspSuite } from '../suite-table.js';
import { parseHexKey } from './hex-key.js';
import { EntryProblem } from './import-error.js';
import {
  WIRESHARK_CIPHERS,
  WIRESHARK_INTEGRITIES,
  WIRESHARK_UNSUPPORTED,
  type WiresharkCipher,
  type WiresharkIntegrity,
} from './wireshark-algorithms.js';
import { asProblem, type ImportedEntries } from './xfrm-state.js';

/*
 * Wireshark's ESP SA table, the file `esp_sa` of a profile: one SA a line, fields quoted and parted by commas, `#` starts a
 * comment. Columns: protocol, source, destination, SPI, encryption, its key, authentication, its key; newer Wiresharks add
 * "SN" (32-bit or 64-bit) and "ESN High Bits" (hexadecimal). Keys are `0x...` or, as Wireshark takes them, plain text.
 */

/** A line of the table, told from the other formats by its first column. */
export const ESP_SA_LINE = /^\s*"(IPv4|IPv6|Any)"\s*,/i;

export function importEspSaTable(lines: readonly string[]): ImportedEntries {
  const associations: SecurityAssociation[] = [];
  const problems: EntryProblem[] = [];
  for (const [index, line] of lines.entries()) {
    if (/^\s*(#|$)/.test(line)) continue;
    try {
      associations.push(parseLine(line, index + 1, problems));
    } catch (error) {
      problems.push(asProblem(error, index + 1));
    }
  }
  return { associations, problems };
}

function parseLine(text: string, line: number, problems: EntryProblem[]): SecurityAssociation {
  const fields = splitFields(text);
  if (fields === null || (fields.length !== 8 && fields.length !== 10)) {
    const count = fields === null ? 'broken quotes' : `${fields.length} fields`;
    throw new EntryProblem(
      line,
      `${count} instead of 8 or 10 quoted fields: export the table from Wireshark again`,
    );
  }
  const [
    protocol = '',
    source = '',
    destination = '',
    spi = '',
    cipher = '',
    key = '',
    auth = '',
    authKey = '',
  ] = fields;
  const family = readFamily(protocol, line);
  const cipherKey = readKey(key, 6, line);
  const suite = readSuite(cipher, auth, cipherKey.length, line, problems);
  return new SecurityAssociation({
    suite,
    ...readSpi(spi, line),
    family,
    source: readAddress(source, 2, family, line),
    destination: readAddress(destination, 3, family, line),
    encryptionKey: suite.keyBits === 0 ? null : cipherKey,
    integrityKey: suite.integrityKeyBytes === 0 ? null : readKey(authKey, 8, line),
    esn: readEsn(fields[8] ?? '32-bit', line),
    sequenceHigh: readSequenceHigh(fields[9] ?? '0', line),
  });
}

/**
 * Fields of a line in Wireshark's table files: quoted, where `\x22` stands for a quotation mark, or bare hexadecimal.
 * @returns null if quotes do not close
 */
function splitFields(text: string): string[] | null {
  const fields: string[] = [];
  const field = /(?:\s*"((?:[^"\\]|\\.)*)"\s*|([^",]*))(,|$)/y;
  for (;;) {
    const match = field.exec(text);
    if (match === null) return null;
    fields.push(match[1] === undefined ? match[2]!.trim() : unescapeField(match[1]));
    if (match[3] === '') return fields;
  }
}

function unescapeField(text: string): string {
  return text.replace(/\\x([0-9a-f]{2})|\\(.)/gi, (_, hex: string | undefined, other: string | undefined) =>
    hex === undefined ? other! : String.fromCharCode(Number.parseInt(hex, 16)),
  );
}

function readFamily(text: string, line: number): 4 | 6 | null {
  switch (text.toLowerCase()) {
    case 'ipv4':
      return 4;
    case 'ipv6':
      return 6;
    case 'any':
      return null;
    default:
      throw new EntryProblem(line, 'column 1 (protocol) is not IPv4, IPv6 or Any');
  }
}

/** With protocol "Any" Wireshark does not look at addresses. */
function readAddress(
  text: string,
  column: number,
  family: 4 | 6 | null,
  line: number,
): AddressPattern | null {
  if (family === null) return null;
  const address = parseAddressPattern(text, family);
  if (address !== undefined) return address;
  throw new EntryProblem(
    line,
    `column ${column} is no IPv${family} address or pattern such as "*" or "10.0.*.1"`,
  );
}

/** `*`, a number as C reads it (0x hexadecimal, 0 octal), or 0x and 8 digits with `*` among them. */
function readSpi(text: string, line: number): { spi: number; spiMask: number } {
  if (text === '*') return { spi: 0, spiMask: 0 };
  if (/^0x[0-9a-f*]{8}$/i.test(text) && text.includes('*')) {
    const digits = text.slice(2);
    const mask = digits.replace(/[^*]/g, 'f').replaceAll('*', '0');
    return { spi: Number.parseInt(digits.replaceAll('*', '0'), 16), spiMask: Number.parseInt(mask, 16) };
  }
  const value = readCNumber(text);
  if (value === null || value > 0xffff_ffff) {
    throw new EntryProblem(
      line,
      'column 4 (SPI) is no 32-bit number: write 0x00000100, 256, 0x000001** or *',
    );
  }
  return { spi: value, spiMask: 0xffff_ffff };
}

function readCNumber(text: string): number | null {
  if (/^0x[0-9a-f]{1,16}$/i.test(text)) return Number.parseInt(text, 16);
  if (/^0[0-7]{1,11}$/.test(text)) return Number.parseInt(text, 8);
  return /^\d{1,10}$/.test(text) ? Number(text) : null;
}

function readKey(text: string, column: number, line: number): Uint8Array {
  if (!/^0x/i.test(text)) return Uint8Array.from(Buffer.from(text, 'latin1'));
  const digits = text.slice(2);
  const key = parseHexKey(digits.length % 2 === 0 ? digits : `0${digits}`);
  if (key === null)
    throw new EntryProblem(line, `column ${column} (key) starts with 0x but is not hexadecimal`);
  return key;
}

function readSuite(
  cipherName: string,
  authName: string,
  keyBytes: number,
  line: number,
  problems: EntryProblem[],
): EspSuite {
  const cipher = WIRESHARK_CIPHERS.find(({ name }) => sameName(name, cipherName));
  if (cipher === undefined) throw unknownName('column 5 (encryption)', cipherName, line);
  const auth = WIRESHARK_INTEGRITIES.find(({ name }) => sameName(name, authName));
  if (auth === undefined) throw unknownName('column 7 (authentication)', authName, line);
  const suite =
    cipher.cipher === 'aes-gcm' || cipher.icvBytes !== null
      ? combinedSuite(cipher, auth, keyBytes, line, problems)
      : espSuiteOf({
          cipher: cipher.cipher,
          keyBits: cipher.cipher === 'null' ? 0 : (keyBytes - cipher.saltBytes) * 8,
          integrity: auth.integrity,
          icvBytes: auth.icvBytes,
        });
  if (suite !== null) return suite;
  if (cipher.cipher === 'null')
    throw new EntryProblem(line, 'neither encryption nor authentication: not an ESP SA');
  throw new EntryProblem(line, `${cipher.name} takes no key of ${keyBytes} bytes (column 6, salt included)`);
}

function combinedSuite(
  cipher: WiresharkCipher,
  auth: WiresharkIntegrity,
  keyBytes: number,
  line: number,
  problems: EntryProblem[],
): EspSuite | null {
  let icvBytes = cipher.icvBytes ?? auth.icvBytes;
  if (icvBytes === 0) {
    icvBytes = 16;
    problems.push(new EntryProblem(line, `${cipher.name} names no ICV length: 16 bytes are assumed`));
  }
  const keyBits = (keyBytes - cipher.saltBytes) * 8;
  return espSuiteOf({ cipher: cipher.cipher, keyBits, integrity: 'none', icvBytes });
}

function sameName(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase();
}

function unknownName(column: string, name: string, line: number): EntryProblem {
  if (WIRESHARK_UNSUPPORTED.some((known) => sameName(known, name))) {
    return new EntryProblem(line, `${column}: ${name} is not supported: entry left out`);
  }
  return new EntryProblem(line, `${column} is no algorithm of Wireshark's ESP SA table: entry left out`);
}

function readEsn(text: string, line: number): boolean {
  if (/^(32-bit|)$/i.test(text)) return false;
  if (/^64-bit$/i.test(text)) return true;
  throw new EntryProblem(line, 'column 9 (SN) is not "32-bit" or "64-bit"');
}

function readSequenceHigh(text: string, line: number): number {
  const [, digits] = /^(?:0x)?([0-9a-f]{0,8})$/i.exec(text) ?? [];
  if (digits === undefined)
    throw new EntryProblem(line, 'column 10 (ESN High Bits) is no 32-bit hexadecimal number');
  return digits === '' ? 0 : Number.parseInt(digits, 16);
}
