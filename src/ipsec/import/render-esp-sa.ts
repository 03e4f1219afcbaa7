import { formatAddressPattern } from '../ip-address.js';
import type { SecurityAssociation } from '../security-association.js';
import type { EspSuite } from '../suite-table.js';
import { WIRESHARK_CIPHERS, WIRESHARK_INTEGRITIES } from './wireshark-algorithms.js';

export interface RenderEspSaOptions {
  /**
   * Use a name that Wireshark got after 4.0, ChaCha20-Poly1305. Wireshark 4.0 refuses the whole file for them.
   * Default false.
   */
  readonly newNames?: boolean;
}

export interface RenderedEspSa {
  /** Content of a file `esp_sa`. **Holds keys in the clear**: write it with mode 0600, print it nowhere. */
  readonly text: string;
  readonly skipped: readonly SkippedAssociation[];
}

export interface SkippedAssociation {
  readonly spi: number;
  readonly why: string;
}

/**
 * Wireshark's ESP SA table for these associations, to be put as `esp_sa` into a Wireshark profile, with "Attempt to
 * detect/decode encrypted ESP payloads" switched on. What Wireshark cannot use is skipped with the reason.
 *
 * An integrity algorithm without a name in Wireshark (AES-XCBC, AES-CMAC, odd truncations) becomes "ANY n bit", which
 * decrypts and does not check. Associations with extended sequence numbers get two more columns, which Wireshark 4.0 passes
 * over: it decrypts, but calls their ICVs bad.
 */
export function renderEspSa(
  associations: readonly SecurityAssociation[],
  options: RenderEspSaOptions = {},
): RenderedEspSa {
  const lines: string[] = ["# ESP security associations for Wireshark's esp_sa. Secret: holds keys."];
  const skipped: SkippedAssociation[] = [];
  for (const sa of associations) {
    const line = renderLine(sa, options.newNames ?? false);
    if (typeof line === 'string') lines.push(line);
    else skipped.push({ spi: sa.spi, why: line.why });
  }
  return { text: `${lines.join('\n')}\n`, skipped };
}

function renderLine(sa: SecurityAssociation, newNames: boolean): string | { why: string } {
  const { suite } = sa;
  if (suite.protocol !== 'esp') return { why: "Wireshark's table holds ESP only, this is AH" };
  if (!sa.hasKeys) return { why: 'no key is known' };
  const cipher = cipherName(suite, newNames);
  if (cipher === null) return { why: `Wireshark has no name for ${suite.name}` };
  const auth = integrityName(suite);
  if (auth === null) return { why: `Wireshark has no ICV of ${suite.icvBytes} bytes` };
  const source = formatAddressPattern(sa.source);
  const destination = formatAddressPattern(sa.destination);
  const spi = renderSpi(sa);
  // Prefixes that cut through an octet would need "/20", which Wireshark 4.0 honours for the first packet only.
  if (source === null || destination === null || spi === null)
    return { why: 'its wildcard has no form in Wireshark' };
  const columns = [
    sa.family === null ? 'Any' : `IPv${sa.family}`,
    source,
    destination,
    spi,
    cipher,
    hex(sa.encryptionKey?.bytes()),
    auth,
    hex(sa.integrityKey?.bytes()),
    ...(sa.esn ? ['64-bit', sa.sequenceHigh.toString(16)] : []),
  ];
  if (sa.family === null && !newNames)
    return { why: 'Wireshark 4.0 has no entries for IPv4 and IPv6 at once' };
  return columns.map((column) => `"${column}"`).join(',');
}

function cipherName(suite: EspSuite, newNames: boolean): string | null {
  const match = WIRESHARK_CIPHERS.find(
    (row) =>
      row.cipher === suite.cipher &&
      (row.icvBytes === null ? !suite.combinedMode : row.icvBytes === suite.icvBytes) &&
      (newNames || !row.after40),
  );
  return match?.name ?? null;
}

function integrityName(suite: EspSuite): string | null {
  const icvBytes = suite.combinedMode ? 0 : suite.icvBytes;
  const exact = WIRESHARK_INTEGRITIES.find(
    (row) => row.integrity === suite.integrity && row.icvBytes === icvBytes,
  );
  const anyOfThatLength = WIRESHARK_INTEGRITIES.find(
    (row) => row.integrity === 'unknown' && row.icvBytes === icvBytes,
  );
  return (exact ?? anyOfThatLength)?.name ?? null;
}

function renderSpi({ spi, spiMask }: SecurityAssociation): string | null {
  if (spiMask === 0) return '*';
  const digits = spi.toString(16).padStart(8, '0');
  const mask = spiMask.toString(16).padStart(8, '0');
  if (!/^[0f]{8}$/.test(mask)) return null;
  return `0x${Array.from(digits, (digit, i) => (mask[i] === 'f' ? digit : '*')).join('')}`;
}

function hex(key: Uint8Array | undefined): string {
  return key === undefined ? '' : `0x${Buffer.from(key).toString('hex')}`;
}
