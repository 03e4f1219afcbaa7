/** What libvirt says of a domain. */
export interface DomainFacts {
  readonly name: string;
  readonly uuid: string;
  /** `running`, `shut off`... */
  readonly state: string;
  readonly memoryBytes: number;
  /** libvirt keeps it when it is shut down. */
  readonly isPersistent: boolean;
  readonly machine: string;
  readonly accelerator: 'kvm' | 'tcg';
}

/**
 * @param info of `virsh dominfo`
 * @param xml of `virsh dumpxml`: libvirt's own, so that its form is known
 */
export function parseDomainFacts(info: string, xml: string): DomainFacts {
  const field = (name: string): string => new RegExp(`^${name}:\\s*(.*)$`, 'm').exec(info)?.[1] ?? '';
  const [, type = ''] = /^<domain type='(\w+)'/m.exec(xml) ?? [];
  const [, machine = ''] = /<type [^>]*machine='([^']+)'/.exec(xml) ?? [];
  return {
    name: field('Name'),
    uuid: field('UUID'),
    state: field('State'),
    // virsh writes sizes in KiB.
    memoryBytes: Number.parseInt(field('Max memory'), 10) * 1024,
    isPersistent: field('Persistent') === 'yes',
    machine,
    accelerator: type === 'kvm' ? 'kvm' : 'tcg',
  };
}

/** @param text of `virsh version`. @returns QEMU's, `7.2.22`; empty if it is not told */
export function parseHypervisorVersion(text: string): string {
  return /^Running hypervisor: QEMU (\S+)$/m.exec(text)?.[1] ?? '';
}
