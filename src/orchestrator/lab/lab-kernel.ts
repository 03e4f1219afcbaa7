import { createHash, randomBytes } from 'node:crypto';
import { access, mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import type { DebianArchive } from './debian-archive.js';
import { buildInitramfs, initramfsInputs } from './initramfs.js';
import { LabError } from './lab-error.js';
import { kernelsFolder, labCacheFolder } from './lab-paths.js';
import { findProgram, requireProgram } from './lab-programs.js';
import { type CompressedKernel, findCompressedKernel } from './linux-image.js';
import { runHere } from './run-here.js';

/** An unmodified kernel of a distribution, ready to be started. */
export interface LabKernel {
  /** As `uname -r` says. */
  readonly release: string;
  readonly kernel: string;
  /** What is to be mounted on /lib/modules. */
  readonly modules: string;
  readonly initramfs: string;
}

/** Meta packages whose dependencies name the newest generic kernel: of Debian, of Ubuntu. The cloud flavours have no 9p. */
const META_PACKAGES = ['linux-image-amd64', 'linux-image-generic'];
const KERNEL_PACKAGE = /^linux-(image|modules(-extra)?)-\d/;

/** Kinds of modules that a lab can need; graphics, sound and the like make up most of the package. */
const KEPT_MODULES: Readonly<Record<string, readonly string[]>> = {
  kernel: ['arch', 'crypto', 'drivers', 'fs', 'lib', 'net'],
  'kernel/drivers': ['block', 'char', 'crypto', 'net', 'virtio'],
  'kernel/fs': ['9p', 'fscache', 'fuse', 'netfs', 'overlayfs'],
};

/** @returns null if none has been fetched yet */
export async function findKernel(): Promise<LabKernel | null> {
  const release = await newestRelease();
  return release === null ? null : withInitramfs(release);
}

export async function hasFetchedKernel(): Promise<boolean> {
  return (await newestRelease()) !== null;
}

async function newestRelease(): Promise<string | null> {
  const releases = await readdir(kernelsFolder()).catch(() => []);
  return releases.sort((a, b) => a.localeCompare(b, 'en', { numeric: true })).at(-1) ?? null;
}

/** @returns packages that `fetchKernel` would fetch */
export async function kernelPackages(archive: DebianArchive): Promise<string[]> {
  for (const meta of META_PACKAGES) {
    const names = new Set<string>();
    await addKernelPackages(archive, meta, names);
    if (names.size > 0) return [...names];
  }
  throw new LabError(
    `apt knows none of the packages ${META_PACKAGES.join(', ')}: the lab needs Debian or Ubuntu on x86-64`,
  );
}

async function addKernelPackages(archive: DebianArchive, name: string, names: Set<string>): Promise<void> {
  const depends = await archive.dependencies(name).catch(() => []);
  for (const next of depends.filter((each) => KERNEL_PACKAGE.test(each) && !names.has(each))) {
    names.add(next);
    await addKernelPackages(archive, next, names);
  }
}

/** Fetches a kernel and makes it ready. Several processes may do so at once: the first to finish is taken. */
export async function fetchKernel(archive: DebianArchive, packages: readonly string[]): Promise<LabKernel> {
  await mkdir(kernelsFolder(), { recursive: true });
  const folder = await mkdtemp(join(labCacheFolder(), 'kernel-'));
  try {
    const unpacked = join(folder, 'unpacked');
    await mkdir(unpacked);
    await archive.unpack(packages, unpacked);
    const modulesRoot = await firstExisting([
      join(unpacked, 'usr/lib/modules'),
      join(unpacked, 'lib/modules'),
    ]);
    const [release] = await readdir(modulesRoot);
    if (release === undefined) throw new LabError(`${packages.join(', ')}: no modules in it`);
    const ready = join(folder, release);
    await mkdir(ready);
    await writeFile(join(ready, 'kernel'), await unpackKernel(join(unpacked, 'boot', `vmlinuz-${release}`)));
    await keepModules(join(modulesRoot, release));
    await mkdir(join(ready, 'lib'));
    await rename(modulesRoot, join(ready, 'lib/modules'));
    await runHere(await requireProgram('depmod'), ['-b', ready, release]);
    await publish(ready, join(kernelsFolder(), release));
    return await withInitramfs(release);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** The start scripts change with Tare, the kernel does not: there may be several of them. */
async function withInitramfs(release: string): Promise<LabKernel> {
  const folder = join(kernelsFolder(), release);
  const modules = join(folder, 'lib/modules');
  const digest = createHash('sha256').update(initramfsInputs()).digest('hex').slice(0, 16);
  const initramfs = join(folder, `initramfs-${digest}`);
  if (!(await exists(initramfs))) {
    const unfinished = `${initramfs}.${randomBytes(4).toString('hex')}`;
    await writeFile(unfinished, await buildInitramfs(folder, release));
    await rename(unfinished, initramfs);
  }
  return { release, kernel: join(folder, 'kernel'), modules, initramfs };
}

async function unpackKernel(path: string): Promise<Buffer> {
  const image = await readFile(path);
  const found = findCompressedKernel(image);
  const kernel = found === null ? null : await decompress(found);
  // QEMU starts the whole image just as well, only later.
  return kernel?.toString('latin1', 0, 4) === '\x7fELF' ? kernel : image;
}

async function decompress({ compression, bytes }: CompressedKernel): Promise<Buffer | null> {
  if (compression === 'gzip') return gunzipSync(bytes);
  if (compression === 'xz') return runHere(await requireProgram('xz'), ['-d', '-c'], { input: bytes });
  const zstd = await findProgram('zstd');
  return zstd === null ? null : runHere(zstd, ['-d', '-c'], { input: bytes });
}

async function keepModules(folder: string): Promise<void> {
  for (const [parent, kept] of Object.entries(KEPT_MODULES)) {
    const names = await readdir(join(folder, parent)).catch(() => []);
    const dropped = names.filter((name) => !kept.includes(name));
    for (const name of dropped) await rm(join(folder, parent, name), { recursive: true });
  }
  // Of network devices those without hardware, which lie beside the vendors' folders.
  const net = join(folder, 'kernel/drivers/net');
  for (const entry of await readdir(net, { withFileTypes: true })) {
    if (entry.isDirectory()) await rm(join(net, entry.name), { recursive: true });
  }
}

async function publish(folder: string, destination: string): Promise<void> {
  try {
    await rename(folder, destination);
  } catch (error) {
    // Somebody else was faster.
    if (!(await exists(join(destination, 'kernel')))) throw error;
  }
}

async function firstExisting(paths: readonly string[]): Promise<string> {
  for (const path of paths) if (await exists(path)) return path;
  throw new LabError(`there is none of ${paths.join(', ')}`);
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
