/**
 * The orchestrator killed after each step in turn: the guest runs on exactly one host then, and what the journal says undoes
 * everything. The runs change all that is ever changed on real hosts.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { reopenPlace } from '../../src/orchestrator/open-place.js';
import { RUN_STEPS } from '../../src/orchestrator/run-migration.js';
import { findJournals } from '../../src/orchestrator/steps/journal.js';
import { cleanUp } from '../../src/orchestrator/steps/step-runner.js';
import type { Overrides } from '../../src/scenario/apply-overrides.js';
import { repoPath } from '../repo-root.js';
import { labScenario } from './lab-scenario.js';
import { runningGuests, TestLab } from './test-lab.js';

const bench = await TestLab.forTests('killed');
const CHANGES: Overrides = {
  esp: 'aes128gcm16',
  mtu: '1400',
  mss: '1200',
  filled: '1MiB',
  workingSet: '1MiB',
};
const FIRST_WITH_GUEST = RUN_STEPS.findIndex(({ name }) => name === 'guest');

for (const [index, step] of RUN_STEPS.entries()) {
  const title = `killed after "${step.title}": what its journal says undoes it all`;
  bench.traceless(title, async ({ source, destination }) => {
    await killRun(step.name);
    const guests = await Promise.all([source, destination].map(runningGuests));
    assert.equal(guests[0]! + guests[1]!, index >= FIRST_WITH_GUEST ? 1 : 0);
    const [journal, ...others] = findJournals(bench.journals);
    assert.deepEqual(others, []);
    const place = await reopenPlace(journal!.header.hosts);
    assert.deepEqual(await cleanUp(journal!, place!.hosts), []);
    await place!.close();
  });
}

async function killRun(lastStep: string): Promise<void> {
  const script = repoPath('dist/test/lab/killed-run.js');
  const args = [script, bench.name, lastStep, bench.journals, JSON.stringify(labScenario(CHANGES))];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'inherit', 'inherit'] });
  const [, signal] = (await once(child, 'exit')) as [number | null, string | null];
  assert.equal(signal, 'SIGKILL');
  // It could not tidy up here, either: its temporary files go with their folder.
  for (const name of readdirSync(bench.temporary))
    rmSync(join(bench.temporary, name), { recursive: true, force: true });
}
