// node dist/test/golden/ipsec-open-expected.js
//
// Has tshark decrypt the bundled captures, and packets built for suites without a capture, and writes hashes of what it
// finds to test/golden/expected/ipsec-open.json, so that the tests need no tshark.

import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { importSecurityAssociations } from '../../src/ipsec/import/import-security-associations.js';
import type { SecurityAssociation } from '../../src/ipsec/security-association.js';
import { repoPath } from '../repo-root.js';
import { runTool } from '../tool.js';
import {
  BUILT_SUITES,
  builtAssociations,
  builtPackets,
  DECRYPTED_CAPTURES,
  decryptedLine,
  writePcap,
} from './ipsec-open-cases.js';

const NO_REASSEMBLY = ['-o', 'ip.defragment:FALSE', '-o', 'ipv6.defragment:FALSE'];
const FRAGMENTS = 'ip.flags.mf == 1 || ip.frag_offset > 0 || ipv6.fraghdr';
const COMBINED = new Set(['aes-gcm']);

function tsharkNames(association: SecurityAssociation): [cipher: string, hash: string] {
  const built = BUILT_SUITES.find(({ suite }) => suite === association.suite.name);
  if (built !== undefined) return [built.cipher, built.hash];
  const { suite } = association;
  if (suite.protocol === 'esp' && COMBINED.has(suite.cipher))
    return ['AES-GCM with 16 octet ICV [RFC4106]', 'NULL'];
  const hash = suite.integrity === 'hmac-sha1' ? 'HMAC-SHA-1-96 [RFC2404]' : 'HMAC-SHA-256-128 [RFC4868]';
  return ['AES-CBC [RFC3602]', hash];
}

function keyOptions(associations: readonly SecurityAssociation[]): string[] {
  const rows = associations
    .filter(({ protocol }) => protocol === 'esp')
    .map((association) => {
      const family = association.family === 6 ? 'IPv6' : 'IPv4';
      const [cipher, hash] = tsharkNames(association);
      const keys = [association.encryptionKey, association.integrityKey].map((key) =>
        key === null ? '' : `0x${Buffer.from(key.bytes()).toString('hex')}`,
      );
      const spi = `0x${association.spi.toString(16).padStart(8, '0')}`;
      const cells = [family, '*', '*', spi, cipher, keys[0], hash, keys[1]];
      return ['-o', `uat:esp_sa:${cells.map((cell) => `"${cell}"`).join(',')}`];
    });
  const switches = ['esp.enable_encryption_decode:TRUE', 'esp.enable_authentication_check:TRUE'];
  return [...switches.flatMap((option) => ['-o', option]), ...rows.flat()];
}

/** Decrypted data of each frame, out of hexadecimal dumps behind summary lines. */
function parseDumps(text: string): Map<number, Buffer> {
  const decrypted = new Map<number, string>();
  let frame = 0;
  let isDecrypted = false;
  for (const line of text.split('\n')) {
    const dump = /^[0-9a-f]{4,} {2}((?:[0-9a-f]{2} ?){1,16})/.exec(line);
    const title = /^(.+) \(\d+ bytes\):$/.exec(line);
    const summary = /^\s*(\d+)\s+\d+\.\d+ /.exec(line);
    if (title !== null) isDecrypted = title[1] === 'Decrypted Data';
    else if (dump !== null) {
      if (isDecrypted) decrypted.set(frame, (decrypted.get(frame) ?? '') + dump[1]!.replaceAll(' ', ''));
    } else if (summary !== null) {
      frame = Number(summary[1]);
      isDecrypted = false;
    }
  }
  return new Map([...decrypted].map(([number, hex]) => [number, Buffer.from(hex, 'hex')]));
}

function describe(path: string, shownPath: string, associations: readonly SecurityAssociation[]) {
  const options = [...NO_REASSEMBLY, ...keyOptions(associations)];
  const commands: string[] = [];
  const tshark = (...args: string[]) => {
    const shown = args.map((arg) => (/^[\w./:-]+$/.test(arg) ? arg : `'${arg}'`)).join(' ');
    commands.push(`tshark -n -r ${shownPath} ${shown}`);
    return runTool('tshark', ['-n', '-r', path, ...args]).stdout;
  };
  const fragments = new Set(
    tshark(...NO_REASSEMBLY, '-Y', FRAGMENTS, '-T', 'fields', '-e', 'frame.number')
      .split('\n')
      .map(Number),
  );
  const good = tshark(...options, '-Y', 'esp.icv_good == 1', '-T', 'fields', '-e', 'frame.number');
  const dumps = parseDumps(tshark(...options, '-Y', 'esp', '-P', '-x'));
  const whole = [...dumps].filter(([frame]) => !fragments.has(frame)).sort(([a], [b]) => a - b);
  return {
    icvGood: good.split('\n').filter((line) => line !== '' && !fragments.has(Number(line))).length,
    decrypted: whole.length,
    sha256: sha256(whole.map(([frame, plain]) => decryptedLine(frame, plain)).join('')),
    commands,
  };
}

function sha256(data: string | Uint8Array): string {
  return createHash('sha256').update(data).digest('hex');
}

function describeCapture(name: string) {
  const text = readFileSync(repoPath(`captures/${name}.xfrm`), 'utf8');
  const { associations } = importSecurityAssociations(text, name);
  const path = `captures/${name}.pcap`;
  return { name, ...describe(repoPath(path), path, associations) };
}

function describeBuilt() {
  const folder = mkdtempSync(join(tmpdir(), 'tare-golden-'));
  try {
    const path = join(folder, 'built.pcap');
    const pcap = writePcap(builtPackets());
    writeFileSync(path, pcap);
    return { pcapSha256: sha256(pcap), ...describe(path, 'built.pcap', builtAssociations()) };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const expected = {
  tshark: runTool('tshark', ['--version']).stdout.split('\n')[0],
  what: 'sha256 over "FRAME:HEX\\n" of all unfragmented ESP packets; HEX is payload, padding, pad length, next header',
  remarks: ['tshark 4.0 does not know ESN: it decrypts t4-esn-gcm16 and calls every ICV bad'],
  captures: DECRYPTED_CAPTURES.map(describeCapture),
  built: describeBuilt(),
};
writeFileSync(repoPath('test/golden/expected/ipsec-open.json'), `${JSON.stringify(expected, null, 2)}\n`);
