import type { Host } from '../hosts/host.js';

/**
 * `$1`: QEMU, `$2`: a folder with a guest's `disk`. /dev/kvm may be there, and even make machines, without ever running one: so the
 * guest itself is tried, which reports after a second.
 */
const TRY_KVM = `
timeout -k 1 5 "$1" -machine pc -accel kvm -m 16 -nodefaults -no-user-config -display none \\
  -drive "file=$2/disk,format=raw,if=ide" -serial stdio </dev/null 2>/dev/null | head -c 60 | grep -q 'w=.* v='
`;

/** Whether this guest runs with KVM on this host. The folder must be there. */
export async function chooseAccelerator(
  host: Host,
  program: string,
  folder: string,
  bootSector: Uint8Array,
): Promise<'kvm' | 'tcg'> {
  await host.writeFile(`${folder}/disk`, bootSector);
  const { code } = await host.run('sh', ['-c', TRY_KVM, 'sh', program, folder], { check: false });
  return code === 0 ? 'kvm' : 'tcg';
}
