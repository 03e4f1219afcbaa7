import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { repoPath } from '../../repo-root.js';
import { runTare, TARE, withFolder } from './run-tare.js';

interface Row {
  esp: string | null;
  ah: string | null;
  mode: string | null;
  linkMtu: number;
  pathMtu: number;
  mss: number;
  packets: number;
  wireBytes: number;
  bytes: Record<string, { bytes: number; certainty: string }>;
  fragmented: boolean;
  idealSeconds: number | null;
}

/** A suite and those it stands for. */
interface Named {
  esp: string | null;
  ah: string | null;
  alike: string[];
}

interface PlanJson {
  schema: string;
  request: Record<string, unknown>;
  asked: Row;
  clear: Row;
  best: Row;
  rows: Row[];
  alternatives: { name: string; protects: string; needs: string }[];
  advice: { title: string; where: string; commands: string[]; caution: string }[];
  whatIf: {
    inputs: string[];
    certainty: string;
    captured: { packets: number; wireBytes: number };
    kept: { packets: number };
    rows: (Row & { packetChange: number; wireByteChange: number })[];
  } | null;
}

const CAPTURE = repoPath('captures/ipsec/t4-gcm16.pcap');
const KEYS = repoPath('captures/ipsec/t4-gcm16.xfrm');
const CLEAR = repoPath('captures/migration/ms-clear-1500.pcap.gz');

function plan(args: readonly string[], input?: Uint8Array): PlanJson {
  const { exitCode, stdout, stderr } = runTare(['plan', '--json', ...args], input ? { input } : {});
  assert.equal(exitCode, 0, stderr);
  return JSON.parse(stdout) as PlanJson;
}

function refused(
  args: readonly string[],
  message: RegExp,
  exitCode = 2,
  input: Uint8Array = Buffer.of(),
): void {
  const result = runTare(['plan', ...args], { input });
  assert.equal(result.exitCode, exitCode, `${args.join(' ')}: ${result.stderr}`);
  assert.match(result.stderr, message);
  assert.equal(result.stdout, '');
}

test('without options it plans AES-GCM in transport mode for a link of MTU 1500', () => {
  const { exitCode, stdout, stderr } = runTare(['plan']);
  assert.equal(exitCode, 0);
  assert.equal(stderr, '');
  assert.match(stdout, /^aes128gcm16, transport mode, IPv4, link MTU 1500: 4\.29 GB take/);
  // 1500 - 20 - 8 - 8 - 16 leaves 1448 for ESP's content of whole words: 2 trailer bytes, 32 of TCP, 1414 of payload.
  assert.match(stdout, /MSS 1414 \(path MTU 1466\)/);
  assert.match(stdout, /^ip route replace 192\.0\.2\.2 dev eth0 advmss 1426$/m);
  assert.ok(!stdout.includes('\u001b'));
});

test('JSON has the fields that docs/FORMATS.md lists, in that order', () => {
  const section = readFileSync(repoPath('docs/FORMATS.md'), 'utf8').split('## `tare plan --json`')[1]!;
  const listed = (text: string) =>
    [...text.split('| reason |')[0]!.matchAll(/^\| (`\w+`(?:, `\w+`)*) \|/gm)].flatMap((match) =>
      match[1]!.split(', ').map((name) => name.slice(1, -1)),
    );
  const parts = section.split('\n## ')[0]!.split('### ');
  const json = plan(['--link', '10Gbit', '--from', CLEAR, '--esp', 'aes128gcm16']);
  assert.deepEqual(Object.keys(json), listed(parts[0]!));
  const tableOf = (heading: string) => listed(parts.find((part) => part.startsWith(heading))!);
  assert.deepEqual(Object.keys(json.request), tableOf('request'));
  assert.deepEqual(Object.keys(json.asked), tableOf('rows'));
  assert.deepEqual(Object.keys(json.alternatives[0]!), tableOf('alternatives'));
  assert.deepEqual(Object.keys(json.advice[0]!), tableOf('advice'));
  assert.deepEqual(Object.keys(json.whatIf!), tableOf('whatIf'));
  assert.deepEqual(Object.keys(json.whatIf!.rows[0]!), tableOf('What-if rows'));
});

