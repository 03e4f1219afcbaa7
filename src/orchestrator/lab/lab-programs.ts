import { access, constants, readFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { LabError } from './lab-error.js';
import { toolsFolder } from './lab-paths.js';

/** A Debian package whose programs the lab runs. */
export interface LabPackage {
  readonly name: string;
  readonly programs: readonly string[];
  readonly why: string;
}

export const LAB_PACKAGES: readonly LabPackage[] = [
  {
    name: 'qemu-system-x86',
    programs: ['qemu-system-x86_64'],
    why: 'the two machines, and the guests in them',
  },
  { name: 'busybox-static', programs: ['busybox'], why: 'starts the machines' },
  { name: 'kmod', programs: ['depmod', 'modprobe'], why: 'finds and loads kernel modules' },
  { name: 'xz-utils', programs: ['xz'], why: 'unpacks the kernel' },
  { name: 'openssh-client', programs: ['ssh', 'ssh-keygen'], why: 'runs programs in the machines' },
  { name: 'openssh-server', programs: ['sshd'], why: 'takes them there; it is not started on this machine' },
  { name: 'iproute2', programs: ['ip', 'tc'], why: 'IPsec, addresses, delay and rate of the link' },
  { name: 'ethtool', programs: ['ethtool'], why: 'switches offloads off' },
  { name: 'tcpdump', programs: ['tcpdump'], why: 'captures within the machines' },
];

const SYSTEM_FOLDERS = ['/usr/local/sbin', '/usr/sbin', '/sbin', '/usr/bin', '/bin'];

/** Where the unpacked packages are, if there are any: `root/` like a root file system, `bin/` with what runs on this machine. */
export function toolTree(): { readonly root: string; readonly bin: string } {
  const current = join(toolsFolder(), 'current');
  return { root: join(current, 'root'), bin: join(current, 'bin') };
}

/** @returns path of a program that this machine has or that was unpacked for the lab; null if there is neither */
export async function findProgram(program: string): Promise<string | null> {
  const installed = await findInstalled(program);
  if (installed !== null) return installed;
  const unpacked = join(toolTree().bin, program);
  return (await isUsable(program, unpacked)) ? unpacked : null;
}

/** @returns path of a program that is installed on this machine */
export async function findInstalled(program: string): Promise<string | null> {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), ...SYSTEM_FOLDERS];
  for (const folder of folders) {
    const path = join(folder, program);
    if (folder.startsWith('/') && (await isUsable(program, path))) return path;
  }
  return null;
}

/** @throws LabError if there is none */
export async function requireProgram(program: string): Promise<string> {
  const path = await findProgram(program);
  if (path === null) throw new LabError(`${program} is missing: run tare lab setup, which fetches it`);
  return path;
}

/** @returns packages of which a program is missing, in the order of the table */
export async function missingPackages(): Promise<LabPackage[]> {
  return packagesWithout(findProgram);
}

/** @returns packages of which a program is not installed, unpacked or not */
export async function packagesNotInstalled(): Promise<LabPackage[]> {
  return packagesWithout(findInstalled);
}

async function packagesWithout(find: (program: string) => Promise<string | null>): Promise<LabPackage[]> {
  const paths = await Promise.all(LAB_PACKAGES.map((entry) => Promise.all(entry.programs.map(find))));
  return LAB_PACKAGES.filter((_, i) => paths[i]?.includes(null));
}

async function isUsable(program: string, path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK);
  } catch {
    return false;
  }
  return program !== 'busybox' || (await isStatic(path));
}

/** Before a machine has a root file system there are no libraries. */
export async function isStatic(path: string): Promise<boolean> {
  return !(await readFile(path)).includes('/ld-linux');
}
