/** `tare validate`, cold: a laboratory is started, the quick matrix is predicted and migrated in it for real, and all of it ends. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { listLabs } from '../../src/orchestrator/lab/lab-runs.js';
import { expectedProtection } from '../../src/orchestrator/measure/wire-account.js';
import { compareCase, summarizeValidation } from '../../src/result/compare-validation.js';
import { parseValidation } from '../../src/result/parse-validation.js';
import { PREDICTION_LEVELS, type Validation, type ValidationCase } from '../../src/result/validation.js';
import { TARE } from '../unit/cli/run-tare.js';
import { findLabObstacle, requireLab } from './require-lab.js';

const obstacle = await findLabObstacle();
const state = mkdtempSync(join(tmpdir(), 'tare-validate-'));
after(() => rmSync(state, { recursive: true }));

const AUDIT_LOG = join(state, 'tare/audit.jsonl');
const WIRE_TOLERANCE = 0.01;
/** Bytes; what segmentation in the interface makes one packet of. */
const LARGEST_SEGMENT = 65_535;

interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** @param interfere is told the process; what it waits for ends with it */
async function validate(
  t: TestContext,
  args: readonly string[],
  interfere: (pid: number, ended: AbortSignal) => Promise<void> = async () => {},
): Promise<Ended> {
  const env = { ...process.env, XDG_STATE_HOME: state };
  const child = spawn(process.execPath, [TARE, 'validate', '--json', ...args], { env });
  t.after(() => child.kill('SIGKILL'));
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString('utf8')));
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString('utf8')));
  const controller = new AbortController();
  const ended = new Promise<Ended>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => resolve({ code, signal, stdout, stderr }));
  }).finally(() => controller.abort());
  await Promise.all([ended, interfere(child.pid!, controller.signal)]);
  const labs = await listLabs();
  assert.deepEqual(
    labs.filter(({ name }) => name.startsWith(`run-${child.pid}-`)),
    [],
    'a laboratory goes on',
  );
  const journals = join(state, 'tare/runs');
  assert.deepEqual(existsSync(journals) ? readdirSync(journals) : [], []);
  return ended;
}

function checkCase(each: ValidationCase): void {
  const { title, scenario, measured, failures } = each;
  assert.deepEqual(failures, [], title);
  assert.equal(measured.length, 1, title);
  const { converged, checks = [], stream, wire } = measured[0]!;
  assert.ok(converged, title);
  assert.deepEqual(
    checks.filter(({ ok }) => !ok),
    [],
    title,
  );
  const isProtected = expectedProtection(scenario.ipsec) !== 'clear';
  for (const requirement of [
    /alive and its memory whole/,
    /exactly one host/,
    /capture is whole/,
    /QEMU and the wire tell the same/,
    ...(isProtected ? [/every packet of the migration is/, /verifies with the run's keys/] : []),
  ]) {
    assert.ok(
      checks.some((check) => requirement.test(check.requirement)),
      `${title}: nothing was said about ${requirement}`,
    );
  }
  // Nothing is on the wire twice that TCP did not send twice. The reverse does not hold: what was sent again may carry
  // nothing (a SYN), or have been lost before it came to the wire.
  const twice = wire.bytesByLayer.payload - stream.bytes;
  const most = wire.retransmissions * LARGEST_SEGMENT;
  assert.ok(twice >= 0 && twice <= most, `${title}: ${twice} bytes twice, ${wire.retransmissions} segments`);
}

function checkPrediction(each: ValidationCase): void {
  for (const level of PREDICTION_LEVELS) {
    const { converged, figures } = compareCase(each, level)!;
    assert.equal(converged.predicted, converged.measured, each.title);
    for (const figure of ['wirePackets', 'wireBytes', 'streamBytes'] as const) {
      const { predicted, measured } = figures[figure];
      assert.ok(
        Math.abs(predicted! / measured! - 1) <= WIRE_TOLERANCE,
        `${each.title}, ${level}: ${figure} ${predicted} predicted, ${measured} measured`,
      );
    }
  }
}

/** Packets that are six times as large are a sixth as many, whatever protects them. */
function checkMtu({ cases }: Validation): void {
  const packets = (name: string): number[] => {
    const found = cases.find((each) => each.name === name)!;
    return [found.measured[0]!, found.predictions.packet.run!].map(({ wire }) => wire.packets);
  };
  for (const protection of ['clear', 'esp', 'ah-esp']) {
    const [small, large] = [packets(`${protection}-1500`), packets(`${protection}-9000`)];
    for (const [i, few] of large.entries()) {
      assert.ok(
        few * 5.5 < small[i]! && few * 7 > small[i]!,
        `${protection}: ${small[i]} and ${few} packets`,
      );
    }
  }
}

test('from a cold start the quick matrix migrates for real, and what it sent is what was predicted', async (t) => {
  if (!requireLab(t, obstacle)) return;
  const { code, stdout, stderr } = await validate(t, ['--matrix', 'quick', '--calibration', 'lab-tcg']);
  assert.equal(code, 0, stderr);
  const validation = parseValidation(stdout);
  assert.equal(validation.complete, true);
  assert.equal(validation.cases.length, 6);
  for (const each of validation.cases) {
    checkCase(each);
    checkPrediction(each);
  }
  checkMtu(validation);
  const { runs, failures } = summarizeValidation(validation);
  assert.deepEqual([runs, failures], [6, 0]);
  t.diagnostic(
    validation.cases
      .map(({ title, measured: [run], predictions }) => {
        const predicted = predictions.packet.run!;
        const [ms, taken] = [predicted.totalTimeMs, run!.totalTimeMs].map(Math.round);
        return `${title}: ${ms} ms and ${predicted.wire.packets} packets predicted, ${taken} ms and ${run!.wire.packets} measured`;
      })
      .join('; '),
  );
});

test('interrupted, it ends in order and tells what it had measured', async (t) => {
  if (!requireLab(t, obstacle)) return;
  const begun = attempts('started');
  const { signal, stdout } = await validate(t, ['--calibration', 'lab-tcg'], async (pid, ended) => {
    while (attempts('started') < begun + 2 && !ended.aborted) await sleep(100);
    if (!ended.aborted) process.kill(pid, 'SIGINT');
  });
  assert.equal(signal, 'SIGINT');
  const validation = parseValidation(stdout);
  assert.equal(validation.complete, false);
  assert.deepEqual(
    validation.cases.map(({ measured, failures }) => [measured.length, failures.length]),
    [[1, 0], ...Array(5).fill([0, 0])],
  );
  checkCase(validation.cases[0]!);
});

/** Every run is an attempt in the log, and told there before it begins. */
function attempts(entry: string): number {
  if (!existsSync(AUDIT_LOG)) return 0;
  const lines = readFileSync(AUDIT_LOG, 'utf8').split('\n').filter(Boolean);
  return lines.filter((line) => line.includes(`"entry":"${entry}"`)).length;
}
