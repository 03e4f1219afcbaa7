// Writes test/golden/expected/timeline.json: wire bytes of AH and ESP over time as tshark sees them.
// Run from the repository's root:
//   node test/golden/timeline-expected.mjs
import { spawnSync } from 'node:child_process';
import { readdirSync, writeFileSync } from 'node:fs';

const OUTPUT = 'test/golden/expected/timeline.json';
const INTERVAL_MS = 128;
const FIELDS = [
  'frame.time_epoch',
  'frame.len',
  'frame.protocols',
  'ip.reassembled_in',
  'ipv6.reassembled.in',
];

/** Frames in the order of the capture. tshark shows the headers of a datagram in the frame that completes it. */
function framesOf(path) {
  const options = ['-2', '-n', '-r', path, '-o', 'ip.defragment:TRUE', '-T', 'fields', '-E', 'occurrence=f'];
  const run = spawnSync('tshark', [...options, ...FIELDS.flatMap((field) => ['-e', field])], {
    encoding: 'utf8',
    maxBuffer: 1 << 30,
  });
  if (run.status !== 0) throw new Error(`tshark ${path}: ${run.stderr}`);
  return run.stdout
    .trimEnd()
    .split('\n')
    .map((line) => {
      const [time, bytes, protocols, wholeIn4, wholeIn6] = line.split('\t');
      const [seconds, fraction] = time.split('.');
      return {
        ms: Number(seconds) * 1000 + Number(fraction.slice(0, 3)),
        bytes: Number(bytes),
        protocols: protocols.split(':'),
        wholeIn: Number(wholeIn4 || wholeIn6 || 0),
      };
    });
}

/** @returns null if there is neither AH nor ESP */
function classOf(protocols) {
  if (protocols.includes('ah')) return protocols.includes('esp') ? 'ahEsp' : 'ah';
  return protocols.includes('esp') ? 'esp' : null;
}

/** Bytes by class; key: number of the interval since 1970. */
function bytesOverTime(path) {
  const frames = framesOf(path);
  const byClass = {};
  for (const { ms, bytes, protocols, wholeIn } of frames) {
    const kind = classOf(wholeIn > 0 ? frames[wholeIn - 1].protocols : protocols);
    if (kind === null) continue;
    byClass[kind] ??= {};
    const interval = Math.floor(ms / INTERVAL_MS);
    byClass[kind][interval] = (byClass[kind][interval] ?? 0) + bytes;
  }
  return byClass;
}

const captures = Object.fromEntries(
  readdirSync('captures/ipsec')
    .filter((name) => name.endsWith('.pcap'))
    .map((name) => `captures/ipsec/${name}`)
    .map((path) => [path, bytesOverTime(path)]),
);
writeFileSync(OUTPUT, `${JSON.stringify({ intervalMs: INTERVAL_MS, captures }, null, 1)}\n`);
