import assert from 'node:assert/strict';
import { test } from 'node:test';
import { repoPath } from '../../repo-root.js';
import { runTare } from './run-tare.js';

const COMMANDS = [
  ['suites'],
  ['scenarios'],
  ['analyze', repoPath('captures/ipsec/tun4-natt-cbc-sha256.pcap')],
  ['predict', 'lab-16mib'],
  ['validate', '--from', repoPath('captures/validation/quick.json')],
];

for (const args of COMMANDS) {
  test(`tare ${args[0]} prints no line wider than the terminal`, () => {
    for (const width of [40, 80, 200]) {
      const { stdout, stderr } = runTare(args, { env: { COLUMNS: `${width}` } });
      assert.ok(stdout.length > 200, stderr);
      for (const line of stdout.split('\n')) assert.ok([...line].length <= width, `${width}: ${line}`);
    }
  });
}
