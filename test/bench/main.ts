// npm run bench [-- [--rounds N] [--scale F] [PART...]]      parts: headers full steady tshark decrypt pcap-parser predict simulate capture
//
// Compares Tare with what people use today, whole processes in turn, on inputs it makes in the temporary folder and
// deletes at the end. Leave the machine alone meanwhile: with two cores, anything else running shows.

import { mkdtempSync, rmSync } from 'node:fs';
import { cpus, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { repoPath } from '../repo-root.js';
import { runTool } from '../tool.js';
import {
  type BenchInput,
  type RepeatedCapture,
  repeatedBytes,
  requireDiskSpace,
  type TrafficShape,
  trafficBytes,
  writeRepeated,
  writeTraffic,
} from './bench-inputs.js';
import { benchCapture } from './capture.js';
import { type Command, commandLine, compareAlternating, type Series } from './measure-process.js';
import { benchPredict } from './predict.js';
import { benchSimulate } from './simulate.js';

interface Row {
  readonly title: string;
  /** Path of the input each side reads; a slow rival gets fewer packets of the same kind. */
  readonly ourInput: string;
  readonly theirInput: string;
  readonly ours: (path: string) => Command;
  readonly theirs: (path: string) => Command;
  readonly goal: Goal;
}

/** `speed`: packets/s relative to theirs, at least. `bandwidth`: bytes/s, at least. `peakMegabytes`: at most. */
interface Goal {
  readonly speed?: number;
  readonly bandwidth?: number;
  readonly peakMegabytes?: number;
}

const PARTS = [
  'headers',
  'full',
  'steady',
  'tshark',
  'decrypt',
  'pcap-parser',
  'predict',
  'simulate',
  'capture',
] as const;
type Part = (typeof PARTS)[number];

const KEY_16 = '0x000102030405060708090a0b0c0d0e0f';
const KEY_20 = `${KEY_16}10111213`;
const KEY_32 = `${KEY_16}101112131415161718191a1b1c1d1e1f`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { rounds: { type: 'string', default: '5' }, scale: { type: 'string', default: '1' } },
});
const rounds = Number(values.rounds);
const scale = Number(values.scale);
const unknown = positionals.find((part) => !(PARTS as readonly string[]).includes(part));
if (unknown !== undefined || !(rounds >= 1) || !(scale > 0)) {
  console.error(`Parts: ${PARTS.join(' ')}; --rounds 5; --scale 1 (0.1 makes inputs of a tenth)`);
  process.exit(2);
}
const parts: readonly Part[] = positionals.length === 0 ? PARTS : (positionals as Part[]);

const traffic = (name: string, packets: number, wireBytes: number, capturedBytes: number): TrafficShape => ({
  name,
  packets: Math.ceil(packets * scale),
  wireBytes,
  capturedBytes,
});
const repeated = (name: string, capture: string, packets: number): RepeatedCapture => ({
  name,
  capture,
  packets: Math.ceil(packets * scale),
});

const HEADERS = traffic('headers', 10_000_000, 1466, 128);
const HEADERS_TENTH = traffic('headers-tenth', 1_000_000, 1466, 128);
const FULL = traffic('full', 1_400_000, 1514, 1514);
const FULL_TENTH = traffic('full-tenth', 140_000, 1514, 1514);
const SUITES = [
  { name: 'cbc-sha256', ciphers: ['AES-CBC [RFC3602]', KEY_32, 'HMAC-SHA-256-128 [RFC4868]', KEY_32] },
  { name: 'gcm16', ciphers: ['AES-GCM with 16 octet ICV [RFC4106]', KEY_20, 'NULL', ''] },
].map((suite) => ({
  ...suite,
  whole: repeated(`${suite.name}`, `captures/ipsec/t4-${suite.name}.pcap`, 400_000),
  quarter: repeated(`${suite.name}-quarter`, `captures/ipsec/t4-${suite.name}.pcap`, 100_000),
  keys: repoPath(`captures/ipsec/t4-${suite.name}.xfrm`),
}));

const isSteady = parts.includes('steady');
const needsTenth = isSteady || parts.includes('tshark') || parts.includes('pcap-parser');
const needsHeaders = needsTenth || parts.includes('headers');
const shapes = [
  ...(needsHeaders ? [HEADERS] : []),
  ...(needsTenth ? [HEADERS_TENTH] : []),
  ...(isSteady || parts.includes('full') ? [FULL] : []),
  ...(isSteady ? [FULL_TENTH] : []),
];
const captures = parts.includes('decrypt') ? SUITES.flatMap(({ whole, quarter }) => [whole, quarter]) : [];

const folder = mkdtempSync(join(tmpdir(), 'tare-bench-'));
const removeInputs = (): void => rmSync(folder, { recursive: true, force: true });
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => {
    removeInputs();
    process.exit(130);
  });
}
try {
  await main();
} finally {
  removeInputs();
}

