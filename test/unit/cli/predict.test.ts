import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { RunResult } from '../../../src/result/run-result.js';
import { type RunOptions, runTare, withFolder } from './run-tare.js';

const LAB = ['lab-16mib', '--calibration', 'lab-namespaces'];

function predict(args: readonly string[], options: RunOptions = {}): string {
  const { exitCode, stdout, stderr } = runTare(['predict', ...args], options);
  assert.equal(exitCode, 0, stderr);
  assert.equal(stderr, '');
  return stdout;
}

function runOf(args: readonly string[], options: RunOptions = {}): RunResult {
  return JSON.parse(predict([...args, '--json'], options)) as RunResult;
}

function refused(args: readonly string[], message: RegExp, exitCode = 2): void {
  const result = runTare(['predict', ...args]);
  assert.equal(result.exitCode, exitCode, `${args.join(' ')}: ${result.stderr}`);
  assert.match(result.stderr.replace(/\s+/g, ' '), message);
  assert.equal(result.stdout, '');
}

test('the verdict names the time, the downtime and the same in the clear', () => {
  const text = predict([...LAB, '--esp', 'aes128gcm16']);
  assert.match(
    text,
    /^Migrates in [\d.]+ m?s with [\d.]+ ms downtime; in the clear [\d.]+ m?s with [\d.]+ ms\.\n/,
  );
  for (const line of text.split('\n')) assert.ok(line.length <= 80, line);
});

test('what is told in words is what JSON says', () => {
  const args = [...LAB, '--esp', 'aes128gcm16'];
  const { totalTimeMs, converged, source, scenario } = runOf(args);
  assert.equal(source, 'model:analytic');
  assert.equal(converged, true);
  assert.equal(scenario.ipsec.esp, 'aes128gcm16');
  const seconds =
    totalTimeMs >= 1000 ? `${(totalTimeMs / 1000).toPrecision(3)} s` : `${totalTimeMs.toPrecision(3)} ms`;
  assert.ok(predict(args).startsWith(`Migrates in ${seconds} with`), seconds);
});

test('both levels say so, and are of one mind', () => {
  const [analytic, packet] = ['analytic', 'packet'].map((level) => runOf([...LAB, '--level', level]));
  assert.equal(packet!.source, 'model:packet');
  assert.ok(Math.abs(analytic!.totalTimeMs / packet!.totalTimeMs - 1) < 0.25);
  assert.equal(analytic!.stream.zeroPages, packet!.stream.zeroPages);
});

test('options change the scenario under the names of its fields', () => {
  const { scenario } = runOf([
    ...['--memory', '64MiB', '--filled', '32MiB', '--workload', 'uniform', '--rate', '8MiB/s'],
    ...['--working-set', '16MiB', '--link', '1Gbit', '--rtt', '2ms', '--loss', '0.1%', '--mtu', '9000'],
    ...['--mss', '1400', '--esp', 'aes128-sha256', '--mode', 'tunnel', '--encap', '--channels', '2'],
    ...['--max-bandwidth', '1GB/s', '--downtime-limit', '500ms', '--auto-converge', '--timeout', '2min'],
    ...['--calibration', 'lab-namespaces', '--cores', '3', '--seed', '7'],
  ]);
  assert.deepEqual(scenario.guest, {
    memoryBytes: 2 ** 26,
    filledBytes: 2 ** 25,
    workload: { kind: 'uniform', pagesPerSecond: 2048, workingSetBytes: 2 ** 24 },
  });
  const { linkBps, rttUs, loss, mtu, mss } = scenario.network;
  assert.deepEqual([linkBps, rttUs, loss, mtu, mss], [1e9, 2000, 0.001, 9000, 1400]);
  const { esp, ah, mode, encap } = scenario.ipsec;
  assert.deepEqual([esp, ah, mode, encap], ['aes128-sha256', null, 'tunnel', true]);
  const { multifdChannels, maxBandwidth, downtimeLimitMs, autoConverge, timeoutMs } = scenario.migration;
  assert.deepEqual(
    [multifdChannels, maxBandwidth, downtimeLimitMs, autoConverge, timeoutMs],
    [2, 1e9, 500, true, 120_000],
  );
  assert.deepEqual([scenario.hosts.source.cores, scenario.hosts.destination.cores, scenario.seed], [3, 3, 7]);
});

test('a guest of its own is protected unless told otherwise; a scenario is as it says', () => {
  const bare = ['--memory', '16MiB', '--calibration', 'lab-namespaces'];
  assert.equal(runOf(bare).scenario.ipsec.esp, 'aes128gcm16');
  assert.equal(runOf([...bare, '--esp', 'none']).scenario.ipsec.esp, null);
  assert.deepEqual(
    [runOf([...bare, '--ah', 'sha256'])].map(({ scenario }) => scenario.ipsec.esp),
    [null],
  );
  assert.equal(runOf(LAB).scenario.ipsec.esp, null);
});

