import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, type TestContext, test } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import type { Host } from '../../src/orchestrator/hosts/host.js';
import type { Lab } from '../../src/orchestrator/lab/lab.js';
import { openLab } from '../../src/orchestrator/lab/open-lab.js';
import { QmpClient } from '../../src/orchestrator/qemu/qmp-client.js';
import { takeInventory, takeOwnInventory } from './inventory.js';
import { labScenario } from './lab-scenario.js';
import { findLabObstacle, requireLab } from './require-lab.js';

/** Much longer than it takes anything to end that was told to. */
const SETTLING_MS = 60_000;

/** A lab for the tests of one file, and folders that are theirs alone. */
export class TestLab {
  readonly name: string;
  readonly folder: string;
  readonly journals: string;
  /** What is put into the folder for temporary files and left there is found. */
  readonly temporary: string;
  readonly #obstacle: string | null;
  #lab: Lab | null = null;
  /** What was on the hosts when the last test ended and left nothing; null if that is not known. */
  #known: string[] | null = null;

  private constructor(name: string, obstacle: string | null) {
    this.name = `${name}-${process.pid}`;
    this.#obstacle = obstacle;
    this.folder = mkdtempSync(join(tmpdir(), `tare-${name}-`));
    this.journals = join(this.folder, 'journals');
    this.temporary = join(this.folder, 'tmp');
    for (const each of [this.journals, this.temporary]) mkdirSync(each);
    process.env['TMPDIR'] = this.temporary;
    before(async () => {
      if (obstacle === null) this.#lab = await openLab({ name: this.name });
    });
    after(async () => {
      await this.#lab?.close();
      rmSync(this.folder, { recursive: true });
    });
  }

  /** It starts with the first test, and ends after the last. */
  static async forTests(name: string): Promise<TestLab> {
    return new TestLab(name, await findLabObstacle());
  }

  test(title: string, body: (lab: Lab, t: TestContext) => Promise<void>): void {
    this.#run(title, body);
  }

  /** The body may do what it likes: before and after there must be the same on both hosts, and here. */
  traceless(title: string, body: (lab: Lab, t: TestContext) => Promise<void>): void {
    this.#run(title, async (lab, t, known) => {
      const before = known ?? (await this.#inventory(lab));
      const own = takeOwnInventory(this.temporary, this.journals);
      await body(lab, t);
      assert.deepEqual(await this.#settledInventory(lab, before), before);
      assert.equal(takeOwnInventory(this.temporary, this.journals), own);
      this.#known = before;
    });
  }

  #run(title: string, body: (lab: Lab, t: TestContext, known: string[] | null) => Promise<void>): void {
    test(title, async (t) => {
      if (!requireLab(t, this.#obstacle)) return;
      const known = this.#known;
      this.#known = null;
      await body(this.#lab!, t, known);
    });
  }

  /**
   * Programs whose lifeline was cut end by themselves, and the kernel takes note of a cable by itself: when, is for a busy machine to
   * say. What is left behind stays.
   */
  async #settledInventory(lab: Lab, expected: readonly string[]): Promise<string[]> {
    const deadline = Date.now() + SETTLING_MS;
    for (;;) {
      const found = await this.#inventory(lab);
      if (isDeepStrictEqual(found, expected) || Date.now() > deadline) return found;
    }
  }

  /** The link is a matter of each run, and no trace. */
  async #inventory(lab: Lab): Promise<string[]> {
    await lab.setLink(labScenario().network);
    return Promise.all([lab.source, lab.destination].map((host) => takeInventory(host, lab.linkDevice)));
  }
}

/** Guests of runs that are running on a host, as their QEMUs say. */
export async function runningGuests(host: Host): Promise<number> {
  const { stdout } = await host.run('sh', ['-c', 'ls -d /tmp/tare-*/qmp 2>/dev/null'], { check: false });
  const sockets = stdout.split('\n').filter(Boolean);
  const running = await Promise.all(sockets.map((path) => isRunning(host, path)));
  return running.filter(Boolean).length;
}

async function isRunning(host: Host, path: string): Promise<boolean> {
  const socket = await host.forwardUnixSocket(path);
  try {
    const client = await QmpClient.connect(socket.localPath);
    const status = (await client.execute('query-status')) as { running: boolean };
    client.close();
    return status.running;
  } finally {
    await socket.close();
  }
}

/**
 * Waits until a QEMU on a host has a connection for a migration, as the kernel says. Those of runs before it that are closing do not
 * count, nor does ssh, which may come from any port.
 */
export async function onceSending(host: Host): Promise<void> {
  const connections = 'ss -Htn state established dst 10.9.0.0/24 dport ">=" :49152 dport "<=" :49215';
  const script = `while [ -z "$(${connections})" ]; do sleep 0.2; done`;
  await host.run('sh', ['-c', script], { timeoutMs: 600_000 });
}
