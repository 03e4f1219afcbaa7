// node scripts/make-golden.mjs [PART OF A NAME...]
//
// Asks tshark about every bundled capture and writes what it says to test/golden/expected/tshark-NAME.json, with the
// command lines. Tests compare Tare with these files, so that they need no tshark and do not hang on its version.

import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { argv } from 'node:process';
import { ROOT, runAsScript } from './prepare.mjs';

const FOLDERS = ['captures/ipsec', 'captures/migration'];
const HOSTILE = 'captures/hostile';
const EXPECTED = 'test/golden/expected';

/** Linux kernel algorithm -> tshark's name for it. What is missing here tshark 4.0 cannot open. */
const CIPHERS = {
  'cbc(aes)': 'AES-CBC [RFC3602]',
  'ecb(cipher_null)': 'NULL',
  'rfc4106(gcm(aes))': 'AES-GCM with 16 octet ICV [RFC4106]',
};
const HASHES = {
  'hmac(sha1)': 'HMAC-SHA-1-96 [RFC2404]',
  'hmac(sha256)': 'HMAC-SHA-256-128 [RFC4868]',
};

const WHOLE = ['-o', 'ip.defragment:TRUE', '-o', 'ipv6.defragment:TRUE'];
const IN_PARTS = ['-o', 'ip.defragment:FALSE', '-o', 'ipv6.defragment:FALSE'];

function main() {
  const filters = argv.slice(2);
  const captures = FOLDERS.flatMap(listCaptures).filter(
    ({ name }) => filters.length === 0 || filters.some((part) => name.includes(part)),
  );
  for (const capture of captures) {
    const expected = examine(capture);
    writeFileSync(join(ROOT, EXPECTED, `tshark-${capture.name}.json`), toJson(expected));
    console.log(`${EXPECTED}/tshark-${capture.name}.json: ${expected.packets} packets`);
  }
  if (filters.length === 0)
    writeFileSync(join(ROOT, EXPECTED, 'tshark-hostile.json'), toJson(countHostile()));
  return 0;
}

function listCaptures(folder) {
  return readdirSync(join(ROOT, folder))
    .filter((file) => /\.pcap(\.gz)?$/.test(file))
    .sort()
    .map((file) => {
      const name = file.replace(/\.pcap(\.gz)?$/, '');
      return { name, path: `${folder}/${file}`, xfrm: `${folder}/${name}.xfrm` };
    });
}

function examine({ path, xfrm }) {
  const commands = [];
  const ask = questioner(path, commands);
  const frames = ask(['frame.len', 'frame.time_epoch', 'frame.protocols'], WHOLE);
  const keys = existsSync(join(ROOT, xfrm)) ? readKeys(xfrm) : { options: [], esn: false, unsupported: [] };
  const isOpen = keys.options.length > 0;
  const copies = isOpen ? findCopies(ask, keys.options) : [];
  return {
    capture: path,
    tshark: run('tshark', ['--version']).split('\n')[0],
    commands,
    ...describeFrames(frames),
    protocolsByFrames: countBy(frames, (row) => row['frame.protocols']),
    protocolsByFramesInParts: countBy(ask(['frame.protocols'], IN_PARTS), (row) => row['frame.protocols']),
    ipProtocols: countBy(ask(['ip.proto'], IN_PARTS, 'ip'), (row) => row['ip.proto']),
    securityAssociations: {
      reassembled: describeAssociations(ask, WHOLE),
      inParts: describeAssociations(ask, IN_PARTS),
    },
    fragmentation: describeFragmentation(ask),
    tcp: describeTcp(ask, []),
    decrypted: isOpen ? describeDecrypted(ask, keys.options) : null,
    decryptedTcp: isOpen
      ? withoutFrames(path, copies, commands, (rest) => describeTcp(rest, keys.options))
      : null,
    remarks: [
      ...(keys.esn ? ['tshark 4.0 does not know ESN: it opens the packets and calls every ICV bad'] : []),
      ...(copies.length > 0 ? ['tcp: only the copies in the clear; decryptedTcp: without the copies'] : []),
    ],
    notDecryptable: keys.unsupported,
    decapsulatedCopies: {
      frames: copies.map(({ copy }) => copy),
      espFrames: copies.map(({ espFrame }) => espFrame),
    },
  };
}

/**
 * @returns a function that runs tshark and returns a row of values by field for each frame that passes the filter; the
 *   values are those of the outermost header (`f`, first occurrence) or the innermost (`l`)
 */
