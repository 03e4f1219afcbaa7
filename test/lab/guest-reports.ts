import type { Host } from '../../src/orchestrator/hosts/host.js';
import { type GuestReport, parseGuestReports } from '../../src/orchestrator/qemu/guest-report.js';

/** `$1`: file of the serial port, `$2`: a number. */
const AWAIT = `
until [ "$(grep -c '^t=.* e=........' "$1")" -ge "$2" ]; do sleep 0.2; done 2>/dev/null
cat "$1"
`;

/** What a guest has said on its serial port, a file of the host, once that are at least so many reports. */
export async function awaitReports(host: Host, path: string, count: number): Promise<GuestReport[]> {
  const { stdout } = await host.run('sh', ['-c', AWAIT, 'sh', path, String(count)]);
  return parseGuestReports(stdout);
}
