import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { validationJson } from '../../../src/result/validation-json.js';
import { sampleValidation } from '../report/sample-validation.js';
import { type RunResult, runTare, withFolder } from './run-tare.js';

const TEXT = `${JSON.stringify(validationJson(sampleValidation()))}\n`;

function withStored<Result>(body: (path: string, folder: string) => Result): Result {
  return withFolder((folder) => {
    const path = join(folder, 'stored.json');
    writeFileSync(path, TEXT);
    return body(path, folder);
  });
}

function validate(...args: string[]): RunResult {
  return runTare(['validate', ...args]);
}

test('a stored validation is reported again, in words and as the same JSON', () => {
  withStored((path) => {
    const words = validate('--from', path);
    assert.deepEqual([words.exitCode, words.stderr], [0, '']);
    assert.match(words.stdout, /^Predicted packet by packet, total times are off by /);
    const json = validate('--from', path, '--json');
    assert.deepEqual(JSON.parse(json.stdout), JSON.parse(TEXT));
    const piped = runTare(['validate', '--from', '-', '--json'], { input: TEXT });
    assert.equal(piped.stdout, json.stdout);
  });
});

test('charts come as one page and as pictures', () => {
  withStored((path, folder) => {
    const [html, png] = [join(folder, 'report.html'), join(folder, 'pictures')];
    const { exitCode, stderr } = validate('--from', path, '--html', html, '--png', png);
    assert.equal(exitCode, 0, stderr);
    assert.match(readFileSync(html, 'utf8'), /^<!doctype html>/);
    assert.deepEqual(readdirSync(png).toSorted(), [
      'ipsec-cost.png',
      'packets-over-mtu.png',
      'time-over-mtu.png',
      'validation-cpu.png',
      'validation-errors.png',
      'validation-packets.png',
      'validation-total-time.png',
    ]);
  });
});

test('a file that is no validation is refused with its name and what is wrong', () => {
  withStored((path, folder) => {
    const broken = join(folder, 'broken.json');
    writeFileSync(broken, TEXT.replace('tare.validation/1', 'tare.run/1'));
    const { exitCode, stderr, stdout } = validate('--from', broken);
    assert.deepEqual([exitCode, stdout], [3, '']);
    assert.match(stderr, /^tare: .*broken\.json: this is no tare\.validation\/1: schema: /);
    assert.equal(validate('--from', join(folder, 'missing.json')).exitCode, 3);
    const same = validate('--from', path, '--html', path);
    assert.equal(same.exitCode, 2);
    assert.equal(readFileSync(path, 'utf8'), TEXT);
  });
});

test('what makes no sense is refused before anything is started', () => {
  for (const [args, said] of [
    [['--matrix', 'huge'], /--matrix.*quick, published, full/s],
    [['--repeat', '0'], /--repeat.*1 to 999/s],
    [['lab-16mib', '--matrix', 'quick'], /give scenarios or --matrix, not both/],
    [['no-such-scenario'], /no-such-scenario/],
    [['--calibration', 'none-such'], /no calibration "none-such"/],
    [['--from', 'x.json', '--lab'], /--from measures nothing: --lab does not go with it/],
    [['lab-16mib', '--from', 'x.json'], /--from measures nothing: scenarios do not go with it/],
    [['--lab', '--local'], /give one of/],
  ] as const) {
    const { exitCode, stderr, stdout } = validate(...args);
    assert.deepEqual([exitCode, stdout], [2, ''], `${args.join(' ')}: ${stderr}`);
    assert.match(stderr, said);
  }
});
