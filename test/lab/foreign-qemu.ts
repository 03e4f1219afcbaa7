/** Two QEMUs as a user starts them: one with a guest at the source, one that waits for it at the destination. */
import assert from 'node:assert/strict';
import type { QmpGuest } from '../../src/orchestrator/guests/foreign-guest.js';
import type { Host } from '../../src/orchestrator/hosts/host.js';
import type { Lab } from '../../src/orchestrator/lab/lab.js';
import type { GuestReport } from '../../src/orchestrator/qemu/guest-report.js';
import { guestSectorOf } from '../../src/orchestrator/qemu/guest-sector.js';
import { awaitReports } from '../../src/orchestrator/qemu/guest-serial.js';
import { QmpClient } from '../../src/orchestrator/qemu/qmp-client.js';
import type { Overrides } from '../../src/scenario/apply-overrides.js';
import { labScenario } from './lab-scenario.js';

const FOLDER = '/tmp/foreign';
/** QEMU serves one connection a socket: `watch` is for the test. */
const SOCKETS = { run: `${FOLDER}/qmp`, watch: `${FOLDER}/watch` } as const;

export const QMP_GUEST: QmpGuest = {
  kind: 'qmp',
  socket: SOCKETS.run,
  destinationSocket: SOCKETS.run,
  keepsMtu: false,
  scenarioName: 'of the guest',
};

/** Settings that are nobody's defaults: who changes them must bring them back. */
const OWN_SETTINGS = { 'downtime-limit': 1234, 'max-bandwidth': 7_654_321 };

/**
 * @param waiting further arguments of the QEMU at the destination
 * @param writes what the guest does, where it matters
 */
export async function withQemus(
  lab: Lab,
  waiting: readonly string[],
  use: () => Promise<void>,
  writes: Overrides = {},
): Promise<void> {
  const { source, destination } = lab;
  try {
    const sector = guestSectorOf(labScenario(writes));
    await Promise.all([startQemu(source, sector, []), startQemu(destination, sector, waiting)]);
    for (const host of [source, destination]) {
      await withQmp(host, (qmp) => qmp.execute('migrate-set-parameters', OWN_SETTINGS));
    }
    await reportsAt(source, 1);
    await use();
  } finally {
    const end = 'kill -s KILL "$(cat "$1/pid")"; rm -rf "$1"';
    await Promise.all(
      [source, destination].map((host) => host.run('sh', ['-c', end, 'sh', FOLDER], { check: false })),
    );
  }
}

async function startQemu(host: Host, sector: Uint8Array, more: readonly string[]): Promise<void> {
  await host.run('mkdir', [FOLDER]);
  await host.writeFile(`${FOLDER}/disk`, sector);
  await host.run('qemu-system-x86_64', [
    ...['-name', 'web', '-nodefaults', '-no-user-config', '-display', 'none'],
    ...['-machine', 'pc', '-accel', 'tcg', '-m', '16'],
    ...['-drive', `file=${FOLDER}/disk,format=raw,if=ide`, '-serial', `file:${FOLDER}/serial`],
    ...Object.values(SOCKETS).flatMap((path) => ['-qmp', `unix:${path},server=on,wait=off`]),
    ...['-pidfile', `${FOLDER}/pid`, '-daemonize', ...more],
  ]);
}

/** What the guest said on this host's serial port, once that is at least so many reports. */
export function reportsAt(host: Host, count: number): Promise<GuestReport[]> {
  return awaitReports(host, `${FOLDER}/serial`, count - 1);
}

export async function withQmp<Result>(host: Host, use: (qmp: QmpClient) => Promise<Result>): Promise<Result> {
  const socket = await host.forwardUnixSocket(SOCKETS.watch);
  const qmp = await QmpClient.connect(socket.localPath);
  try {
    return await use(qmp);
  } finally {
    qmp.close();
    await socket.close();
  }
}

export async function statusAt(host: Host): Promise<string> {
  const answer = await withQmp(host, (qmp) => qmp.execute('query-status'));
  return (answer as { status: string }).status;
}

/** What became of the migration that this QEMU sent last. */
export async function migrationAt(host: Host): Promise<string> {
  const answer = await withQmp(host, (qmp) => qmp.execute('query-migrate'));
  return (answer as { status: string }).status;
}

/** Migration settings are those that `withQemus` has made. */
export async function assertOwnSettings(host: Host): Promise<void> {
  await withQmp(host, async (qmp) => {
    const parameters = (await qmp.execute('query-migrate-parameters')) as Record<string, unknown>;
    for (const [name, value] of Object.entries(OWN_SETTINGS)) assert.equal(parameters[name], value, name);
    const capabilities = (await qmp.execute('query-migrate-capabilities')) as {
      capability: string;
      state: boolean;
    }[];
    assert.deepEqual(
      capabilities.filter(({ state }) => state),
      [],
    );
  });
}
