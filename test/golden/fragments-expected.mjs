// node test/golden/fragments-expected.mjs > test/golden/expected/fragments.json
//
// Asks tshark how large the IP packets are into which the 2000-byte pings of each capture were fragmented: one list a
// datagram, in the order of the fragment offsets.

import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const directory = fileURLToPath(new URL('../../captures/ipsec/', import.meta.url));
const FIELDS = ['ip.id', 'ip.src', 'ip.len', 'ip.frag_offset', 'ip.flags.mf'];
const FIELDS6 = ['ipv6.fraghdr.ident', 'ipv6.src', 'ipv6.plen', 'ipv6.fraghdr.offset', 'ipv6.fraghdr.more'];

function fragments(name) {
  const args = ['-r', `${directory}${name}.pcap`, '-o', 'ip.defragment:FALSE', '-o', 'ipv6.defragment:FALSE'];
  args.push('-Y', 'ip.flags.mf == 1 || ip.frag_offset > 0 || ipv6.fraghdr.ident');
  args.push(
    '-T',
    'fields',
    '-E',
    'occurrence=f',
    ...[...FIELDS, ...FIELDS6].flatMap((field) => ['-e', field]),
  );
  const run = spawnSync('tshark', args, { encoding: 'utf8' });
  if (run.status !== 0) throw new Error(run.stderr);
  const datagrams = new Map();
  for (const line of run.stdout.trimEnd().split('\n')) {
    const columns = line.split('\t');
    const isV6 = columns[0] === '';
    const [id, source, length, offset] = isV6 ? columns.slice(5) : columns;
    const key = `${source} ${id}`;
    const bytes = Number(length) + (isV6 ? 40 : 0);
    datagrams.set(key, [...(datagrams.get(key) ?? []), { offset: Number(offset), bytes }]);
  }
  return [...datagrams.values()].map((list) =>
    list.sort((a, b) => a.offset - b.offset).map(({ bytes }) => bytes),
  );
}

const names = readdirSync(directory)
  .filter((file) => file.endsWith('.pcap'))
  .map((file) => file.replace('.pcap', ''))
  .sort();
const rows = names.map((name) => `    ${JSON.stringify(name)}: ${JSON.stringify(fragments(name))}`);
process.stdout.write(
  `{\n  "command": "node test/golden/fragments-expected.mjs",\n  "captures": {\n${rows.join(',\n')}\n  }\n}\n`,
);
