/** What there is on hosts that a run could leave behind: taken before and after, both must be the same. */
import { readdirSync, readFileSync } from 'node:fs';
import type { Host } from '../../src/orchestrator/hosts/host.js';

/** `$1`: the device of the migration. Counters and times, which change by themselves, are left out. */
const LIST = `
echo "namespaces"; ip netns list; ls /run/netns 2>/dev/null
echo "states"; ip xfrm state list nokeys | grep -c '^src'
echo "policies"; ip xfrm policy list | grep -c '^src'
echo "queueing"; tc qdisc show
echo "routes"; ip route show table all | sed 's/ expires [0-9a-z]*//'; ip -6 route show table all | sed 's/ expires [0-9a-z]*//'
echo "device"; ip -d link show dev "$1"; ethtool -k "$1"
echo "sockets"; ss -Hnltu | awk '{ print $1, $5 }' | sort
echo "processes"
# Without those of the kernel, and what runs this list and brings it here.
ps --ppid 2 -p 2 --deselect -o stat=,comm= | awk '$1 !~ /^Z/ && $2 !~ /^(sh|sshd.*|head|cat|sort|uniq|ps|awk)$/ { print $2 }' | sort | uniq -c
echo "files"; find /tmp /run /dev/shm -xdev 2>/dev/null | grep -v -e '^/run/home' | sort
`;

/** @returns text, the same as long as nothing was left behind */
export async function takeInventory(host: Host, device: string): Promise<string> {
  const { stdout } = await host.run('sh', ['-c', LIST, 'sh', device]);
  return stdout;
}

/** Processes on this machine whose parent is this one, and files in folders that are ours alone. */
export function takeOwnInventory(...folders: string[]): string {
  const children = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((id) => {
      try {
        const stat = readFileSync(`/proc/${id}/stat`, 'utf8');
        const [, parent] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
        return Number(parent) === process.pid ? [/\((.*)\)/s.exec(stat)?.[1] ?? ''] : [];
      } catch {
        return [];
      }
    });
  const files = folders.flatMap((folder) => readdirSync(folder, { recursive: true, encoding: 'utf8' }));
  return [...children.toSorted(), 'files', ...files.toSorted()].join('\n');
}