async function main(): Promise<void> {
  const bytes = shapes.reduce((sum, shape) => sum + trafficBytes(shape), 0);
  requireDiskSpace(
    folder,
    captures.reduce((sum, capture) => sum + repeatedBytes(capture), bytes),
  );
  describeMachine();
  const inputs = new Map<string, BenchInput>();
  for (const shape of shapes) inputs.set(shape.name, writeTraffic(folder, shape));
  for (const capture of captures) inputs.set(capture.name, writeRepeated(folder, capture));
  for (const { path, packets, bytes } of inputs.values()) {
    console.log(`${path}: ${packets} packets, ${(bytes / 1e6).toFixed(0)} MB`);
  }
  let missed = 0;
  for (const row of parts.flatMap(rowsOf)) missed += await runRow(row, inputs);
  if (isSteady) {
    await runSteady('128 bytes a packet, tcpdump, without start-up', HEADERS, HEADERS_TENTH, tcpdump, inputs);
    await runSteady('full-size packets, cat, without start-up', FULL, FULL_TENTH, cat, inputs);
  }
  if (parts.includes('predict')) await benchPredict({ rounds, scale });
  if (parts.includes('simulate')) missed += await benchSimulate({ rounds, scale, folder });
  if (parts.includes('capture')) missed += await benchCapture({ rounds, scale });
  console.log(`\n${missed === 0 ? 'All goals met' : `${missed} goals missed`}`);
}

function rowsOf(part: Part): Row[] {
  const headers = { ourInput: HEADERS.name, theirInput: HEADERS.name };
  const full = { ourInput: FULL.name, theirInput: FULL.name };
  const tenth = { ourInput: HEADERS.name, theirInput: HEADERS_TENTH.name };
  switch (part) {
    case 'headers':
      return [
        { title: '128 bytes a packet, tcpdump', ...headers, ours: tare, theirs: tcpdump, goal: { speed: 1 } },
        { title: '128 bytes a packet, capinfos', ...headers, ours: tare, theirs: capinfos, goal: {} },
        { title: '128 bytes a packet, cat', ...headers, ours: tare, theirs: cat, goal: {} },
      ];
    case 'full':
      return [
        {
          title: 'full-size packets, cat',
          ...full,
          ours: tare,
          theirs: cat,
          goal: { bandwidth: 0.6, peakMegabytes: 250 },
        },
        { title: 'full-size packets, tcpdump', ...full, ours: tare, theirs: tcpdump, goal: {} },
      ];
    case 'steady':
    case 'predict':
    case 'simulate':
    case 'capture':
      return [];
    case 'tshark':
      return [{ title: 'tshark -T fields', ...tenth, ours: tare, theirs: tsharkFields, goal: { speed: 80 } }];
    case 'pcap-parser':
      return [{ title: 'pcap-parser', ...tenth, ours: tare, theirs: pcapParser, goal: {} }];
    case 'decrypt':
      return SUITES.map((suite) => ({
        title: `decrypt and verify ${suite.name}, tshark`,
        ourInput: suite.whole.name,
        theirInput: suite.quarter.name,
        ours: (path) => tare(path, '--keys', suite.keys),
        theirs: (path) => tsharkDecrypt(path, suite.ciphers),
        goal: { speed: 8 },
      }));
  }
}

/** @returns number of goals missed */
async function runRow(row: Row, inputs: ReadonlyMap<string, BenchInput>): Promise<number> {
  const ourInput = inputs.get(row.ourInput)!;
  const theirInput = inputs.get(row.theirInput)!;
  const ours = row.ours(ourInput.path);
  const theirs = row.theirs(theirInput.path);
  console.log(`\n${row.title}`);
  const result = await compareAlternating(folder, ours, theirs, rounds);
  print(result.ours, ourInput);
  print(result.theirs, theirInput);
  const speed = packetRate(result.ours, ourInput) / packetRate(result.theirs, theirInput);
  const bandwidth = byteRate(result.ours, ourInput) / byteRate(result.theirs, theirInput);
  const peakMegabytes = result.ours.median.peakBytes / 1e6;
  const note = ourInput === theirInput ? '' : ', rates compared: they read fewer packets of the same kind';
  console.log(`  ${speed.toFixed(2)}x their packets/s, ${bandwidth.toFixed(2)}x their bytes/s${note}`);
  return [
    judge('packets/s at least', row.goal.speed, 'x', speed, (value, goal) => value >= goal),
    judge('bytes/s at least', row.goal.bandwidth, 'x', bandwidth, (value, goal) => value >= goal),
    judge('peak memory below', row.goal.peakMegabytes, ' MB', peakMegabytes, (value, goal) => value < goal),
  ].filter((isMet) => !isMet).length;
}

