import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { getuid } from 'node:process';
import { LabError } from './lab-error.js';
import { labCacheFolder } from './lab-paths.js';
import { runHere } from './run-here.js';

/**
 * Debian packages to be unpacked, not installed: nothing on this machine changes, and nobody need be root. apt checks their
 * signatures as always. Its lists of packages are used as they are; where they are missing or too old, lists of our own
 * are fetched.
 */
export class DebianArchive {
  readonly #signal: AbortSignal | undefined;
  #ownLists = false;

  constructor(signal?: AbortSignal) {
    this.#signal = signal;
  }

  /** @returns `Depends` of the newest version of a package, by name alone; empty if there is no such package */
  async dependencies(name: string): Promise<string[]> {
    const shown = await this.#withLists(async (options) => {
      const text = await this.#run('apt-cache', [...options, 'show', '--no-all-versions', name]);
      return text.toString('utf8');
    });
    return parseDepends(shown);
  }

  /** Unpacks packages, without what they depend on. */
  async unpack(names: readonly string[], folder: string): Promise<void> {
    await this.#fetchAndUnpack(folder, (options, archives) =>
      this.#run('apt-get', [...options, 'download', ...names], archives),
    );
  }

  /** Unpacks packages with whatever of their dependencies is not installed on this machine. */
  async unpackMissing(names: readonly string[], folder: string): Promise<void> {
    await this.#fetchAndUnpack(folder, (options, archives) => {
      const where = ['-o', `Dir::Cache::archives=${archives}`];
      const how = ['--download-only', '--no-install-recommends', '--reinstall', '--yes'];
      return this.#run('apt-get', [...options, ...where, 'install', ...how, ...names]);
    });
  }

  async #fetchAndUnpack(
    folder: string,
    fetch: (options: readonly string[], archives: string) => Promise<unknown>,
  ): Promise<void> {
    await mkdir(labCacheFolder(), { recursive: true });
    const archives = await mkdtemp(join(labCacheFolder(), 'fetch-'));
    try {
      await mkdir(join(archives, 'partial'));
      await this.#withLists((options) => fetch(options, archives));
      const files = (await readdir(archives)).filter((file) => file.endsWith('.deb')).sort();
      if (files.length === 0) throw new LabError('apt-get fetched no package');
      for (const file of files) await this.#run('sh', ['-c', EXTRACT, 'sh', join(archives, file), folder]);
    } finally {
      await rm(archives, { recursive: true, force: true });
    }
  }

  /** Tries with the machine's lists first. */
  async #withLists<Result>(use: (options: readonly string[]) => Promise<Result>): Promise<Result> {
    if (!this.#ownLists) {
      try {
        return await use(APT_OPTIONS);
      } catch (error) {
        if (this.#signal?.aborted || isMissingProgram(error)) throw error;
      }
      await this.#fetchLists();
    }
    return use(this.#ownOptions());
  }

  async #fetchLists(): Promise<void> {
    await mkdir(join(this.#listsFolder(), 'partial'), { recursive: true });
    await this.#run('apt-get', [...this.#ownOptions(), 'update']);
    this.#ownLists = true;
  }

  #ownOptions(): string[] {
    return [...APT_OPTIONS, '-o', `Dir::State::lists=${this.#listsFolder()}`];
  }

  #listsFolder(): string {
    return join(labCacheFolder(), 'apt-lists');
  }

  async #run(program: string, args: readonly string[], cwd?: string): Promise<Buffer> {
    const env = { DEBIAN_FRONTEND: 'noninteractive' };
    const signal = this.#signal;
    return runHere(program, args, {
      env,
      ...(cwd === undefined ? {} : { cwd }),
      ...(signal === undefined ? {} : { signal }),
    });
  }
}

/** As `dpkg-deb --extract`, which puts a directory where /lib is a symbolic link. */
const EXTRACT = 'dpkg-deb --fsys-tarfile "$1" | tar --extract --keep-directory-symlink --directory="$2"';

/** Nothing of the system's is written, so nothing of it need be locked. */
const APT_OPTIONS = [
  '-qq',
  ...['-o', 'Debug::NoLocking=1', '-o', 'Dir::Cache::pkgcache=', '-o', 'Dir::Cache::srcpkgcache='],
  // root's downloads go to another user otherwise, who may not write into our folder.
  ...(getuid?.() === 0 ? ['-o', 'APT::Sandbox::User=root'] : []),
];

/** @param control fields of a package as `apt-cache show` prints them; @returns names, first alternatives only */
export function parseDepends(control: string): string[] {
  const [, depends = ''] = /^Depends: (.*)$/m.exec(control) ?? [];
  return depends
    .split(',')
    .map(
      (entry) =>
        entry
          .split('|')[0]
          ?.trim()
          .split(/[\s:(]/)[0] ?? '',
    )
    .filter((name) => name !== '');
}

function isMissingProgram(error: unknown): boolean {
  return (
    error instanceof Error &&
    error.cause instanceof Error &&
    'code' in error.cause &&
    error.cause.code === 'ENOENT'
  );
}