test('a scenario may be a file or come from a pipe, as YAML or as JSON', () => {
  const yaml = 'extends: lab-16mib\nname: mine\nhosts: { calibration: lab-namespaces }\n';
  const json = JSON.stringify({
    extends: 'lab-16mib',
    name: 'mine',
    hosts: { calibration: 'lab-namespaces' },
  });
  const piped = runOf(['-'], { input: yaml });
  assert.equal(piped.scenario.name, 'mine');
  withFolder((folder) => {
    const path = join(folder, 'mine.json');
    writeFileSync(path, json);
    assert.deepEqual(runOf([path]), piped);
  });
});

test('the clear is not compared with itself', () => {
  assert.doesNotMatch(predict(LAB), /in the clear/);
});

test('what does not converge is told with what would help', () => {
  const text = predict([
    'lab-32mib',
    '--calibration',
    'lab-namespaces',
    '--esp',
    'aes128-sha256',
    '--ah',
    'sha256',
  ]);
  const flat = text.replace(/\s+/g, ' ');
  assert.match(
    flat,
    /^Does not converge in 1 min 0 s: the guest writes up to 26\.2 MB\/s, the channel carries [\d.]+ MB\/s\./,
  );
  assert.match(flat, /What would: /);
  assert.match(text, /^ {2}what would help +total time/m);
  assert.match(flat, /MTU 9000 does not converge/);
});

test('samples give intervals, on any number of threads the same', () => {
  const args = [...LAB, '--loss', '1%', '--level', 'packet', '--samples', '20'];
  const { intervals, totalTimeMs } = runOf(args);
  assert.equal(intervals?.samples, 20);
  assert.ok(intervals.totalTimeMs.low < intervals.totalTimeMs.high);
  assert.equal(totalTimeMs, runOf(args.slice(0, -2)).totalTimeMs, 'the run itself is the first sample');
  assert.match(predict(args).replace(/\s+/g, ' '), /Nine in ten of 20 samples: /);
});

test('HTML is one file, and pictures fill a folder', () => {
  withFolder((folder) => {
    const [html, png] = [join(folder, 'run.html'), join(folder, 'png')];
    predict([...LAB, '--esp', 'aes128gcm16', '--html', html, '--png', png]);
    assert.match(readFileSync(html, 'utf8'), /^<!doctype html>[\s\S]*Migrates in /);
    const pictures = readdirSync(png);
    for (const name of ['memory-to-send', 'where-time-goes', 'total-time-over-mtu', 'convergence-1']) {
      assert.ok(pictures.includes(`${name}.png`), `${name} of ${pictures}`);
    }
    for (const name of pictures) assert.equal(readFileSync(join(png, name)).subarray(1, 4).toString(), 'PNG');
  });
});

test('wrong usage names the option, what is wrong and what is allowed', () => {
  refused([...LAB, '--mtu', 'big'], /--mtu: /);
  refused([...LAB, '--esp', 'aes128gmc16'], /--esp: .*did you mean aes128gcm16/);
  refused([...LAB, '--memory', '4G'], /--memory: "4G" leaves open/);
  refused([...LAB, '--workload', 'idle', '--rate', '5'], /--rate: /);
  refused([...LAB, '--encap', '--ah', 'sha256'], /AH/);
  refused([...LAB, '--level', 'exact'], /Allowed choices are analytic, packet/);
  refused([...LAB, '--samples', 'many'], /give a number from 1 to 999999/);
  refused(['lab-16mb'], /there is no scenario "lab-16mb": did you mean lab-16mib/);
  refused([...LAB, '--calibration', 'nonsense'], /there is no calibration "nonsense": take /);
  refused([...LAB, '--esp', 'des-md5'], /calibration lab-namespaces has no costs of ESP des-md5: it has /);
  refused(
    ['lab-16mib', '--calibration', 'nonsense', '--level', 'packet'],
    /there is no calibration "nonsense": take /,
  );
  refused([...LAB, '--esp', 'des-md5', '--level', 'packet'], /has no costs of ESP des-md5/);
});

test('a file that is missing or no scenario is unusable input, with its line', () => {
  refused(['/nonexistent.yaml'], /cannot read the scenario \/nonexistent\.yaml/, 3);
  withFolder((folder) => {
    const path = join(folder, 'broken.yaml');
    writeFileSync(path, 'guest:\n  memory: 4GiB\n  filed: 1GiB\n');
    refused([path], /broken\.yaml:3:\d+: guest\.filed: .*did you mean filled\?/, 3);
    refused([path, '--html', path], /--html .*: is an input too/);
  });
});

test('outputs that cannot be written are told', () => {
  refused([...LAB, '--html', '/nonexistent/run.html'], /cannot write \/nonexistent\/run\.html/, 4);
  refused([...LAB, '--png', '/dev/null/png'], /cannot write \/dev\/null\/png/, 4);
});

test('help fits 80 columns and shows examples', () => {
  const text = predict(['--help']);
  assert.match(text, /Examples:\n {2}\$ tare predict /);
  for (const line of text.split('\n')) assert.ok(line.length <= 80, line);
});
