// Starts captures in worker threads and ends these while packets come: node ending-workers.js NIC TIMES. Prints the threads and
// descriptors that are left, before and after.
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { LiveSource } from '../../src/capture/live/live-source.js';

interface Held {
  readonly threads: number;
  readonly descriptors: number;
  readonly rss: number;
}

/** Of linux/sched.h. */
const PF_EXITING = 4;

/** A thread that has been joined stands among the others until the kernel has cleared it away. */
function isEnding(thread: string): boolean {
  try {
    const stat = readFileSync(`/proc/self/task/${thread}/stat`, 'latin1');
    // proc_pid_stat(5): behind the name, which may hold spaces and parentheses, field 9.
    const flags = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[6]);
    return (flags & PF_EXITING) !== 0;
  } catch {
    return true;
  }
}

function held(): Held {
  return {
    threads: readdirSync('/proc/self/task').filter((thread) => !isEnding(thread)).length,
    descriptors: readdirSync('/proc/self/fd').length,
    rss: process.memoryUsage.rss(),
  };
}

async function endOne(device: string, how: number): Promise<void> {
  const worker = new Worker(fileURLToPath(import.meta.url), { workerData: { device, how } });
  await new Promise((resolve, reject) => worker.once('message', resolve).once('error', reject));
  await worker.terminate();
}

if (isMainThread) {
  const [device = '', times = ''] = process.argv.slice(2);
  for (let i = 0; i < 6; i++) await endOne(device, i % 3);
  const before = held();
  for (let i = 0; i < Number(times); i++) await endOne(device, i % 3);
  process.stdout.write(`${JSON.stringify({ before, after: held() })}\n`);
} else {
  const { device, how } = workerData as { device: string; how: number };
  const options = { filter: '', snapLength: 262_144, promiscuous: true, maxFrames: 0, blockCount: 2 };
  const source = new LiveSource({ device, bufferBytes: 2 ** 20, ...options });
  if (how === 0) {
    // Opened and never started.
    parentPort?.postMessage('ready');
  } else {
    const blocks = source[Symbol.asyncIterator]();
    const { value } = await blocks.next();
    if (value === undefined) throw new Error('nothing came');
    // Not asked for any more: the thread waits for a block when the worker goes. Or it has been closed.
    if (how === 2) source.close();
    parentPort?.postMessage('ready');
  }
  setInterval(() => {}, 1000);
}
