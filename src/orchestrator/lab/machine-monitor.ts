import { open } from 'node:fs/promises';
import { QmpClient } from '../qemu/qmp-client.js';

/**
 * Opens the monitor of a lab machine for as long as `use` takes: it serves one client at a time.
 * @throws QmpError if nobody listens
 */
export async function withMonitor<Result>(
  folder: string,
  socketName: string,
  use: (monitor: QmpClient) => Promise<Result>,
): Promise<Result> {
  // The way through an open folder is short, whatever its own path: sun_path holds 107 bytes.
  const handle = await open(folder);
  try {
    const monitor = await QmpClient.connect(`/proc/self/fd/${handle.fd}/${socketName}`);
    try {
      return await use(monitor);
    } finally {
      monitor.close();
    }
  } finally {
    await handle.close();
  }
}
