/** `tare demo` as it is typed: two migrations in a laboratory, and what a listener on its link has of them. */
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import type { Exposure } from '../../src/exposure/exposure.js';
import { runTool } from '../tool.js';
import { TARE } from '../unit/cli/run-tare.js';
import { TestLab } from './test-lab.js';

const TIMEOUT_MS = 600_000;

const bench = await TestLab.forTests('demo');

bench.test('in the clear a listener gets everything, through ESP in AH nothing', async () => {
  const args = [TARE, 'demo', '--lab', bench.name, '--json'];
  const { stdout, stderr } = runTool(process.execPath, args, { timeoutMs: TIMEOUT_MS });
  const { captures } = JSON.parse(stdout) as Exposure;
  const [clear, closed] = captures.map(({ eavesdropper }) => eavesdropper);
  const [memory] = clear!.memories;
  assert.equal(memory!.knownBytes, memory!.memoryBytes);
  for (const { inMemory, inPackets } of clear!.secrets) assert.ok(inMemory >= 1024 && inPackets >= 1024);
  assert.deepEqual(closed!.memories, []);
  assert.equal(
    closed!.protection.clear.bytes + closed!.protection.ah.bytes + closed!.protection.esp.bytes,
    0,
  );
  for (const { inMemory, inPackets, acrossPackets } of closed!.secrets) {
    assert.deepEqual([inMemory, inPackets, acrossPackets], [0, 0, 0]);
  }
  assert.ok(closed!.payloads.ahEsp!.uniformShare > 0.97);
  assert.match(stderr, /masked/);
  const found = memory!.keyMaterial.map(({ id }) => id);
  assert.ok(found.includes('awsAccessKey') && found.includes('password'));
  assert.deepEqual(
    readdirSync(bench.temporary).filter((name) => name.startsWith('tare-demo')),
    [],
  );
});
