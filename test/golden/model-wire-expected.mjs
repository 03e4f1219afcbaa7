// Writes test/golden/expected/model-wire.json: the frames that the source of each bundled migration sent, by length, as tshark sees
// them. Run from the repository's root:
//   node test/golden/model-wire-expected.mjs
import { spawnSync } from 'node:child_process';
import { readdirSync, writeFileSync } from 'node:fs';

const OUTPUT = 'test/golden/expected/model-wire.json';
const FOLDER = 'captures/migration';
const FILTER = 'ip.src == 10.9.0.1 && (tcp || esp || ah)';

function framesOf(path) {
  const args = ['-n', '-r', path, '-Y', FILTER, '-T', 'fields', '-e', 'frame.len'];
  const run = spawnSync('tshark', args, { encoding: 'utf8', maxBuffer: 1 << 28 });
  if (run.status !== 0) throw new Error(`tshark ${path}: ${run.stderr}`);
  const counts = new Map();
  for (const line of run.stdout.split('\n').filter(Boolean)) {
    counts.set(Number(line), (counts.get(Number(line)) ?? 0) + 1);
  }
  return Object.fromEntries([...counts].sort(([a], [b]) => a - b));
}

const captures = readdirSync(FOLDER).filter((name) => /\.pcap(\.gz)?$/.test(name));
const expected = {
  tshark: spawnSync('tshark', ['--version'], { encoding: 'utf8' }).stdout.split('\n')[0],
  command: `tshark -n -r FILE -Y '${FILTER}' -T fields -e frame.len`,
  frames: Object.fromEntries(captures.map((name) => [`${FOLDER}/${name}`, framesOf(`${FOLDER}/${name}`)])),
};
writeFileSync(OUTPUT, `${JSON.stringify(expected, null, 1)}\n`);
