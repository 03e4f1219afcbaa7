import { copyFile, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { LabError } from './lab-error.js';
import { requireProgram } from './lab-programs.js';
import { BOOT_SCRIPT, INIT_SCRIPT } from './machine-scripts.js';
import { runHere } from './run-here.js';

/** Loaded before there is a root file system, in this order, each with what it depends on. */
const BOOT_MODULES = ['virtio_pci', '9p', '9pnet_virtio', 'overlay', 'virtio_net'];

/** What an initramfs is made of besides kernel and busybox: another text, another initramfs. */
export function initramfsInputs(): string {
  return JSON.stringify([INIT_SCRIPT, BOOT_SCRIPT, BOOT_MODULES]);
}

/**
 * @param kernelFolder holds lib/modules/RELEASE
 * @returns a compressed cpio archive
 */
export async function buildInitramfs(kernelFolder: string, release: string): Promise<Buffer> {
  const [busybox, modprobe] = [await requireProgram('busybox'), await requireProgram('modprobe')];
  const folder = await mkdtemp(join(tmpdir(), 'tare-initramfs-'));
  try {
    for (const name of ['bin', 'modules']) await mkdir(join(folder, name));
    await copyFile(busybox, join(folder, 'bin/busybox'));
    await symlink('busybox', join(folder, 'bin/sh'));
    await writeFile(join(folder, 'init'), INIT_SCRIPT, { mode: 0o755 });
    await writeFile(join(folder, 'boot.sh'), BOOT_SCRIPT);
    const modules = await modulesInOrder(modprobe, kernelFolder, release);
    for (const [i, path] of modules.entries()) {
      const name = basename(path).replace(/\.(xz|zst)$/, '');
      const content = await readModule(path);
      await writeFile(join(folder, 'modules', `${String(i).padStart(2, '0')}-${name}`), content);
    }
    return gzipSync(await packCpio(busybox, folder));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** @returns paths of the module files; what the kernel has built in is left out */
async function modulesInOrder(modprobe: string, kernelFolder: string, release: string): Promise<string[]> {
  const paths = new Set<string>();
  for (const name of BOOT_MODULES) {
    const args = ['-d', kernelFolder, '-S', release, '--show-depends', name];
    const shown = await runHere(modprobe, args).catch((error: unknown) => {
      throw new LabError(`the kernel ${release} has no module ${name}, which the lab needs`, {
        cause: error,
      });
    });
    for (const [, path = ''] of shown.toString('utf8').matchAll(/^insmod (\S+)/gm)) paths.add(path);
  }
  return [...paths];
}

/** busybox cannot load compressed ones. */
async function readModule(path: string): Promise<Buffer> {
  const content = await readFile(path);
  const program = path.endsWith('.xz') ? 'xz' : path.endsWith('.zst') ? 'zstd' : null;
  if (program === null) return content;
  return runHere(await requireProgram(program), ['-d', '-c'], { input: content });
}

async function packCpio(busybox: string, folder: string): Promise<Buffer> {
  const names = await runHere(busybox, ['find', '.'], { cwd: folder });
  return runHere(busybox, ['cpio', '-o', '-H', 'newc', '-R', '0:0'], { cwd: folder, input: names });
}