test('AH on IPv4 is padded to 8 bytes as Linux does it, to 4 with --align4', () => {
  const ah = ['--ah', 'sha256', '--mode', 'tunnel'];
  const [linux] = [plan(ah).asked];
  const { asked: rfc } = plan([...ah, '--align4']);
  assert.equal(linux.bytes['ah']?.bytes, 32 * linux.packets);
  assert.equal(rfc.bytes['ah']?.bytes, 28 * rfc.packets);
  assert.equal(rfc.mss - linux.mss, 4);
});

test('a sweep has a row for each MTU, without IPsec and with it', () => {
  const { rows, best, asked } = plan(['--mtu', '1280..1500:110,9000']);
  assert.deepEqual(
    rows.map(({ esp, linkMtu }) => `${esp ?? 'clear'} ${linkMtu}`),
    [1280, 1390, 1500, 9000]
      .map((mtu) => `clear ${mtu}`)
      .concat([1280, 1390, 1500, 9000].map((mtu) => `aes128gcm16 ${mtu}`)),
  );
  assert.equal(best.linkMtu, 9000);
  assert.equal(asked.linkMtu, 9000);
});

test('every suite of tare suites can be compared; the best is one that encrypts and authenticates', () => {
  const suites = JSON.parse(runTare(['suites', '--json']).stdout) as {
    esp: { name: string }[];
    ah: { name: string }[];
  };
  const { rows, best, request } = plan(['--compare', 'all']);
  const planned = rows.filter(({ esp, ah }) => (esp ?? ah) !== null);
  const named = [request, ...(request['compare'] as Named[])].flatMap((one) => {
    const { esp, ah, alike } = one as unknown as Named;
    return [esp ?? ah, ...alike];
  });
  assert.deepEqual(named.toSorted(), [...suites.esp, ...suites.ah].map(({ name }) => name).toSorted());
  assert.equal(planned.length, 1 + (request['compare'] as Named[]).length);
  assert.ok(planned.some(({ wireBytes }) => wireBytes < best.wireBytes));
  assert.match(best.esp!, /^aes128gcm8$/);
  const { rows: few } = plan(['--ah', 'sha256', '--esp', 'aes128-sha1', '--compare', 'aes256gcm16,ah:sha1']);
  assert.deepEqual(
    few.map(({ esp, ah }) => `${esp} ${ah}`),
    ['null null', 'aes128-sha1 sha256', 'aes256gcm16 sha256', 'null sha1'],
  );
});

test('all may be written in capitals, and beside suites, which then stand for those of the same cost', () => {
  const namesOf = (compare: string): string[] =>
    (plan(['--compare', compare]).request['compare'] as Named[]).flatMap(({ esp, ah }) => esp ?? `ah:${ah}`);
  const all = namesOf('all');
  assert.deepEqual(namesOf('ALL'), all);
  const named = namesOf('All, aes256-sha1,ah:sha512');
  assert.equal(named.length, all.length);
  assert.deepEqual(named.slice(0, 2), ['aes256-sha1', 'ah:sha512']);
  assert.ok(!named.includes('aes128-sha1'));
  assert.deepEqual(namesOf('AH:sha256'), ['ah:sha256']);
});

test('suites that stand for others cost what each of these costs', () => {
  const { request, rows } = plan(['--compare', 'all', '--mtu', '1500,9000']);
  for (const { esp, ah, alike } of request['compare'] as Named[]) {
    if (alike.length === 0) continue;
    const name = ah === null ? alike.at(-1)! : `ah:${alike.at(-1)}`;
    const bytesOf = (list: Row[], wanted: Named) =>
      list.filter((row) => row.esp === wanted.esp && row.ah === wanted.ah).map(({ wireBytes }) => wireBytes);
    const alone = plan(['--compare', name, '--mtu', '1500,9000']);
    const [other] = alone.request['compare'] as Named[];
    if (other === undefined) continue;
    assert.deepEqual(
      bytesOf(alone.rows, other),
      bytesOf(rows, { esp, ah, alike }),
      `${esp ?? ah} and ${name}`,
    );
  }
});

