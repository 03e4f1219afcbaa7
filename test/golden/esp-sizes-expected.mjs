// node test/golden/esp-sizes-expected.mjs > test/golden/expected/esp-sizes.json
//
// Asks tshark, with the keys beside each capture, how long each ESP packet is and how much padding it found in it.
// Fragments are left out: only the whole ESP packet counts. tshark 4.0 cannot open ChaCha20-Poly1305.

import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const KEY_16 = '0x000102030405060708090a0b0c0d0e0f';
const KEY_20 = `${KEY_16}10111213`;
const KEY_32 = `${KEY_20}1415161718191a1b1c1d1e1f`;
const SHA256 = ['HMAC-SHA-256-128 [RFC4868]', KEY_32];
const CAPTURES = {
  't4-cbc-sha1': ['aes128-sha1', 'AES-CBC [RFC3602]', KEY_16, 'HMAC-SHA-1-96 [RFC2404]', KEY_20],
  't4-ah-esp-cbc-sha1': ['aes128-sha1', 'AES-CBC [RFC3602]', KEY_16, 'HMAC-SHA-1-96 [RFC2404]', KEY_20],
  't4-cbc-sha256': ['aes256-sha256', 'AES-CBC [RFC3602]', KEY_32, ...SHA256],
  'tun4-natt-cbc-sha256': ['aes256-sha256', 'AES-CBC [RFC3602]', KEY_32, ...SHA256],
  't6-ah-esp': ['aes128-sha256', 'AES-CBC [RFC3602]', KEY_16, ...SHA256],
  't4-gcm16': ['aes128gcm16', 'AES-GCM with 16 octet ICV [RFC4106]', KEY_20, 'NULL', ''],
  't4-esn-gcm16': ['aes128gcm16', 'AES-GCM with 16 octet ICV [RFC4106]', KEY_20, 'NULL', ''],
  't4-null-sha256': ['null-sha256', 'NULL', '', ...SHA256],
};
const FIELDS = [
  'ip.len',
  'ipv6.plen',
  'ah.length',
  'udp.length',
  'esp.pad_len',
  'ip.flags.mf',
  'ip.frag_offset',
  'ipv6.fraghdr.nxt',
];

function examine(name, [suite, ...columns]) {
  const family = name.startsWith('t6') ? 'IPv6' : 'IPv4';
  const sa = [family, '*', '*', '*', ...columns].map((column) => `"${column}"`).join(',');
  const args = [
    '-r',
    fileURLToPath(new URL(`../../captures/ipsec/${name}.pcap`, import.meta.url)),
    '-Y',
    'esp.pad_len',
  ];
  args.push(
    '-o',
    'esp.enable_encryption_decode:TRUE',
    '-o',
    `uat:esp_sa:${sa}`,
    '-o',
    'ip.defragment:FALSE',
    '-o',
    'ipv6.defragment:FALSE',
  );
  args.push('-T', 'fields', '-E', 'occurrence=f', ...FIELDS.flatMap((field) => ['-e', field]));
  const run = spawnSync('tshark', args, { encoding: 'utf8' });
  if (run.status !== 0) throw new Error(run.stderr);
  const counts = new Map();
  let largestDatagramBytes = 0;
  for (const row of run.stdout
    .trimEnd()
    .split('\n')
    .map((line) => line.split('\t'))) {
    const [ipLen, plen, ah, udp, pad, more, offset, fragment] = row;
    if (more === '1' || Number(offset) > 0 || fragment) continue;
    const ipPayload = family === 'IPv6' ? Number(plen) : Number(ipLen) - 20;
    largestDatagramBytes = Math.max(largestDatagramBytes, ipPayload + (family === 'IPv6' ? 40 : 20));
    const inUdp = name.includes('natt') && udp !== '' ? 8 : 0;
    const key = `${ipPayload - (ah === '' ? 0 : (Number(ah) + 2) * 4) - inUdp} ${pad}`;
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  const packets = [...counts].map(([key, count]) => [...key.split(' ').map(Number), count]);
  return {
    suite,
    largestDatagramBytes,
    espBytesPadBytesCount: packets.sort((a, b) => a[0] - b[0] || a[1] - b[1]),
  };
}

const captures = Object.fromEntries(Object.entries(CAPTURES).map(([name, sa]) => [name, examine(name, sa)]));
const entries = Object.entries(captures).map(
  ([name, value]) => `    ${JSON.stringify(name)}: ${JSON.stringify(value)}`,
);
console.log(
  `{\n  "command": "node test/golden/esp-sizes-expected.mjs",\n  "captures": {\n${entries.join(',\n')}\n  }\n}`,
);
