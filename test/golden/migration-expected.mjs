// Writes test/golden/expected/migration-streams.json: the TCP streams of migrations as tshark puts them together, decrypted
// where there are keys. Run from the repository's root:
//   node test/golden/migration-expected.mjs
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';

const OUTPUT = 'test/golden/expected/migration-streams.json';
const FOLDERS = ['captures/migration', 'captures/migration-variants'];
/** In the content of the guest's pages. */
const PLANTED = 'root password: correct-horse-battery-staple';
const CIPHERS = {
  'cbc(aes)': 'AES-CBC [RFC3602]',
  'rfc4106(gcm(aes))': 'AES-GCM with 16 octet ICV [RFC4106]',
};
const HASHES = { 'hmac(sha256)': 'HMAC-SHA-256-128 [RFC4868]' };
const commands = new Set();

/** Options with which tshark opens the ESP of one `ip xfrm state` listing. */
function keyOptions(path) {
  const options = ['-o', 'esp.enable_encryption_decode:TRUE'];
  for (const state of readFileSync(path, 'utf8').split(/^(?=src )/m)) {
    const spi = /proto esp spi (0x[0-9a-f]+)/.exec(state);
    if (spi === null) continue;
    const [, source, destination] = /^src (\S+) dst (\S+)/.exec(state);
    const aead = /aead (\S+) (0x[0-9a-f]+)/.exec(state);
    const [, cipher, key] = aead ?? /enc (\S+) (0x[0-9a-f]+)/.exec(state);
    const hash = /auth-trunc (\S+) (0x[0-9a-f]+)/.exec(state);
    const row = ['IPv4', source, destination, spi[1], CIPHERS[cipher], key];
    row.push(aead === null ? HASHES[hash[1]] : 'NULL', aead === null ? hash[2] : '');
    options.push('-o', `uat:esp_sa:${row.map((text) => JSON.stringify(text)).join(',')}`);
  }
  return options;
}

function tshark(path, options, args) {
  const run = spawnSync('tshark', ['-n', '-r', path, ...options, ...args], {
    encoding: 'utf8',
    maxBuffer: 1 << 30,
  });
  if (run.status !== 0) throw new Error(`tshark ${path}: ${run.stderr}`);
  const keys = options.length > 0 ? ' -o esp.enable_encryption_decode:TRUE -o uat:esp_sa:...' : '';
  commands.add([`tshark -n -r FILE${keys}`, ...args].join(' '));
  return run.stdout;
}

/** What the packets of one direction carried by their lengths, captured or not; retransmissions left out. */
function payloadOf(path, options, stream, source) {
  const filter = `tcp.stream == ${stream} && tcp.srcport == ${source.split(':').at(-1)} && tcp.len > 0 && !tcp.analysis.retransmission`;
  const lengths = tshark(path, options, ['-T', 'fields', '-e', 'tcp.len', '-Y', filter]);
  return lengths.split('\n').reduce((sum, length) => sum + Number(length), 0);
}

/** From the client to the server, as tshark puts it together. */
function follow(path, options, stream) {
  const text = tshark(path, options, ['-q', '-z', `follow,tcp,raw,${stream}`]);
  const lines = text.split('\n').filter((line) => /^[0-9a-f]+$/.test(line));
  const bytes = Buffer.from(lines.join(''), 'hex');
  const [, source] = /^Node 0: (\S+)/m.exec(text);
  const [, destination] = /^Node 1: (\S+)/m.exec(text);
  return {
    source,
    destination,
    bytes: bytes.length,
    payloadBytes: payloadOf(path, options, stream, source),
    sha256: createHash('sha256').update(bytes).digest('hex'),
    planted: bytes.toString('latin1').split(PLANTED).length - 1,
  };
}

function examine(path) {
  const xfrm = path.replace(/\.pcap(\.gz)?$/, '.xfrm');
  const options = existsSync(xfrm) ? keyOptions(xfrm) : [];
  const fields = ['-T', 'fields', '-e', 'tcp.stream', '-Y', 'tcp.len > 0'];
  const numbers = [...new Set(tshark(path, options, fields).split('\n').filter(Boolean))];
  return {
    closedPlanted: options.length === 0 ? null : plantedIn(path),
    streams: numbers.map((number) => follow(path, options, number)),
  };
}

/** In the file as it is. */
function plantedIn(path) {
  return readFileSync(path).toString('latin1').split(PLANTED).length - 1;
}

const captures = FOLDERS.filter((folder) => existsSync(folder)).flatMap((folder) =>
  readdirSync(folder)
    .filter((name) => /\.pcap(\.gz)?$/.test(name))
    .sort()
    .map((name) => `${folder}/${name}`),
);
const expected = Object.fromEntries(captures.map((path) => [path, examine(path)]));
const version = spawnSync('tshark', ['--version'], { encoding: 'utf8' }).stdout.split('\n')[0];
writeFileSync(
  OUTPUT,
  `${JSON.stringify({ tshark: version, commands: [...commands].sort(), captures: expected }, null, 2)}\n`,
);