test('an MSS that does not fit is planned as fragments, and the report says so', () => {
  const { asked, clear } = plan(['--mss', '1448']);
  assert.equal(asked.fragmented, true);
  assert.equal(clear.fragmented, false);
  assert.ok(asked.packets > 1.9 * clear.packets);
  const { stdout } = runTare(['plan', '--mss', '1448']);
  assert.match(stdout.replaceAll('\n', ' '), /MSS 1448 DOES NOT FIT: full segments go as 2 fragments/);
  assert.match(stdout.replaceAll('\n', ' '), /Linux itself would send 1414/);
});

test('times are those of the link', () => {
  const { asked } = plan(['--link', '10Gbit', '--bytes', '400MB']);
  // Preamble 8, check sequence 4 and gap 12 for each frame.
  assert.equal(asked.idealSeconds, ((asked.wireBytes + 24 * asked.packets) * 8) / 1e10);
  assert.equal(plan([]).asked.idealSeconds, null);
  assert.match(runTare(['plan', '--link', '10Gbit']).stdout, /At 10\.0 Gbit\/s the line is busy for 3\.74 s/);
});

test('a link too slow for a packet a second is told by the time a packet takes', () => {
  const { asked } = plan([]);
  const { stdout } = runTare(['plan', '--link', '1000'], { env: { COLUMNS: '200' } });
  // A frame of 1514 bytes, and 24 for preamble, check sequence and gap.
  assert.equal(asked.linkMtu, 1500);
  assert.match(stdout, /at most one packet in 12\.3 s\./);
});

test('the advice names what was given, and says what only stands in', () => {
  const given = ['--device', 'ens1', '--destination', '10.9.0.0/24', '--gateway', '10.8.0.1'];
  const { stdout } = runTare(['plan', ...given]);
  assert.match(stdout, /^ip route replace 10\.9\.0\.0\/24 via 10\.8\.0\.1 dev ens1 advmss 1426$/m);
  assert.doesNotMatch(stdout, /stand-in/);
  assert.match(
    runTare(['plan']).stdout,
    /eth0 and 192\.0\.2\.2 are stand-ins: give --device and --destination/,
  );
});

test('with --esn the strongSwan proposal asks for it', () => {
  const { advice } = plan(['--esn', '--esp', 'aes256-sha256']);
  const lines = advice.flatMap(({ commands }) => commands);
  assert.ok(lines.includes('connections.migration.children.migration.esp_proposals = aes256-sha256-esn'));
});

