import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { DebianArchive } from './debian-archive.js';
import { LabError } from './lab-error.js';
import { fetchKernel, hasFetchedKernel, kernelPackages } from './lab-kernel.js';
import { labCacheFolder } from './lab-paths.js';
import { type LabPackage, missingPackages, packagesNotInstalled } from './lab-programs.js';
import { makeToolTree } from './tool-tree.js';

/** What `setUpLab` would fetch. Nothing is installed: all is unpacked in the lab's cache folder. */
export interface SetupPlan {
  readonly packages: readonly LabPackage[];
  /** Names of packages; empty if there is a kernel. */
  readonly kernel: readonly string[];
}

export interface SetupOptions {
  readonly signal?: AbortSignal;
  /** Told what is being done, one sentence a step. */
  readonly onStep?: (text: string) => void;
}

/** @throws LabError where there are no Debian packages */
export async function planSetup({ signal, onStep }: SetupOptions = {}): Promise<SetupPlan> {
  if (process.arch !== 'x64') throw new LabError(`the lab needs an x86-64 machine; this is ${process.arch}`);
  const isComplete = (await missingPackages()).length === 0;
  // A new tree replaces the old one, so it holds everything.
  const packages = isComplete ? [] : await packagesNotInstalled();
  const hasKernel = await hasFetchedKernel();
  if (!hasKernel) onStep?.('looking for the newest kernel');
  return { packages, kernel: hasKernel ? [] : await kernelPackages(new DebianArchive(signal)) };
}

/** Fetches and unpacks. Doing it twice, or in two processes at once, does no harm. */
export async function setUpLab(plan: SetupPlan, { signal, onStep }: SetupOptions = {}): Promise<void> {
  await removeLeftovers();
  const archive = new DebianArchive(signal);
  if (plan.packages.length > 0) {
    onStep?.('fetching and unpacking packages');
    await makeToolTree(plan.packages, archive);
  }
  if (plan.kernel.length === 0) return;
  onStep?.('fetching and unpacking the kernel');
  await fetchKernel(archive, plan.kernel);
}

/** Nobody takes so long to fetch something. */
const LEFTOVER_MS = 6 * 3600_000;

/** What a set-up that was killed has left. */
async function removeLeftovers(): Promise<void> {
  const folder = labCacheFolder();
  const names = await readdir(folder).catch(() => []);
  for (const name of names.filter((each) => /^(fetch|kernel)-/.test(each))) {
    const path = join(folder, name);
    const made = await stat(path).catch(() => null);
    if (made !== null && Date.now() - made.mtimeMs > LEFTOVER_MS)
      await rm(path, { recursive: true, force: true });
  }
}
