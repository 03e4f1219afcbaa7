import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { nowMs } from '../qemu/clock.js';
import type { QmpClient } from '../qemu/qmp-client.js';
import { LabError } from './lab-error.js';
import { LINK_DEVICE_ID, LINK_NETDEV } from './machine-arguments.js';

/**
 * Captures by QEMU's filter-dump, which writes each frame's time as the second in which the filter was made plus what QEMU's own
 * clock has counted since its start. So all times of a file are too late by the same amount, which is found out once for
 * each machine: it is made to send something at a known time.
 */
export interface MachineClock {
  /** When QEMU's own clock was zero: milliseconds of `nowMs`. */
  readonly startMs: number;
}

const PCAP_HEADER_BYTES = 24;
const RECORD_HEADER_BYTES = 16;
const ATTEMPTS = 20;

/**
 * Starts a capture.
 * @returns what to add to the file's times to get those of this machine, in milliseconds
 */
export async function startCapture(
  monitor: QmpClient,
  id: string,
  path: string,
  snapLength: number,
  clock: MachineClock,
): Promise<number> {
  const secondMs = await addFilter(monitor, id, path, snapLength);
  return clock.startMs - secondMs;
}

/** Has the machine announce itself (a RARP frame on the link, and on the link alone) while a filter looks on. */
export async function readMachineClock(monitor: QmpClient): Promise<MachineClock> {
  const folder = await mkdtemp(join(tmpdir(), 'tare-clock-'));
  try {
    const path = join(folder, 'announcement.pcap');
    const secondMs = await addFilter(monitor, 'clock', path, RECORD_HEADER_BYTES);
    const sentMs = nowMs();
    await monitor.execute('announce-self', ANNOUNCEMENT);
    const announcedMs = (sentMs + nowMs()) / 2;
    await monitor.execute('object-del', { id: 'clock' });
    return { startMs: announcedMs - ((await firstTimeMs(path)) - secondMs) };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

const ANNOUNCEMENT = { initial: 50, max: 50, rounds: 1, step: 10, interfaces: [LINK_DEVICE_ID] };

/** @returns the second that all times of the file begin with, in milliseconds */
async function addFilter(monitor: QmpClient, id: string, path: string, snapLength: number): Promise<number> {
  const filter = { 'qom-type': 'filter-dump', id, netdev: LINK_NETDEV, file: path, maxlen: snapLength };
  for (let i = 0; i < ATTEMPTS; i++) {
    const before = Math.floor(Date.now() / 1000);
    await monitor.execute('object-add', filter);
    if (Math.floor(Date.now() / 1000) === before) return before * 1000;
    // Made at the turn of a second: nobody knows which.
    await monitor.execute('object-del', { id });
  }
  throw new LabError(
    'the machine takes more than a second to start a capture: it has too little processor time',
  );
}

/** @param path of a pcap file with times in microseconds, written by this machine */
async function firstTimeMs(path: string): Promise<number> {
  const file = await readFile(path);
  if (file.length < PCAP_HEADER_BYTES + RECORD_HEADER_BYTES) {
    throw new LabError('the machine did not announce itself on the link');
  }
  return file.readUInt32LE(PCAP_HEADER_BYTES) * 1000 + file.readUInt32LE(PCAP_HEADER_BYTES + 4) / 1000;
}
