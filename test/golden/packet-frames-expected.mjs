// Writes test/golden/expected/packet-frames.json: what tshark makes of the frames in test/unit/packet/frame-catalogue.ts.
// Build first, then run from the repository's root:
//   node test/golden/packet-frames-expected.mjs
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FRAMES } from '../../dist/test/unit/packet/frame-catalogue.js';

const FIELDS =
  `frame.protocols frame.len ip.hdr_len ip.len ip.proto ip.flags.mf ip.frag_offset ipv6.plen ipv6.nxt
  ipv6.fraghdr.offset ipv6.fraghdr.more ah.next_header ah.length ah.spi ah.sequence esp.spi esp.sequence esp.pad_len esp.protocol udp.length
  tcp.hdr_len tcp.len tcp.flags.syn tcp.options.mss_val tcp.options.wscale.shift isakmp.length icmp.type icmp.code
  icmp.mtu icmpv6.type icmpv6.mtu arp.opcode gre.proto vxlan.vni _ws.malformed`.split(/\s+/);
const OPTIONS = [
  '-o',
  'ip.defragment:FALSE',
  '-o',
  'ipv6.defragment:FALSE',
  '-o',
  'udp.check_checksum:FALSE',
  '-o',
  'tcp.desegment_tcp_streams:FALSE',
  '-o',
  'esp.enable_null_encryption_decode_heuristic:TRUE',
  '-d',
  'udp.port==8472,vxlan',
];

/** Classic pcap, microseconds, one second between frames. */
function pcap(linkType, frames) {
  const header = Buffer.alloc(24);
  header.writeUInt32LE(0xa1b2c3d4, 0);
  header.writeUInt16LE(2, 4);
  header.writeUInt16LE(4, 6);
  header.writeUInt32LE(262144, 16);
  header.writeUInt32LE(linkType, 20);
  const records = frames.map((frame, i) => {
    const record = Buffer.alloc(16);
    record.writeUInt32LE(i, 0);
    record.writeUInt32LE(frame.length, 8);
    record.writeUInt32LE(frame.length, 12);
    return Buffer.concat([record, frame]);
  });
  return Buffer.concat([header, ...records]);
}

function dissect(file) {
  const { stdout, status, stderr } = spawnSync(
    'tshark',
    ['-n', '-r', file, ...OPTIONS, '-T', 'fields', ...FIELDS.flatMap((field) => ['-e', field])],
    { encoding: 'utf8' },
  );
  if (status !== 0) throw new Error(`tshark failed: ${stderr}`);
  return stdout
    .split('\n')
    .slice(0, -1)
    .map((line) => Object.fromEntries(line.split('\t').map((value, i) => [FIELDS[i], value])));
}

const folder = mkdtempSync(join(tmpdir(), 'packet-frames-'));
const frames = {};
for (const linkType of new Set(FRAMES.map((frame) => frame.linkType))) {
  const ofType = FRAMES.filter((frame) => frame.linkType === linkType);
  const file = join(folder, `${linkType}.pcap`);
  writeFileSync(
    file,
    pcap(
      linkType,
      ofType.map(({ frame }) => frame),
    ),
  );
  for (const [i, fields] of dissect(file).entries()) {
    const { name, frame } = ofType[i];
    const there = Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== ''));
    frames[name] = { sha256: createHash('sha256').update(frame).digest('hex'), ...there };
  }
}
rmSync(folder, { recursive: true });
const tshark = spawnSync('tshark', ['--version'], { encoding: 'utf8' }).stdout.split('\n')[0];
const command = `tshark -n -r FILE ${OPTIONS.join(' ')} -T fields -e ${FIELDS.join(' -e ')}`;
const note = 'made by test/golden/packet-frames-expected.mjs; sha256 is of the frame';
writeFileSync(
  'test/golden/expected/packet-frames.json',
  `${JSON.stringify({ tshark, command, note, frames }, null, 1)}\n`,
);
