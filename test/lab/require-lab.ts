import type { TestContext } from 'node:test';
import { hasFetchedKernel } from '../../src/orchestrator/lab/lab-kernel.js';
import { missingPackages } from '../../src/orchestrator/lab/lab-programs.js';

/** @returns what the lab lacks here, or null if it can be started */
export async function findLabObstacle(): Promise<string | null> {
  const missing = (await missingPackages()).map(({ name }) => name);
  if (missing.length === 0 && (await hasFetchedKernel())) return null;
  return `the lab lacks ${missing.join(', ') || 'a kernel'}: tare lab setup fetches it`;
}

/** As `requireTool`: skips the test, or fails it where nothing may go untested. */
export function requireLab(t: Pick<TestContext, 'skip'>, obstacle: string | null): boolean {
  if (obstacle === null) return true;
  if (!['', '0', 'false'].includes(process.env['CI'] ?? '')) throw new Error(obstacle);
  t.skip(obstacle);
  return false;
}
