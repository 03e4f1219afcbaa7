// Writes test/golden/expected/analysis.json: SAs and TCP flows of the captures as tshark sees them.
// Run from the repository's root:
//   node test/golden/analysis-expected.mjs
import { spawnSync } from 'node:child_process';
import { readdirSync, writeFileSync } from 'node:fs';

const OUTPUT = 'test/golden/expected/analysis.json';

function fieldsOf(path, fields, filter) {
  const options = ['-n', '-r', path, '-o', 'tcp.desegment_tcp_streams:FALSE', '-Y', filter, '-T', 'fields'];
  const { stdout, status, stderr } = spawnSync(
    'tshark',
    [...options, '-E', 'occurrence=f', ...fields.flatMap((field) => ['-e', field])],
    { encoding: 'utf8', maxBuffer: 1 << 30 },
  );
  if (status !== 0) throw new Error(`tshark ${path}: ${stderr}`);
  return stdout
    .split('\n')
    .filter(Boolean)
    .map((line) => line.split('\t'));
}

/** Whole packets by SA: tshark puts fragments together, the last one shows the header. */
function securityAssociations(path) {
  const sas = new Map();
  for (const protocol of ['ah', 'esp']) {
    const fields = ['ip.src', 'ip.dst', 'ipv6.src', 'ipv6.dst', `${protocol}.spi`, `${protocol}.sequence`];
    for (const [source4, destination4, source6, destination6, spi, sequence] of fieldsOf(
      path,
      fields,
      protocol,
    )) {
      const key = `${protocol} ${spi} ${source4 || source6} ${destination4 || destination6}`;
      if (!sas.has(key)) sas.set(key, []);
      sas.get(key).push(Number(sequence));
    }
  }
  return Object.fromEntries(
    [...sas].map(([key, numbers]) => {
      const first = numbers.reduce((a, b) => Math.min(a, b));
      const last = numbers.reduce((a, b) => Math.max(a, b));
      const distinct = new Set(numbers).size;
      return [
        key,
        {
          packets: numbers.length,
          first,
          last,
          missing: last - first + 1 - distinct,
          duplicate: numbers.length - distinct,
        },
      ];
    }),
  );
}

/** TCP flows in the clear. Distinct bytes are the union of tshark's segments. */
function tcpFlows(path) {
  const flows = new Map();
  const fields = [
    'ip.src',
    'tcp.srcport',
    'ip.dst',
    'tcp.dstport',
    'frame.len',
    'tcp.len',
    'tcp.seq_raw',
    'tcp.options.mss_val',
    'tcp.analysis.retransmission',
  ];
  for (const row of fieldsOf(path, fields, 'tcp && !esp && !icmp')) {
    const [source, sourcePort, destination, destinationPort, wire, length, sequence, mss, retransmission] =
      row;
    const key = `${source} ${sourcePort} ${destination} ${destinationPort}`;
    if (!flows.has(key)) {
      flows.set(key, {
        packets: 0,
        bytes: 0,
        payloadBytes: 0,
        announced: null,
        used: 0,
        retransmissions: 0,
        segments: [],
      });
    }
    const flow = flows.get(key);
    flow.packets += 1;
    flow.bytes += Number(wire);
    flow.payloadBytes += Number(length);
    flow.used = Math.max(flow.used, Number(length));
    if (mss !== '') flow.announced ??= Number(mss);
    if (retransmission !== '' && Number(length) > 0) flow.retransmissions += 1;
    if (Number(length) > 0) flow.segments.push([Number(sequence), Number(length)]);
  }
  return Object.fromEntries(
    [...flows].map(([key, { segments, ...flow }]) => [
      key,
      { ...flow, distinctBytes: distinctBytes(segments) },
    ]),
  );
}

function distinctBytes(segments) {
  const origin = segments[0]?.[0] ?? 0;
  const intervals = segments.map(([sequence, length]) => [(sequence - origin) | 0, length]);
  intervals.sort(([a], [b]) => a - b);
  let total = 0;
  let end = Number.NEGATIVE_INFINITY;
  for (const [start, length] of intervals) {
    total += Math.max(0, start + length - Math.max(start, end));
    end = Math.max(end, start + length);
  }
  return total;
}

const captures = {};
for (const directory of ['captures/ipsec', 'captures/migration']) {
  for (const name of readdirSync(directory).sort()) {
    if (!/\.pcap(\.gz)?$/.test(name)) continue;
    const path = `${directory}/${name}`;
    captures[path] = {
      securityAssociations: securityAssociations(path),
      tcpFlows: directory.endsWith('migration') ? tcpFlows(path) : {},
    };
  }
}
writeFileSync(
  OUTPUT,
  `${JSON.stringify({ command: 'node test/golden/analysis-expected.mjs (tshark 4.0)', captures }, null, 1)}\n`,
);
