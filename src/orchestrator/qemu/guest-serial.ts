import type { Host } from '../hosts/host.js';
import { type GuestReport, parseGuestReports } from './guest-report.js';

/** `$1`: file of the guest's serial port, `$2`: how many reports are known. */
const AWAIT_REPORTS = `
until [ "$(grep -c '^t=.* e=........' "$1")" -gt "$2" ]; do sleep 0.2; done 2>/dev/null
cat -- "$1"
`;

/**
 * Waits until a guest has reported more often than `known` times. The host looks for itself: each question from here would take an
 * emulated processor longer than the look.
 * @param path of the file that has what came from the serial port
 * @returns all that the guest has reported
 * @throws HostError (timed-out) if it does not
 */
export async function awaitReports(
  host: Host,
  path: string,
  known: number,
  options: { readonly timeoutMs?: number; readonly signal?: AbortSignal } = {},
): Promise<GuestReport[]> {
  const { stdout } = await host.run('sh', ['-c', AWAIT_REPORTS, 'sh', path, String(known)], options);
  return parseGuestReports(stdout);
}
