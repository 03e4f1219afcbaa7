import { readFile, statfs } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { chooseAccelerator } from './accelerator.js';
import { examineCapture } from './examine-capture.js';
import { hasFetchedKernel } from './lab-kernel.js';
import { readQemuVersion } from './lab-parts.js';
import { labCacheFolder } from './lab-paths.js';
import { findInstalled, findProgram, missingPackages } from './lab-programs.js';
import { type Finding, PURPOSES, type Purpose } from './machine-finding.js';
import { runHere } from './run-here.js';

export { type Finding, PURPOSES, type Purpose } from './machine-finding.js';

export const OLDEST_NODE = [20, 12] as const;
const MIB = 2 ** 20;
/** Two machines of 1 GiB, and the two QEMUs around them. */
const LAB_MEMORY_MIB = 2560;
/** Kernel, unpacked packages, and what a download needs meanwhile. */
const LAB_DISK_MIB = 700;
const SET_UP = 'tare lab setup';

/** Looks at this machine; changes nothing on it. */
export async function examineMachine(): Promise<Finding[]> {
  const [kernel, ...others] = await Promise.all([
    examineKernel(),
    examineNode(),
    examineProgram('tcpdump', 'tcpdump', [], 'captures on this machine'),
    examineProgram('ssh', 'openssh-client', ['ssh'], 'hosts over ssh'),
    examineLabPrograms(),
    examineLabKernel(),
    examineMemory(),
    examineDisk(),
    examineCores(),
    examineKvm(),
    examineRoot(),
    examineProgram('qemu-system-x86_64', 'qemu-system-x86', ['local'], 'guests on this machine itself'),
    examineProgram('ip', 'iproute2', ['local'], 'IPsec on this machine itself'),
  ]);
  return [...others, ...examineCapture(), ...kernel];
}

/** @returns purposes for which nothing is missing */
export function usableFor(findings: readonly Finding[]): Purpose[] {
  const blocked = new Set(
    findings.filter(({ state }) => state === 'missing').flatMap(({ neededFor }) => neededFor),
  );
  return PURPOSES.filter((purpose) => !blocked.has(purpose));
}

async function examineNode(): Promise<Finding> {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  const [oldestMajor, oldestMinor] = OLDEST_NODE;
  const isNew = major > oldestMajor || (major === oldestMajor && minor >= oldestMinor);
  return {
    name: 'Node',
    state: isNew ? 'ok' : 'missing',
    found: process.versions.node,
    neededFor: PURPOSES,
    remedy: isNew ? '' : `install Node ${OLDEST_NODE.join('.')} or later`,
  };
}

/** @param neededFor empty: it is of use, and nothing stands still without it */
async function examineProgram(
  program: string,
  debianPackage: string,
  neededFor: readonly Purpose[],
  use: string,
): Promise<Finding> {
  const path = await findInstalled(program);
  if (path === null) {
    const remedy = `sudo apt-get install ${debianPackage}`;
    const state = neededFor.length === 0 ? 'optional' : 'missing';
    return { name: program, state, found: `not installed (${use})`, neededFor, remedy };
  }
  return { name: program, state: 'ok', found: await versionOf(program, path), neededFor, remedy: '' };
}

const VERSION_OPTIONS: Readonly<Record<string, string>> = { ssh: '-V', ip: '-V' };

async function versionOf(program: string, path: string): Promise<string> {
  // ssh tells its version on standard error.
  const script = '"$1" "$2" 2>&1';
  const said = await runHere('sh', ['-c', script, 'sh', path, VERSION_OPTIONS[program] ?? '--version']).catch(
    () => '',
  );
  const text = said.toString('utf8');
  return /\d+\.\d+[\w.]*/.exec(text)?.[0] ?? path;
}

