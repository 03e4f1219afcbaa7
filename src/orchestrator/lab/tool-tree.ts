import { randomBytes } from 'node:crypto';
import { access, chmod, mkdir, readdir, readlink, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { DebianArchive } from './debian-archive.js';
import { LabError } from './lab-error.js';
import { toolsFolder } from './lab-paths.js';
import { isStatic, type LabPackage } from './lab-programs.js';
import { listLabs } from './lab-runs.js';

/** Where Debian puts what users need not call themselves, too. */
const PROGRAM_FOLDERS = ['usr/sbin', 'usr/bin'];
const MULTIARCH = 'usr/lib/x86_64-linux-gnu';
/** On Debian /bin is /usr/bin; packages that are older than this still say /bin. */
const MERGED_FOLDERS = ['bin', 'sbin', 'lib', 'lib64'];

/**
 * Unpacks packages, with all they need that this machine lacks, into a tree of its own. The machines of a lab see it below their
 * changes and above this machine's files, as if it were installed; what must run on this machine gets a small script that
 * says where the libraries are.
 */
export async function makeToolTree(packages: readonly LabPackage[], archive: DebianArchive): Promise<void> {
  const name = randomBytes(6).toString('hex');
  const tree = join(toolsFolder(), name);
  const root = join(tree, 'root');
  try {
    await makeMergedRoot(root);
    await archive.unpackMissing(
      packages.map((each) => each.name),
      root,
    );
    for (const folder of ['bin', 'link']) await mkdir(join(tree, folder));
    for (const program of packages.flatMap((each) => each.programs)) await writeWrapper(tree, program);
    await makeCurrent(name);
  } catch (error) {
    await rm(tree, { recursive: true, force: true });
    throw error;
  }
}

async function makeMergedRoot(root: string): Promise<void> {
  for (const folder of MERGED_FOLDERS) {
    await mkdir(join(root, 'usr', folder), { recursive: true });
    await symlink(`usr/${folder}`, join(root, folder));
  }
}

async function writeWrapper(tree: string, program: string): Promise<void> {
  const root = join(tree, 'root');
  const path = await resolveProgram(root, program);
  if (path === null) throw new LabError(`no package that was fetched has ${program}`);
  const wrapper = join(tree, 'bin', program);
  if (await isStatic(path)) return symlink(path, wrapper);
  // Some programs are several in one and go by the name they are called by.
  const link = join(tree, 'link', program);
  await symlink(path, link);
  await writeFile(wrapper, wrapperScript(root, link, program.startsWith('qemu-')));
  await chmod(wrapper, 0o755);
}

function wrapperScript(root: string, program: string, isQemu: boolean): string {
  const libraries = [MULTIARCH, 'usr/lib'].map((folder) => join(root, folder)).join(':');
  const firmware = ['usr/share/qemu', 'usr/share/seabios'].map(
    (folder) => `-L ${quote(join(root, folder))} `,
  );
  return [
    '#!/bin/sh',
    `export LD_LIBRARY_PATH=${quote(libraries)}`,
    ...(isQemu ? [`export QEMU_MODULE_DIR=${quote(join(root, MULTIARCH, 'qemu'))}`] : []),
    `exec ${quote(program)} ${isQemu ? firmware.join('') : ''}"$@"`,
    '',
  ].join('\n');
}

/** @returns the file that a program of the tree is, as if the tree were the root file system */
async function resolveProgram(root: string, program: string): Promise<string | null> {
  for (const folder of PROGRAM_FOLDERS) {
    const path = join(root, folder, program);
    const target = await readlink(path).catch(() => null);
    if (target !== null) return target.startsWith('/') ? join(root, target) : join(root, folder, target);
    if (await exists(path)) return path;
  }
  return null;
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

/** Older trees go unless a lab may still use them. */
async function makeCurrent(name: string): Promise<void> {
  const folder = toolsFolder();
  const link = join(folder, `current.${name}`);
  await symlink(name, link);
  await rename(link, join(folder, 'current'));
  if ((await listLabs()).length > 0) return;
  const current = await readlink(join(folder, 'current'));
  for (const other of await readdir(folder)) {
    if (other !== current && other !== 'current')
      await rm(join(folder, other), { recursive: true, force: true });
  }
}

function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
