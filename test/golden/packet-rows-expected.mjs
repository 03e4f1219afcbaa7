// Writes test/golden/expected/packet-rows.json: what tshark makes of the frames and datagrams of the captures.
// Build first, then run from the repository's root:
//   node test/golden/packet-rows-expected.mjs
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readdirSync, writeFileSync } from 'node:fs';
import {
  datagramArguments,
  datagramLinesOfTshark,
  rowArguments,
  rowLinesOfTshark,
} from '../../dist/test/golden/packet-rows.js';

function tshark(args) {
  const { stdout, status, stderr } = spawnSync('tshark', args, { encoding: 'utf8', maxBuffer: 1 << 28 });
  if (status !== 0) throw new Error(`tshark ${args.join(' ')}: ${stderr}`);
  return stdout;
}

const digest = (lines) => createHash('sha256').update(lines.join('\n')).digest('hex');
const captures = ['captures/ipsec', 'captures/migration'].flatMap((folder) =>
  readdirSync(folder)
    .filter((name) => /\.pcap(\.gz)?$/.test(name))
    .sort()
    .map((name) => {
      const file = `${folder}/${name}`;
      const rows = rowLinesOfTshark(tshark(rowArguments(file)));
      const datagrams = datagramLinesOfTshark(tshark(datagramArguments(file)));
      const kinds = {};
      for (const row of rows) {
        const headers = row.split('\t')[2];
        kinds[headers] = (kinds[headers] ?? 0) + 1;
      }
      const sum = (lines, column) =>
        lines.reduce((total, line) => total + Number(line.split('\t')[column]), 0);
      return {
        file,
        frames: rows.length,
        wireBytes: sum(rows, 1),
        kinds,
        rowsSha256: digest(rows),
        datagrams: datagrams.length,
        datagramBytes: sum(datagrams, 1),
        datagramsSha256: digest(datagrams),
      };
    }),
);
const commands = [rowArguments('FILE'), datagramArguments('FILE')].map((args) => `tshark ${args.join(' ')}`);
const note =
  'sha256 of the lines that test/golden/packet-rows.ts makes of the output; made by packet-rows-expected.mjs';
const version = tshark(['--version']).split('\n')[0];
writeFileSync(
  'test/golden/expected/packet-rows.json',
  `${JSON.stringify({ tshark: version, commands, note, captures }, null, 1)}\n`,
);
