/** `pc` with its version: QEMU's oldest machine type with PCI, small, and known to every build for x86. */
const VERSIONED = /^pc-i440fx-(\d+)\.(\d+)$/;

/**
 * The machine type to migrate: the newest that both sides know. Names without version mean another machine to every QEMU.
 * @returns null if there is none
 */
export function newestCommonMachine(
  source: readonly string[],
  destination: readonly string[],
): string | null {
  const common = source.filter((name) => destination.includes(name) && VERSIONED.test(name));
  return common.toSorted((a, b) => versionOf(b) - versionOf(a))[0] ?? null;
}

function versionOf(name: string): number {
  const [, major, minor] = VERSIONED.exec(name) ?? [];
  return Number(major) * 1000 + Number(minor);
}
