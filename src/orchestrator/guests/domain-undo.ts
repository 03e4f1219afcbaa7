import type { Undo } from '../steps/step.js';
import { bracketed, type MigrationTarget } from './qmp-undo.js';
import { virshArguments } from './virsh.js';

/**
 * `$1`, `$2`: address and port of the migration; then the arguments that abort it. A job that uses another channel is somebody
 * else's. Waits until nothing is sent there any more: what protects it goes next.
 */
const ABORT = `
address=$1 port=$2
shift 2
is_under_way() { [ -n "$(ss -Htn dst "$address" dport = ":$port")" ]; }
is_under_way || exit 0
virsh "$@"
n=0
while is_under_way && [ $n -lt 200 ]; do n=$((n + 1)); sleep 0.1; done
`;

/** Ends a migration of the run that is still under way when Tare is gone. */
export function abortUndo(domain: string, { address, port }: MigrationTarget): Undo {
  const args = virshArguments('domjobabort', { domain });
  return {
    role: 'source',
    title: `abort the migration of ${domain}`,
    program: 'sh',
    args: ['-c', ABORT, 'sh', bracketed(address), String(port), ...args],
  };
}

/** @param milliseconds as it was before */
export function downtimeUndo(domain: string, milliseconds: number): Undo {
  return {
    role: 'source',
    title: `set the downtime limit of ${domain} back to ${milliseconds} ms`,
    program: 'virsh',
    args: virshArguments('migrate-setmaxdowntime', { domain, downtime: String(milliseconds) }),
  };
}
