// Writes test/golden/expected/capture.json: what tshark makes of the captures. Run from the repository's root:
//   node test/golden/capture-expected.mjs
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readdirSync, writeFileSync } from 'node:fs';

const FIELDS = [
  '-T',
  'fields',
  '-e',
  'frame.number',
  '-e',
  'frame.time_epoch',
  '-e',
  'frame.len',
  '-e',
  'frame.cap_len',
];
const files = ['captures/ipsec', 'captures/migration', 'captures/formats'].flatMap((folder) =>
  readdirSync(folder)
    .filter((name) => /\.(pcap|pcapng)(\.gz)?$/.test(name))
    .sort()
    .map((name) => `${folder}/${name}`),
);
const captures = files.map((file) => {
  const { stdout, status } = spawnSync('tshark', ['-n', '-r', file, ...FIELDS], {
    encoding: 'utf8',
    maxBuffer: 1 << 28,
    env: { ...process.env, TZ: 'UTC' },
  });
  if (status !== 0) throw new Error(`tshark failed on ${file}`);
  const rows = stdout.trimEnd().split('\n');
  const column = (index) => rows.reduce((sum, row) => sum + Number(row.split('\t')[index]), 0);
  const sha256 = createHash('sha256').update(stdout).digest('hex');
  return { file, frames: rows.length, wireBytes: column(2), capturedBytes: column(3), sha256 };
});
const command = `tshark -n -r FILE ${FIELDS.join(' ')}`;
const note = 'sha256 of the standard output of the command; made by test/golden/capture-expected.mjs';
writeFileSync(
  'test/golden/expected/capture.json',
  `${JSON.stringify({ command, note, captures }, null, 2)}\n`,
);