function questioner(path, commands) {
  return (fields, options = [], filter = '', occurrence = 'f') => {
    const args = ['-n', '-r', path, ...options, ...(filter === '' ? [] : ['-Y', filter]), '-T', 'fields'];
    args.push(
      '-E',
      `occurrence=${occurrence}`,
      '-E',
      'separator=/t',
      ...fields.flatMap((field) => ['-e', field]),
    );
    commands.push(toCommandLine('tshark', args));
    return parseRows(fields, run('tshark', args));
  };
}

/** tshark's TCP analysis takes decapsulated copies for retransmissions: it gets a file without them. */
function withoutFrames(path, copies, commands, describe) {
  if (copies.length === 0) return describe(questioner(path, commands));
  const folder = mkdtempSync(join(tmpdir(), 'tare-golden-'));
  try {
    const rest = join(folder, 'wire.pcap');
    const args = ['-F', 'nsecpcap', path, rest, ...copies.map(({ copy }) => String(copy))];
    if (copies.length > 512) throw new Error(`${path}: more copies than editcap removes at once`);
    commands.push(toCommandLine('editcap', args).replace(rest, 'wire.pcap'));
    run('editcap', args);
    const restCommands = [];
    const description = describe(questioner(rest, restCommands));
    commands.push(...restCommands.map((command) => command.replace(rest, 'wire.pcap')));
    return description;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Of files that break off: the packets before the break. */
function countHostile() {
  const command = 'tshark -n -r FILE -T fields -e frame.len';
  const frameLengths = {};
  for (const file of readdirSync(join(ROOT, HOSTILE)).sort()) {
    const [name, ...args] = command.replace('FILE', `${HOSTILE}/${file}`).split(' ');
    const { stdout } = spawnSync(name, args, { cwd: ROOT, encoding: 'utf8' });
    frameLengths[file] = stdout.split('\n').slice(0, -1).map(Number);
  }
  return { tshark: run('tshark', ['--version']).split('\n')[0], commands: [command], frameLengths };
}

function describeFrames(frames) {
  return {
    packets: frames.length,
    wireBytes: sum(frames, 'frame.len'),
    firstTimeNs: toNanoseconds(frames[0]['frame.time_epoch']),
    lastTimeNs: toNanoseconds(frames.at(-1)['frame.time_epoch']),
  };
}

function describeAssociations(ask, options) {
  const address = ['ip.src', 'ip.dst', 'ipv6.src', 'ipv6.dst', 'frame.len'];
  const list = (protocol) => {
    const rows = ask([`${protocol}.spi`, `${protocol}.sequence`, ...address], options, protocol);
    const groups = groupBy(rows, (row) => {
      const source = row['ip.src'] || row['ipv6.src'];
      const destination = row['ip.dst'] || row['ipv6.dst'];
      return `${toHex(row[`${protocol}.spi`])} ${source} ${destination}`;
    });
    return groups.map(([key, members]) => {
      const [spi, source, destination] = key.split(' ');
      const sequences = members.map((row) => Number(row[`${protocol}.sequence`]));
      return {
        protocol,
        spi,
        source,
        destination,
        packets: members.length,
        // Frames in which tshark shows the header; the other fragments of its datagram are not in here.
        frameBytes: sum(members, 'frame.len'),
        firstSequence: sequences[0],
        lastSequence: sequences.at(-1),
        minSequence: Math.min(...sequences),
        maxSequence: Math.max(...sequences),
        distinctSequences: new Set(sequences).size,
      };
    });
  };
  return [...list('ah'), ...list('esp')];
}

function describeFragmentation(ask) {
  const fragments = ask(
    ['frame.number', 'frame.len'],
    IN_PARTS,
    'ip.flags.mf == 1 || ip.frag_offset > 0 || ipv6.fraghdr',
  );
  const lengths = ['ip.reassembled.length', 'ipv6.reassembled.length'];
  const counts = ['ip.fragment.count', 'ipv6.fragment.count'];
  const datagrams = ask(['frame.number', ...lengths, ...counts], WHOLE, lengths.join(' || '));
  return {
    fragments: fragments.length,
    fragmentFrames: fragments.map((row) => Number(row['frame.number'])),
    fragmentBytes: sum(fragments, 'frame.len'),
    datagrams: datagrams.map((row) => ({
      lastFrame: Number(row['frame.number']),
      dataBytes: Number(row[lengths[0]] || row[lengths[1]]),
      fragments: Number(row[counts[0]] || row[counts[1]]),
    })),
    overlaps: ask(['frame.number'], WHOLE, 'ip.fragment.overlap || ipv6.fragment.overlap').length,
    packetTooBig: ask(['frame.number'], WHOLE, '(icmp.type == 3 && icmp.code == 4) || icmpv6.type == 2')
      .length,
    dontFragment: ask(['frame.number'], IN_PARTS, 'ip.flags.df == 1').length,
    mayFragment: ask(['frame.number'], IN_PARTS, 'ip.flags.df == 0').length,
  };
}

const TCP_FLAGS = {
  retransmissions: 'tcp.analysis.retransmission',
  fastRetransmissions: 'tcp.analysis.fast_retransmission',
  spuriousRetransmissions: 'tcp.analysis.spurious_retransmission',
  outOfOrder: 'tcp.analysis.out_of_order',
  lostSegments: 'tcp.analysis.lost_segment',
  duplicateAcknowledgements: 'tcp.analysis.duplicate_ack',
  keepAlives: 'tcp.analysis.keep_alive',
};

/** TCP by conversation and direction; one entry a direction. */
function describeTcp(ask, keyOptions) {
  const ports = ['tcp.stream', 'tcp.srcport', 'tcp.dstport'];
  const address = ['ip.src', 'ip.dst', 'ipv6.src', 'ipv6.dst'];
  const size = ['frame.len', 'tcp.len', 'tcp.options.mss_val', 'tcp.flags.syn'];
  const fields = [...ports, ...address, ...size, ...Object.values(TCP_FLAGS)];
  const rows = ask(fields, [...WHOLE, ...keyOptions], 'tcp', 'l');
  const groups = groupBy(rows, (row) => {
    const source = row['ip.src'] || row['ipv6.src'];
    const destination = row['ip.dst'] || row['ipv6.dst'];
    return [row['tcp.stream'], source, row['tcp.srcport'], destination, row['tcp.dstport']].join(' ');
  });
  return groups.map(([key, members]) => {
    const [stream, source, sourcePort, destination, destinationPort] = key.split(' ');
    const syn = members.find((row) => row['tcp.options.mss_val'] !== '');
    const flags = Object.entries(TCP_FLAGS).map(([name, field]) => [
      name,
      members.filter((row) => row[field] !== '').length,
    ]);
    return {
      stream: Number(stream),
      source,
      sourcePort: Number(sourcePort),
      destination,
      destinationPort: Number(destinationPort),
      packets: members.length,
      frameBytes: sum(members, 'frame.len'),
      payloadBytes: sum(members, 'tcp.len'),
      largestPayload: Math.max(...members.map((row) => Number(row['tcp.len']))),
      announcedMss: syn === undefined ? null : Number(syn['tcp.options.mss_val']),
      ...Object.fromEntries(flags),
    };
  });
}

/** What the ESP packets hold, for suites that tshark opens. */
function describeDecrypted(ask, keyOptions) {
  const esp = ['esp.pad_len', 'esp.protocol', 'esp.icv_good', 'esp.icv_bad'];
  const rows = ask(['frame.number', ...esp, 'tcp.len'], [...WHOLE, ...keyOptions], 'esp');
  const opened = rows.filter((row) => row['esp.pad_len'] !== '');
  const lines = opened.map((row) => `${row['frame.number']},${row['esp.pad_len']},${row['tcp.len']}\n`);
  return {
    espPackets: rows.length,
    opened: opened.length,
    icvGood: rows.filter((row) => isTrue(row['esp.icv_good'])).length,
    icvBad: rows.filter((row) => isTrue(row['esp.icv_bad'])).length,
    padBytes: sum(opened, 'esp.pad_len'),
    packetsByPadLength: countBy(opened, (row) => row['esp.pad_len']),
    packetsByNextHeader: countBy(opened, (row) => Number(row['esp.protocol'])),
    tcpPackets: opened.filter((row) => row['tcp.len'] !== '').length,
    tcpPayloadBytes: sum(opened, 'tcp.len'),
    rows: {
      format:
        'frame.number,esp.pad_len,tcp.len and a line feed for each opened packet; tcp.len empty if not TCP',
      sha256: createHash('sha256').update(lines.join('')).digest('hex'),
      first: lines.slice(0, 12).map((line) => line.trimEnd()),
    },
  };
}

/**
 * Frames in the clear that repeat what an ESP packet before them carried: same innermost addresses, identification and
 * length. A tap on a tunnel's receiving interface sees these; the wire does not.
 */
function findCopies(ask, keyOptions) {
  const fields = ['frame.number', 'ip.src', 'ip.dst', 'ip.id', 'ip.len'];
  const tunnelled = new Map();
  const copies = [];
  for (const row of ask([...fields, 'esp.spi'], [...WHOLE, ...keyOptions], 'ip', 'l')) {
    const identity = fields.slice(1).map((field) => row[field]);
    const key = identity.join(' ');
    const frame = Number(row['frame.number']);
    if (row['esp.spi'] !== '') tunnelled.set(key, frame);
    else if (tunnelled.has(key)) copies.push([frame, tunnelled.get(key)]);
  }
  return copies.map(([copy, espFrame]) => ({ copy, espFrame }));
}

/** Reads `ip xfrm state` into tshark's preference for ESP keys. */
function readKeys(path) {
  const options = [];
  const unsupported = [];
  for (const state of readFileSync(join(ROOT, path), 'utf8').split(/^(?=src )/m)) {
    const [, source, destination] = /^src (\S+) dst (\S+)/.exec(state) ?? [];
    const spi = /proto esp spi (\S+)/.exec(state)?.[1];
    if (spi === undefined) continue;
    const [, cipher = '', cipherKey = ''] = /(?:enc|aead) (\S+) (0x[0-9a-f]+)?/.exec(state) ?? [];
    const [, hash = '', hashKey = ''] = /auth(?:-trunc)? (\S+) (0x[0-9a-f]+)/.exec(state) ?? [];
    const cipherName = CIPHERS[cipher];
    const hashName = hash === '' ? 'NULL' : HASHES[hash];
    if (cipherName === undefined || hashName === undefined) {
      unsupported.push({ spi, suite: [cipher, hash].filter(Boolean).join(' ') });
      continue;
    }
    const family = source.includes(':') ? 'IPv6' : 'IPv4';
    const row = [family, source, destination, spi, cipherName, cipherKey, hashName, hashKey];
    options.push('-o', `uat:esp_sa:${row.map((value) => `"${value}"`).join(',')}`);
  }
  const esn = options.length > 0 && / flag .*\besn\b/.test(readFileSync(join(ROOT, path), 'utf8'));
  if (options.length === 0) return { options, esn, unsupported };
  const switches = ['-o', 'esp.enable_encryption_decode:TRUE', '-o', 'esp.enable_authentication_check:TRUE'];
  return { options: [...switches, ...options], esn, unsupported };
}

function run(command, args) {
  const child = spawnSync(command, args, {
    cwd: ROOT,
    encoding: 'utf8',
    maxBuffer: 1 << 30,
    env: { ...process.env, LC_ALL: 'C.UTF-8', TZ: 'UTC' },
  });
  if (child.error) throw new Error(`${command} could not be started: ${child.error.message}`);
  if (child.status !== 0)
    throw new Error(`${command} ${args.join(' ')}: exit code ${child.status}\n${child.stderr}`);
  return child.stdout;
}

function parseRows(fields, text) {
  const lines = text.split('\n').slice(0, -1);
  return lines.map((line) => {
    const values = line.split('\t');
    return Object.fromEntries(fields.map((field, index) => [field, values[index] ?? '']));
  });
}

/** "1700000000.123456000" -> "1700000000123456000" */
function toNanoseconds(epoch) {
  const [seconds, fraction = ''] = epoch.split('.');
  return `${seconds}${fraction.padEnd(9, '0')}`;
}

function toHex(spi) {
  return `0x${Number(spi).toString(16).padStart(8, '0')}`;
}

function isTrue(value) {
  return value === '1' || value === 'True';
}

function sum(rows, field) {
  return rows.reduce((total, row) => total + Number(row[field]), 0);
}

function groupBy(rows, keyOf) {
  const groups = new Map();
  for (const row of rows) {
    const key = keyOf(row);
    if (!groups.has(key)) groups.set(key, []);
    groups.get(key).push(row);
  }
  return [...groups];
}

function countBy(rows, keyOf) {
  return Object.fromEntries(groupBy(rows, keyOf).map(([key, members]) => [key, members.length]));
}

function toCommandLine(command, args) {
  return [command, ...args].map((arg) => (/^[\w@%+=:,./-]+$/.test(arg) ? arg : `'${arg}'`)).join(' ');
}

/** Two levels indented, deeper ones on one line: readable, and a change shows as a line. */
function toJson(value) {
  const lines = Object.entries(value).map(([key, entry]) => `  ${JSON.stringify(key)}: ${toLines(entry)}`);
  return `{\n${lines.join(',\n')}\n}\n`;
}

function toLines(entry) {
  if (entry === null || typeof entry !== 'object') return JSON.stringify(entry);
  const isArray = Array.isArray(entry);
  const items = Object.entries(entry).map(
    ([key, item]) => `    ${isArray ? '' : `${JSON.stringify(key)}: `}${JSON.stringify(item)}`,
  );
  const [open, close] = isArray ? '[]' : '{}';
  return items.length === 0 ? `${open}${close}` : `${open}\n${items.join(',\n')}\n  ${close}`;
}

await runAsScript(main);