/** What each further packet costs: the difference between an input and a tenth of it leaves out what every run takes. */
async function runSteady(
  title: string,
  whole: TrafficShape,
  tenth: TrafficShape,
  rival: (path: string) => Command,
  inputs: ReadonlyMap<string, BenchInput>,
): Promise<void> {
  console.log(`\n${title}`);
  const seconds: { ours: number[]; theirs: number[] } = { ours: [], theirs: [] };
  for (const { name } of [whole, tenth]) {
    const input = inputs.get(name)!;
    const result = await compareAlternating(folder, tare(input.path), rival(input.path), rounds);
    print(result.ours, input);
    print(result.theirs, input);
    seconds.ours.push(result.ours.median.seconds);
    seconds.theirs.push(result.theirs.median.seconds);
  }
  const packets = whole.packets - tenth.packets;
  const [ours, theirs] = [seconds.ours, seconds.theirs].map(([all, part]) => packets / (all! - part!) / 1e6);
  console.log(
    `  for each further packet: ${ours!.toFixed(2)} against ${theirs!.toFixed(2)} M packets/s, ` +
      `${(ours! / theirs!).toFixed(2)}x`,
  );
}

function judge(
  text: string,
  goal: number | undefined,
  unit: string,
  value: number,
  isMet: (value: number, goal: number) => boolean,
): boolean {
  if (goal === undefined) return true;
  const verdict = isMet(value, goal) ? 'met' : 'MISSED';
  console.log(`  goal: ${text} ${goal}${unit}: ${verdict} (${value.toFixed(2)}${unit})`);
  return isMet(value, goal);
}

function print(series: Series, input: BenchInput): void {
  const { median, minSeconds, maxSeconds } = series;
  const rate = (packetRate(series, input) / 1e6).toFixed(3);
  const megabytes = (byteRate(series, input) / 1e6).toFixed(0);
  console.log(`  $ ${commandLine(series.command)}`);
  console.log(
    `    ${median.seconds.toFixed(3)} s (${minSeconds.toFixed(3)}..${maxSeconds.toFixed(3)}), ` +
      `${median.cpuSeconds.toFixed(2)} s CPU, ${rate} M packets/s, ${megabytes} MB/s, ` +
      `peak ${(median.peakBytes / 1e6).toFixed(0)} MB`,
  );
}

function packetRate(series: Series, input: BenchInput): number {
  return input.packets / series.median.seconds;
}

function byteRate(series: Series, input: BenchInput): number {
  return input.bytes / series.median.seconds;
}

function tare(path: string, ...options: string[]): Command {
  return {
    name: process.execPath,
    args: [repoPath('dist/src/cli/main.js'), 'analyze', path, '--json', ...options],
  };
}

function tcpdump(path: string): Command {
  return { name: 'tcpdump', args: ['-nr', path, '-w', '/dev/null'] };
}

function capinfos(path: string): Command {
  return { name: 'capinfos', args: [path] };
}

function cat(path: string): Command {
  return { name: 'cat', args: [path] };
}

function tsharkFields(path: string): Command {
  const fields = ['frame.len', 'esp.spi', 'esp.sequence', 'ip.src', 'ip.dst'];
  return {
    name: 'tshark',
    args: ['-n', '-r', path, '-T', 'fields', ...fields.flatMap((field) => ['-e', field])],
  };
}

function tsharkDecrypt(path: string, ciphers: readonly string[]): Command {
  const fields = ['frame.len', 'esp.spi', 'esp.sequence', 'esp.icv_good', 'tcp.len'];
  const switches = ['esp.enable_encryption_decode:TRUE', 'esp.enable_authentication_check:TRUE'];
  const keys = ['0x00000100', '0x00000200'].map(
    (spi) => `uat:esp_sa:${['IPv4', '*', '*', spi, ...ciphers].map((value) => `"${value}"`).join(',')}`,
  );
  const options = [...switches, ...keys].flatMap((option) => ['-o', option]);
  return {
    name: 'tshark',
    args: ['-n', '-r', path, ...options, '-T', 'fields', ...fields.flatMap((field) => ['-e', field])],
  };
}

function pcapParser(path: string): Command {
  return { name: process.execPath, args: [repoPath('dist/test/bench/pcap-parser-count.js'), path] };
}

function describeMachine(): void {
  const processor = cpus()[0]?.model ?? 'unknown processor';
  console.log(
    `${cpus().length} x ${processor}, ${(totalmem() / 2 ** 30).toFixed(0)} GiB, Node ${process.version}`,
  );
  for (const tool of ['tshark', 'tcpdump', 'capinfos']) {
    console.log(runTool(tool, ['--version']).stdout.split('\n')[0]);
  }
}
