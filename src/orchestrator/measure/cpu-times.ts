import { CPU_KINDS, type CpuDetail, type ThreadCpu } from '../../result/measured-run.js';

/** What processors had done at one moment. Seconds, in hundredths. */
export interface CpuSample {
  /** All processors of the host together. */
  readonly host: CpuDetail;
  /** User and system time of one process, ended threads included; null if it has ended. */
  readonly processSeconds: number | null;
  /** By thread id; ended threads are missing. */
  readonly threads: ReadonlyMap<number, ThreadCpu>;
}

/** What they did from one moment to another. */
export interface CpuAccount {
  readonly byKind: CpuDetail;
  /** Of the process, by thread; what ended meanwhile stands under `ended`. None if the process itself has ended. */
  readonly byThread: readonly ThreadCpu[];
}

/** USER_HZ: what /proc counts in, on every Linux for x86. */
const TICKS_PER_SECOND = 100;

/**
 * @param text first line of /proc/stat, then that of /proc/PID/stat, then those of /proc/PID/task/TID/stat
 * @returns null if the first is missing
 */
export function parseCpuSample(text: string): CpuSample | null {
  const [total = '', process = '', ...threads] = text.trim().split('\n');
  const [name, ...ticks] = total.split(/\s+/);
  const whole = parseStat(process);
  if (name !== 'cpu') return null;
  const host = Object.fromEntries(
    CPU_KINDS.map((kind, i) => [kind, Number(ticks[i] ?? 0) / TICKS_PER_SECOND]),
  );
  const parsed = threads.map(parseStat).filter((thread) => thread !== null);
  return {
    host: host as CpuDetail,
    processSeconds: whole?.seconds ?? null,
    threads: new Map(parsed.map(({ id, name, seconds }) => [id, { name, seconds }])),
  };
}

export function cpuBetween(before: CpuSample, after: CpuSample): CpuAccount {
  const byKind = Object.fromEntries(
    CPU_KINDS.map((kind) => [kind, hundredths(after.host[kind] - before.host[kind])]),
  );
  return { byKind: byKind as CpuDetail, byThread: threadsBetween(before, after) };
}

function threadsBetween(before: CpuSample, after: CpuSample): ThreadCpu[] {
  if (before.processSeconds === null || after.processSeconds === null) return [];
  const alive = [...after.threads].map(([id, { name, seconds }]) => ({
    name,
    seconds: hundredths(seconds - (before.threads.get(id)?.seconds ?? 0)),
  }));
  const all = after.processSeconds - before.processSeconds;
  const ended = hundredths(all - alive.reduce((sum, { seconds }) => sum + seconds, 0));
  return [...alive, { name: 'ended', seconds: ended }].filter(({ seconds }) => seconds > 0);
}

/** Whether a thread of QEMU is one of the guest's processors. */
export function isGuestProcessor({ name }: ThreadCpu): boolean {
  return /^(CPU \d+|ALL CPUs)\/(TCG|KVM)/.test(name);
}

/** All that was not idle: the guest's own processors are in it. */
export function busySeconds({ byKind }: CpuAccount): number {
  return CPU_KINDS.filter((kind) => kind !== 'idle' && kind !== 'iowait').reduce(
    (sum, kind) => sum + byKind[kind],
    0,
  );
}

/** Fields 1, 2, 14 and 15: id, name in parentheses (which it may itself contain), user and system time. */
function parseStat(line: string): { id: number; name: string; seconds: number } | null {
  const open = line.indexOf('(');
  const close = line.lastIndexOf(')');
  if (open < 0 || close < open) return null;
  const fields = line.slice(close + 2).split(' ');
  const ticks = Number(fields[11]) + Number(fields[12]);
  if (!Number.isFinite(ticks)) return null;
  return {
    id: Number.parseInt(line, 10),
    name: line.slice(open + 1, close),
    seconds: ticks / TICKS_PER_SECOND,
  };
}

function hundredths(seconds: number): number {
  return Math.round(seconds * TICKS_PER_SECOND) / TICKS_PER_SECOND;
}