test('AH around ESP is advised as policies, since strongSwan cannot negotiate it', () => {
  const { stdout } = runTare(['plan', '--esp', 'aes128gcm16', '--ah', 'sha256']);
  assert.match(stdout, /^# AH around ESP: policies by hand, since strongSwan negotiates one or the other$/m);
  assert.match(
    stdout,
    /^ip xfrm policy add dir out dst 192\.0\.2\.2 proto tcp tmpl proto esp .* tmpl proto ah /m,
  );
});

test('a reader that leaves early ends a plan quietly, whatever its form', () => {
  for (const form of ['', '--json', '--csv']) {
    const command = `"$0" "$1" plan --compare all --mtu 1280..2280 ${form} | head -c 100; echo "\${PIPESTATUS[0]}" >&2`;
    const { stdout, stderr } = spawnSync('bash', ['-c', command, process.execPath, TARE], {
      encoding: 'utf8',
    });
    assert.equal(stdout.length, 100);
    assert.equal(stderr, '0\n', form);
  }
});

test('the bytes of all layers add up in every row', () => {
  for (const row of plan(['--compare', 'all', '--mode', 'tunnel', '--ipv6', '--mtu', '1500,9000']).rows) {
    const sum = Object.values(row.bytes).reduce((total, { bytes }) => total + bytes, 0);
    assert.equal(sum, row.wireBytes);
  }
});

test('CSV has a header line and a line for each row of the JSON', () => {
  const args = ['--mtu', '1500,9000', '--compare', 'ah:sha256'];
  const lines = runTare(['plan', '--csv', ...args])
    .stdout.trimEnd()
    .split('\n');
  const columns = lines[0]!.split(',');
  const { rows } = plan(args);
  assert.equal(lines.length, rows.length + 1);
  rows.forEach((row, i) => {
    const cells = Object.fromEntries(lines[i + 1]!.split(',').map((cell, c) => [columns[c], cell]));
    assert.equal(cells['esp'], row.esp ?? '');
    assert.equal(cells['wireBytes'], `${row.wireBytes}`);
    assert.equal(cells['payload'], `${row.bytes['payload']?.bytes}`);
    assert.equal(cells['fragmented'], `${row.fragmented}`);
  });
});

test('recorded traffic comes back as it was for the protection it was recorded with', () => {
  const { whatIf } = plan(['--from', CAPTURE, '--keys', KEYS, '--esp', 'aes128gcm16']);
  const expected = JSON.parse(
    readFileSync(repoPath('test/golden/expected/tshark-t4-gcm16.json'), 'utf8'),
  ) as { packets: number; wireBytes: number };
  assert.equal(whatIf!.certainty, 'measured');
  assert.deepEqual(whatIf!.inputs, [CAPTURE]);
  const row = whatIf!.rows.find(({ esp }) => esp === 'aes128gcm16')!;
  assert.equal(row.packets, expected.packets);
  assert.equal(row.wireBytes, expected.wireBytes);
  assert.deepEqual([row.packetChange, row.wireByteChange], [0, 0]);
});

test('recorded traffic may come from a pipe; CSV then has the rows of the what-if', () => {
  const args = ['--from', '-', '--mtu', '1500,9000', '--esp', 'aes128gcm16'];
  const { whatIf } = plan(args, readFileSync(CLEAR));
  const lines = runTare(['plan', '--csv', ...args], { input: readFileSync(CLEAR) })
    .stdout.trimEnd()
    .split('\n');
  assert.equal(lines.length, whatIf!.rows.length + 1);
  assert.match(lines[0]!, /packetChange,wireByteChange,fragmented$/);
});

test('a capture without packets is unusable input, and what to do is said', () => {
  const empty = repoPath('captures/hostile/header-only.pcap');
  const what = /header-only\.pcap: no packets in it: record while the migration runs, or plan without --from/;
  for (const form of [[], ['--json'], ['--csv']])
    refused(['--from', empty, '--mtu', '9000', ...form], what, 3);
  refused(
    ['--from', '-', '--mtu', '9000'],
    /stdin: 1 frame, but none was on the wire .*ethtool -K DEVICE tso off gso off gro off/,
    3,
    superFrame(),
  );
  // One of several may be empty: they are one recording.
  const { whatIf } = plan(['--from', empty, CLEAR, '--mtu', '9000']);
  assert.ok(whatIf!.captured.packets > 0);
});

/** A pcap with one TCP segment of 30 000 bytes, as segmentation offload hands it to the tap. */
function superFrame(): Buffer {
  const segmentBytes = 30_020;
  const frame = Buffer.alloc(14 + 20 + segmentBytes);
  frame.writeUInt16BE(0x0800, 12);
  frame.set([0x45, 0], 14);
  frame.writeUInt16BE(20 + segmentBytes, 16);
  frame.set([0x40, 0, 64, 6, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2, 0, 1, 0, 2], 20);
  frame.set([0x50, 0x10], 46);
  const header = Buffer.alloc(40);
  header.writeUInt32LE(0xa1b2c3d4, 0);
  header.set([2, 0, 4, 0], 4);
  header.writeUInt32LE(262_144, 16);
  header.writeUInt32LE(1, 20);
  header.writeUInt32LE(frame.length, 32);
  header.writeUInt32LE(frame.length, 36);
  return Buffer.concat([header, frame]);
}

test('where nothing can be cut anew the amount that is planned for is told, unless it was given', () => {
  const args = [
    'plan',
    '--json',
    '--from',
    repoPath('captures/hostile/esp-short.pcap'),
    '--mtu',
    '1500,9000',
  ];
  const { exitCode, stderr } = runTare(args);
  assert.equal(exitCode, 0);
  assert.match(
    stderr,
    /caution: nothing recorded could be cut into segments anew.* is for 4\.29 GB: give --bytes/,
  );
  assert.equal(runTare([...args, '--bytes', '1GB']).stderr, '');
});

test('with recorded traffic the whole report is about one MTU and MSS', () => {
  const small = repoPath('captures/hostile/esp-short.pcap');
  for (const from of [small, CLEAR, CAPTURE]) {
    const args = [
      'plan',
      '--from',
      from,
      '--mtu',
      '1500,4000,9000',
      '--mss',
      '1000..1400:100',
      '--bytes',
      '1GB',
    ];
    const { exitCode, stdout } = runTare(args, { env: { COLUMNS: '200' } });
    assert.equal(exitCode, 0);
    const [headline] = /^.* with .*MTU (\d+), MSS (\d+):/.exec(stdout)!.slice(1);
    assert.match(stdout, new RegExp(`^# Set the link's MTU to ${headline}$`, 'm'));
    const { asked, whatIf } = plan(args.slice(1));
    const rows = whatIf!.rows.filter(({ esp }) => esp === asked.esp);
    const own = rows.find(({ linkMtu, mss }) => linkMtu === asked.linkMtu && mss === asked.mss)!;
    assert.equal(`${asked.linkMtu}`, headline);
    assert.equal(own.wireBytes, Math.min(...rows.map(({ wireBytes }) => wireBytes)));
  }
});

test('keys do not appear in what is printed', () => {
  const args = ['plan', '--from', CAPTURE, '--keys', KEYS, '--mtu', '9000'];
  for (const form of [[], ['--json'], ['--csv']]) {
    const { stdout, stderr } = runTare([...args, ...form]);
    assert.doesNotMatch(stdout + stderr, /0001020304050607/);
  }
});

test('a capture that breaks off is planned as far as it goes, with exit code 3', () => {
  const broken = repoPath('captures/hostile/file-cut.pcap');
  const { exitCode, stdout, stderr } = runTare(['plan', '--json', '--from', broken, '--mtu', '9000']);
  assert.equal(exitCode, 3);
  assert.equal((JSON.parse(stdout) as PlanJson).whatIf!.captured.packets, 11);
  assert.match(stderr, /file ends 617 bytes into the record at offset 4546/);
});

test('hostile captures are planned without a complaint of a defect', () => {
  for (const name of readdirSync(repoPath('captures/hostile')).filter((file) => /pcap/.test(file))) {
    const path = repoPath(`captures/hostile/${name}`);
    const { exitCode } = runTare(['plan', '--json', '--from', path, '--mtu', '1500,9000']);
    assert.ok(exitCode === 0 || exitCode === 3, `${name}: ${exitCode}`);
  }
});

test('HTML is one file that holds the plan, and pictures fill a new folder', () => {
  withFolder((folder) => {
    const html = join(folder, 'plan.html');
    const png = join(folder, 'deep', 'pictures');
    const { exitCode, stderr } = runTare(['plan', '--mtu', '1280..9000:800', '--html', html, '--png', png]);
    assert.equal(exitCode, 0, stderr);
    assert.match(readFileSync(html, 'utf8'), /^<!doctype html>[\s\S]*ip link set dev eth0/);
    const pictures = readdirSync(png);
    assert.ok(pictures.includes('efficiency-over-mtu.png'), pictures.join());
    for (const name of pictures) {
      assert.equal(readFileSync(join(png, name)).subarray(1, 4).toString(), 'PNG', name);
    }
    assert.deepEqual(readdirSync(folder).sort(), ['deep', 'plan.html']);
  });
});

test('analyze writes the same two', () => {
  withFolder((folder) => {
    const html = join(folder, 'report.html');
    const png = join(folder, 'pictures');
    const { exitCode, stderr } = runTare(['analyze', CLEAR, '--html', html, '--png', png]);
    assert.equal(exitCode, 0, stderr);
    assert.match(readFileSync(html, 'utf8'), /^<!doctype html>[\s\S]*NOT PROTECTED/);
    assert.ok(readdirSync(png).includes('throughput.png'));
    assert.equal(statSync(html).mode & 0o111, 0);
  });
});

test('outputs that cannot be written, or that are inputs, are refused before anything is printed', () => {
  refused(['--html', '/nonexistent/plan.html'], /cannot write \/nonexistent\/plan\.html/, 4);
  refused(['--png', '/dev/null/pictures'], /cannot write \/dev\/null\/pictures/, 4);
  refused(['--from', CLEAR, '--mtu', '9000', '--html', CLEAR], /--html .*: is an input too/);
  withFolder((folder) => {
    mkdirSync(join(folder, 'taken'));
    writeFileSync(join(folder, 'file'), '');
    refused(['--html', join(folder, 'taken')], /it is a directory/, 4);
    refused(['--png', join(folder, 'file')], /cannot write/, 4);
    assert.deepEqual(readdirSync(folder).sort(), ['file', 'taken']);
  });
});

test('wrong usage names the option, what is wrong and what is allowed', () => {
  refused(['--esp', 'aes128gmc16'], /--esp: unknown ESP suite "aes128gmc16": did you mean aes128gcm16/);
  refused(['--compare', 'aes128gcm16,nonsense'], /--compare: unknown ESP suite "nonsense"/);
  refused(['--mtu', '500'], /--mtu: "500" is out of bounds: give 576 to 65535/);
  refused(['--mtu', '1500,'], /--mtu: "" is no number or range/);
  refused(['--ipv6', '--mtu', '1279'], /give 1280 to 65535/);
  refused(['--mss', 'big'], /--mss: "big" is no number or range.*or auto/);
  refused(['--bytes', '4G'], /--bytes: "4G" leaves open/);
  refused(['--link', '1GB/s'], /--link: "1GB\/s" are bytes/);
  refused(['--link', '10Mb'], /--link: "10Mb" .*: write 10Mbit/);
  refused(['--compare', 'aes128-sha1,'], /--compare "aes128-sha1,": a suite is missing beside a comma/);
  refused(['--gateway', '10.0.0.0/8'], /gateway "10\.0\.0\.0\/8" is no IPv4 address/);
  refused(['--mode', 'tunel'], /Allowed choices are transport, tunnel, beet/);
  refused(['--esq'], /Did you mean one of --esn, --esp/);
  refused(['--device', 'eth0; rm'], /device "eth0; rm" is not a network device/);
  refused(['--destination', 'fd00::1'], /destination "fd00::1" is no IPv4 address/);
});

test('options that exclude or need each other are refused', () => {
  refused(['--encap', '--ah', 'sha256'], /--encap: UDP carries ESP, not AH/);
  refused(['--encap', '--ah', 'sha256', '--esp', 'aes128'], /--encap: AH does not pass a NAT/);
  refused(['--encap', '--compare', 'ah:sha1'], /--compare ah:sha1: AH goes neither in UDP/);
  refused(['--mode', 'beet', '--ah', 'sha256'], /--mode beet is for ESP/);
  refused(['--align4'], /--align4 is about AH's padding: add --ah/);
  refused(['--align4', '--ah', 'sha256', '--ipv6'], /--align4 is for IPv4/);
  refused(['--keys', KEYS], /--keys opens a capture: add --from/);
  refused(['--from', CLEAR], /--from: say what to try on this traffic/);
  refused(['--from', CLEAR, '--mtu', '9000', '--ipv6'], /--ipv6 with --from/);
  refused(['--from', '-', '--keys', '-', '--mtu', '9000'], /stdin.*more than once/);
  refused(['--json', '--csv'], /--json and --csv exclude each other/);
  refused(['--compare', 'all', '--mtu', '1280..65535'], /give a step, as in --mtu 1280\.\.9000:40/);
});

test('an MTU too small for the packets that were recorded is wrong usage, a missing file unusable input', () => {
  const ipv6 = repoPath('captures/ipsec/t6-ah-esp.pcap');
  refused(['--from', ipv6, '--mtu', '1000'], /does not exist for IPv6/);
  refused(['--from', '/nonexistent.pcap', '--mtu', '9000'], /no such file/, 3);
});

test('help shows examples', () => {
  const { exitCode, stdout } = runTare(['plan', '--help']);
  assert.equal(exitCode, 0);
  assert.match(stdout, /Examples:\n {2}\$ tare plan /);
});
