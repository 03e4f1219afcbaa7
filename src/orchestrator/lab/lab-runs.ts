import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { processMark } from '../steps/process-mark.js';
import type { Accelerator } from './accelerator.js';
import { LabError } from './lab-error.js';
import type { LabLink } from './lab-link.js';
import { isLabName, runFolder } from './lab-paths.js';
import type { MachineClock } from './link-capture.js';
import type { Side } from './machine-arguments.js';
import { SUPERVISOR_FILE, type SupervisorIdentity } from './supervisor-protocol.js';

/** What is written down of a lab that is up, for those who come to it later. */
export interface LabRecord {
  readonly name: string;
  readonly keep: boolean;
  /** ISO 8601. */
  readonly since: string;
  readonly accelerator: Accelerator;
  readonly kernelRelease: string;
  readonly qemuVersion: string;
  readonly memoryMib: number;
  /** Nanoseconds for each instruction; null: processors go as fast as they can. */
  readonly instructionNs: number | null;
  readonly link: LabLink;
  /** On 127.0.0.1, for ssh. */
  readonly ports: Readonly<Record<Side, number>>;
  /** By which captures of the link are timed. */
  readonly clocks: Readonly<Record<Side, MachineClock>>;
}

export interface LabStatus {
  readonly name: string;
  readonly folder: string;
  /** `starting` also while it fails to. */
  readonly state: 'up' | 'starting';
  readonly supervisor: SupervisorIdentity;
  /** Null while it starts. */
  readonly record: LabRecord | null;
}

const RECORD_FILE = 'lab.json';
/** Long enough to start a supervisor, however slow the machine. */
const UNCLAIMED_MS = 60_000;

/**
 * Makes the folder of a new lab.
 * @throws LabError if there is a lab of that name
 */
export async function claimLabFolder(name: string): Promise<string> {
  if (!isLabName(name)) {
    throw new LabError(`"${name}" is no name for a lab: write letters a-z, digits and hyphens, 32 at most`);
  }
  await mkdir(runFolder(), { recursive: true, mode: 0o700 });
  await listLabs();
  const folder = join(runFolder(), name);
  try {
    await mkdir(folder, { mode: 0o700 });
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') {
      throw new LabError(
        `there is a lab named ${name} already: give another --name, or end it with tare lab down`,
      );
    }
    throw error;
  }
  return folder;
}

/** Labs that are up or starting. The folders of dead ones, whose supervisor was killed, are removed. */
export async function listLabs(): Promise<LabStatus[]> {
  const names = await readdir(runFolder()).catch(() => []);
  const found = await Promise.all(names.filter(isLabName).map(inspectLab));
  return found.filter((status) => status !== null).sort((a, b) => (a.name < b.name ? -1 : 1));
}

async function inspectLab(name: string): Promise<LabStatus | null> {
  const folder = join(runFolder(), name);
  const supervisor = await readJson<SupervisorIdentity>(join(folder, SUPERVISOR_FILE));
  if (supervisor === null ? await isFresh(folder) : isAlive(supervisor)) {
    const record = await readJson<LabRecord>(join(folder, RECORD_FILE));
    const identity = supervisor ?? { pid: 0, mark: '' };
    return { name, folder, state: record === null ? 'starting' : 'up', supervisor: identity, record };
  }
  await rm(folder, { recursive: true, force: true });
  return null;
}

/** Asks the lab to end and waits until it has. */
export async function endLab({ supervisor, folder }: LabStatus): Promise<void> {
  if (supervisor.pid !== 0 && isAlive(supervisor)) process.kill(supervisor.pid, 'SIGTERM');
  while (isAlive(supervisor)) await new Promise((resolve) => setTimeout(resolve, 20));
  await rm(folder, { recursive: true, force: true });
}

export async function writeLabRecord(folder: string, record: LabRecord): Promise<void> {
  const path = join(folder, RECORD_FILE);
  await writeFile(`${path}.new`, JSON.stringify(record, null, 2), { mode: 0o600 });
  await rename(`${path}.new`, path);
}

function isAlive({ pid, mark }: SupervisorIdentity): boolean {
  return mark !== '' && processMark(pid) === mark;
}

async function isFresh(folder: string): Promise<boolean> {
  const made = await stat(folder).catch(() => null);
  return made !== null && Date.now() - made.mtimeMs < UNCLAIMED_MS;
}

/** @returns null if it is not there, or not whole yet */
async function readJson<Value>(path: string): Promise<Value | null> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as Value;
  } catch {
    return null;
  }
}
