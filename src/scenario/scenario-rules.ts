import { PAGE_BYTES } from './scenario.js';
import { writeBytes } from './write-quantity.js';

/**
 * What fields of a scenario demand of each other. The rules also run where single fields are wrong, which then hold what was
 * written: only those that came out as they should are compared.
 */

/** Where a rule says what is wrong. */
export interface Complaints {
  addIssue(issue: { code: 'custom'; path: string[]; message: string; continue: true }): void;
}

type Loose<Fields extends string> = { readonly [Name in Fields]?: unknown };

/** Zero pages and pages that are written to are parts of memory. */
export function checkGuest(
  { memory, filled, workload }: Loose<'memory' | 'filled' | 'workload'>,
  complaints: Complaints,
): void {
  if (isMore(filled, memory)) {
    complain(complaints, ['filled'], `${size(filled)} is more than the guest's memory of ${size(memory)}`);
  }
  if (!isRecord(workload)) return;
  const [whole, name] = filled === undefined ? [memory, 'memory'] : [filled, 'filled memory'];
  const { workingSet, groups } = workload;
  if (isMore(workingSet, whole)) {
    const message = `${size(workingSet)} is more than the guest's ${name} of ${size(whole)}`;
    complain(complaints, ['workload', 'workingSet'], message);
  }
  if (workingSet === 0) complain(complaints, ['workload', 'workingSet'], 'is less than a page');
  if (workingSet === undefined && filled === 0 && 'rate' in workload) {
    complain(complaints, ['workload'], 'writes to a working set in filled memory, of which there is none');
  }
  const traced = Array.isArray(groups) ? pagesOf(groups) * PAGE_BYTES : 0;
  if (isMore(traced, memory)) {
    const message = `${size(traced)} of pages are more than the guest's memory of ${size(memory)}`;
    complain(complaints, ['workload', 'groups'], message);
  }
}

/** RFC 8200 section 5: every link carries 1280 bytes. */
export function checkNetwork(
  { mtu, family, loss }: Loose<'mtu' | 'family' | 'loss'>,
  complaints: Complaints,
): void {
  if (loss === 1) complain(complaints, ['loss'], 'nothing would arrive: write a share below 100%');
  if (family === 'ipv6' && isMore(1280, mtu)) {
    complain(complaints, ['mtu'], `${mtu} is too small for IPv6: allowed is 1280 to 65535`);
  }
}

/**
 * What says nothing without protection (a mode, ESP in UDP, alignment) may stand there, so that a sweep can go through
 * protections with and without it. What contradicts itself may not.
 */
export function checkIpsec(
  { esp, ah, mode, encap }: Loose<'esp' | 'ah' | 'mode' | 'encap'>,
  complaints: Complaints,
): void {
  if (typeof ah !== 'string') return;
  if (encap === true) {
    complain(complaints, ['encap'], 'AH does not pass a NAT (RFC 3948): leave out ah, or encap');
  }
  if (mode === 'beet') {
    const instead = typeof esp === 'string' ? 'leave out ah, or take' : 'take';
    complain(complaints, ['mode'], `BEET is a mode of ESP: ${instead} transport or tunnel`);
  }
}

/** `migrate_caps_check` of QEMU's migration/options.c; multifd-compression is a method of multifd. */
export function checkMigration(
  { multifdChannels, xbzrle, compression }: Loose<'multifdChannels' | 'xbzrle' | 'compression'>,
  complaints: Complaints,
): void {
  if (isRecord(xbzrle) && isMore(multifdChannels, 0)) {
    complain(
      complaints,
      ['xbzrle'],
      'QEMU has no XBZRLE with multifd: set multifdChannels to 0, or leave it out',
    );
  }
  if (isRecord(compression) && multifdChannels === 0) {
    complain(
      complaints,
      ['compression'],
      'QEMU compresses in multifd channels: set multifdChannels to 1 or more',
    );
  }
}

function pagesOf(groups: readonly unknown[]): number {
  return groups.reduce((sum: number, group) => {
    const pages = isRecord(group) ? group['pages'] : 0;
    return sum + (typeof pages === 'number' ? pages : 0);
  }, 0);
}

function isMore(a: unknown, b: unknown): a is number {
  return typeof a === 'number' && typeof b === 'number' && a > b;
}

function size(bytes: unknown): string {
  return typeof bytes === 'number' ? writeBytes(bytes) : '?';
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function complain(complaints: Complaints, path: string[], message: string): void {
  complaints.addIssue({ code: 'custom', path, message, continue: true });
}