async function examineLabPrograms(): Promise<Finding> {
  const missing = (await missingPackages()).map(({ name }) => name);
  const isFit = process.arch === 'x64';
  return {
    name: 'programs of the lab',
    state: missing.length === 0 && isFit ? 'ok' : 'missing',
    found: isFit
      ? missing.length === 0
        ? 'complete'
        : `without ${missing.join(', ')}`
      : `on ${process.arch}`,
    neededFor: ['lab'],
    remedy: isFit ? (missing.length === 0 ? '' : SET_UP) : 'take an x86-64 machine',
  };
}

async function examineLabKernel(): Promise<Finding> {
  const isThere = await hasFetchedKernel();
  const found = isThere ? 'fetched' : 'not fetched';
  return {
    name: 'kernel of the lab',
    state: isThere ? 'ok' : 'missing',
    found,
    neededFor: ['lab'],
    remedy: isThere ? '' : SET_UP,
  };
}

async function examineMemory(): Promise<Finding> {
  const text = await readFile('/proc/meminfo', 'utf8').catch(() => '');
  const freeMib = Math.floor(Number(/^MemAvailable:\s+(\d+) kB/m.exec(text)?.[1] ?? 0) / 1024);
  const isEnough = freeMib >= LAB_MEMORY_MIB;
  return {
    name: 'free memory',
    state: isEnough ? 'ok' : 'missing',
    found: `${freeMib} MiB`,
    neededFor: ['lab'],
    remedy: isEnough
      ? ''
      : `the lab takes ${LAB_MEMORY_MIB} MiB; tare lab up --memory 512MiB takes half of it`,
  };
}

async function examineDisk(): Promise<Finding> {
  const freeMib = await freeDiskMib();
  const isEnough = freeMib >= LAB_DISK_MIB || (await hasFetchedKernel());
  return {
    name: 'free disk',
    state: isEnough ? 'ok' : 'missing',
    found: `${freeMib} MiB for ${labCacheFolder()}`,
    neededFor: ['lab'],
    remedy: isEnough
      ? ''
      : `the lab takes ${LAB_DISK_MIB} MiB: set XDG_CACHE_HOME to a folder on another disk`,
  };
}

/** Of the nearest folder that is there: the cache folder itself may have to be made. */
async function freeDiskMib(): Promise<number> {
  for (let folder = labCacheFolder(); ; folder = folder.slice(0, folder.lastIndexOf('/')) || '/') {
    const found = await statfs(folder).catch(() => null);
    if (found !== null) return Math.floor((found.bavail * found.bsize) / MIB);
    if (folder === '/') return 0;
  }
}

async function examineCores(): Promise<Finding> {
  const cores = availableParallelism();
  return {
    name: 'cores',
    state: cores >= 2 ? 'ok' : 'optional',
    found: String(cores),
    neededFor: [],
    remedy: cores >= 2 ? '' : 'the two machines of the lab share one core: times measured there say little',
  };
}

async function examineKvm(): Promise<Finding> {
  const qemu = await findProgram('qemu-system-x86_64');
  if (qemu === null) {
    return { name: 'KVM', state: 'optional', found: 'not tried: no QEMU', neededFor: [], remedy: SET_UP };
  }
  const { accelerator, obstacle } = await chooseAccelerator(qemu);
  const works = accelerator === 'kvm';
  return {
    name: 'KVM',
    state: works ? 'ok' : 'optional',
    found: works ? `works, QEMU ${await readQemuVersion(qemu)}` : `does not work: ${obstacle}`,
    neededFor: [],
    remedy: works
      ? ''
      : 'none needed: QEMU emulates. A virtual machine gets KVM where its host allows nesting',
  };
}

async function examineRoot(): Promise<Finding> {
  const isRoot = process.getuid?.() === 0;
  return {
    name: 'root',
    state: isRoot ? 'ok' : 'missing',
    found: isRoot ? 'yes' : 'no',
    neededFor: ['local'],
    remedy: isRoot ? '' : 'run tare with sudo to measure on this machine itself',
  };
}

