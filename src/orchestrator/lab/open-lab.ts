import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { SshHost, type SshTarget } from '../hosts/ssh-host.js';
import { Lab } from './lab.js';
import { LabError } from './lab-error.js';
import { DEFAULT_LINK, type LabLink } from './lab-link.js';
import { requireParts } from './lab-parts.js';
import { requireProgram } from './lab-programs.js';
import { claimLabFolder, type LabRecord, type LabStatus, listLabs } from './lab-runs.js';
import { SIDES, type Side } from './machine-arguments.js';
import { CLIENT_KEY, KNOWN_HOSTS, StartingLab } from './starting-lab.js';

export interface OpenLabOptions {
  readonly link?: Partial<LabLink>;
  /** Default: one that is in nobody's way. */
  readonly name?: string;
  /** Leave it running when this process ends, until `tare lab down`. Default: it ends with this process, however that ends. */
  readonly keep?: boolean;
  /** Of each machine. */
  readonly memoryMib?: number;
  /**
   * Emulated processors of a defined speed: a power of two, nanoseconds for each instruction. Then measurements come out alike on any
   * machine however busy; the clocks of the two machines go at paces of their own. Means nothing with KVM. Default: as fast as it goes.
   */
  readonly instructionNs?: number;
  readonly signal?: AbortSignal;
}

const DEFAULT_MEMORY_MIB = 1024;
/** An emulated processor on a busy machine may take long over an exchange of keys. */
const PATIENCE_SECONDS = 120;
/** Until `Lab.prepare` has read them. */
const UNKNOWN_CLOCKS = { source: { startMs: Number.NaN }, destination: { startMs: Number.NaN } };

/**
 * Starts two machines and waits until programs can be run on them.
 * @throws LabError if something is missing (it says what to run), or a machine does not come up
 */
export async function openLab(options: OpenLabOptions = {}): Promise<Lab> {
  const { keep = false, memoryMib = DEFAULT_MEMORY_MIB, signal } = options;
  const parts = await requireParts();
  const instructionNs = parts.accelerator === 'tcg' ? (options.instructionNs ?? null) : null;
  const name = options.name ?? `run-${process.pid}-${randomBytes(3).toString('hex')}`;
  const folder = await claimLabFolder(name);
  const link = { ...DEFAULT_LINK, ...options.link };
  const starting = new StartingLab(folder, parts, {
    link,
    memoryMib,
    instructionNs,
    ...(signal === undefined ? {} : { signal }),
  });
  try {
    const ports = await starting.start();
    const record: LabRecord = {
      name,
      keep,
      since: new Date().toISOString(),
      accelerator: parts.accelerator,
      kernelRelease: parts.kernel.release,
      qemuVersion: parts.qemuVersion,
      memoryMib,
      instructionNs,
      link,
      ports,
      clocks: UNKNOWN_CLOCKS,
    };
    const hosts = await connectHosts(folder, ports, signal);
    const lab = new Lab({
      folder,
      record,
      hosts,
      release: () => (keep ? Promise.resolve() : starting.end()),
    });
    await lab.prepare();
    if (keep) await starting.keep();
    return lab;
  } catch (error) {
    await starting.end();
    throw error;
  }
}

/**
 * Connects to a lab that `tare lab up` left running. Closing it leaves it so.
 * @throws LabError if there is no such lab
 */
export async function attachLab(name: string, signal?: AbortSignal): Promise<Lab> {
  const status = (await listLabs()).find((each) => each.name === name);
  if (status === undefined) throw new LabError(`there is no lab named ${name}: tare lab up starts one`);
  if (status.record === null)
    throw new LabError(`the lab ${name} is still starting: try again in some seconds`);
  const hosts = await connectHosts(status.folder, status.record.ports, signal);
  return new Lab({ folder: status.folder, record: status.record, hosts, release: async () => {} });
}

/** How ssh reaches one machine of a lab that is up. */
export async function machineTarget(
  status: Pick<LabStatus, 'folder'>,
  side: Side,
  port: number,
): Promise<SshTarget> {
  return {
    destination: 'root@127.0.0.1',
    name: side,
    port,
    identityFile: join(status.folder, CLIENT_KEY),
    knownHostsFile: join(status.folder, KNOWN_HOSTS),
    configFile: '/dev/null',
    socketFolder: status.folder,
    patienceSeconds: PATIENCE_SECONDS,
    program: await requireProgram('ssh'),
  };
}

async function connectHosts(
  folder: string,
  ports: Readonly<Record<Side, number>>,
  signal?: AbortSignal,
): Promise<Record<Side, SshHost>> {
  const targets = await Promise.all(SIDES.map((side) => machineTarget({ folder }, side, ports[side])));
  const connecting = targets.map((target) => SshHost.connect(target, signal));
  const [source, destination] = await Promise.allSettled(connecting);
  if (source?.status === 'fulfilled' && destination?.status === 'fulfilled') {
    return { source: source.value, destination: destination.value };
  }
  for (const each of [source, destination]) if (each?.status === 'fulfilled') await each.value.close();
  throw source?.status === 'rejected' ? source.reason : (destination as PromiseRejectedResult).reason;
}