interface KernelProbe {
  readonly name: string;
  readonly tool: 'ip' | 'tc';
  /** A line of `ip -batch -` or `tc -batch -`. */
  readonly line: string;
  readonly module: string;
  readonly neededFor: readonly Purpose[];
}

/** Keys of zeros, in a network namespace that ends with the probe. */
const PROBES: readonly KernelProbe[] = [
  {
    name: 'ESP in the kernel',
    tool: 'ip',
    line: `xfrm state add src 192.0.2.1 dst 192.0.2.2 proto esp spi 256 mode transport aead rfc4106(gcm(aes)) 0x${'00'.repeat(20)} 128`,
    module: 'esp4',
    neededFor: ['local'],
  },
  {
    name: 'AH in the kernel',
    tool: 'ip',
    line: `xfrm state add src 192.0.2.1 dst 192.0.2.2 proto ah spi 256 mode transport auth-trunc hmac(sha256) 0x${'00'.repeat(32)} 128`,
    module: 'ah4',
    neededFor: ['local'],
  },
  {
    name: 'netem',
    tool: 'tc',
    line: 'qdisc add dev lo root netem delay 1ms',
    module: 'sch_netem',
    neededFor: [],
  },
  {
    name: 'tbf',
    tool: 'tc',
    line: 'qdisc add dev lo root tbf rate 1mbit burst 10kb latency 1ms',
    module: 'sch_tbf',
    neededFor: [],
  },
];

async function examineKernel(): Promise<Finding[]> {
  const obstacle = await namespaceObstacle();
  const namespaces: Finding = {
    name: 'network namespaces',
    state: obstacle === '' ? 'ok' : 'optional',
    found: obstacle === '' ? 'yes' : obstacle,
    neededFor: [],
    remedy: obstacle === '' ? '' : 'without them the kernel below is not tried',
  };
  if (obstacle !== '') return [namespaces];
  return [namespaces, ...(await Promise.all(PROBES.map(probeKernel)))];
}

async function namespaceObstacle(): Promise<string> {
  return runHere('unshare', [...unshareOptions(), 'true']).then(
    () => '',
    (error: unknown) => lastLine(error),
  );
}

async function probeKernel({ name, tool, line, module, neededFor }: KernelProbe): Promise<Finding> {
  const path = await findProgram(tool);
  const input = Buffer.from(`${line}\n`);
  const said =
    path === null
      ? `${tool} is missing`
      : await runHere('unshare', [...unshareOptions(), path, '-batch', '-'], { input }).then(
          () => '',
          lastLine,
        );
  if (said === '') return { name, state: 'ok', found: 'works', neededFor, remedy: '' };
  const state = neededFor.length === 0 ? 'optional' : 'missing';
  return { name, state, found: said, neededFor, remedy: await moduleRemedy(module) };
}

async function moduleRemedy(module: string): Promise<string> {
  const modprobe = await findProgram('modprobe');
  const isThere =
    modprobe !== null &&
    (await runHere(modprobe, ['--dry-run', '--quiet', module]).then(
      () => true,
      () => false,
    ));
  return isThere
    ? `sudo modprobe ${module}`
    : `no module ${module} here: use the lab, which brings its own kernel`;
}

/** Whoever is not root may be it in a namespace of their own. */
function unshareOptions(): string[] {
  return process.getuid?.() === 0 ? ['--net', '--'] : ['--map-root-user', '--net', '--'];
}

function lastLine(error: unknown): string {
  const message = (error instanceof Error ? error.message : String(error)).replace(/^unshare \S+: /, '');
  const lines = message.trim().split('\n');
  const telling = lines.filter((line) => !/^Command failed/.test(line));
  return (
    telling.find((line) => /Error|RTNETLINK/.test(line))?.trim() ??
    telling.at(-1)?.trim() ??
    'it does not work'
  );
}
