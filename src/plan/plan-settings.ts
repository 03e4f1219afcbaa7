import type { AhSuite, EspSuite } from '../ipsec/suite-table.js';
import type { ByteRange, PlanMode } from './rows.js';

/** A suite to plan with. One of the two is not null. */
export interface PlanProtection {
  readonly esp: EspSuite | null;
  readonly ah: AhSuite | null;
  /** Other suites that cost the same and protect alike, if this one stands for them. */
  readonly alike?: readonly string[];
}

/** What `tare plan` was asked. */
export interface PlanSettings {
  readonly payloadBytes: number;
  /** Bits per second; null: no times. */
  readonly linkBps: number | null;
  /** The one asked for, then those to compare with it. */
  readonly protections: readonly [PlanProtection, ...PlanProtection[]];
  readonly mode: PlanMode;
  readonly udpEncap: boolean;
  /** Extended sequence numbers: nothing that is sent depends on them (RFC 4303 section 2.2.1). */
  readonly esn: boolean;
  readonly align4: boolean;
  readonly family: 4 | 6;
  readonly linkMtus: readonly ByteRange[];
  readonly mss: 'auto' | ByteRange;
  /** For the advice, see `AdviceRequest`. */
  readonly device?: string;
  readonly destination?: string;
  readonly gateway?: string;
}

/** All numbers of ranges, in their order, each once. */
export function numbersIn(ranges: readonly ByteRange[]): number[] {
  const numbers = new Set<number>();
  for (const { from, to, step = 1 } of ranges) for (let n = from; n <= to; n += step) numbers.add(n);
  return [...numbers];
}

/** Rows that a plan with these settings has, those without IPsec included. */
export function countRows({ protections, linkMtus, mss }: PlanSettings): number {
  const sizeOf = ({ from, to, step = 1 }: ByteRange): number => Math.floor((to - from) / step) + 1;
  const mtus = linkMtus.reduce((sum, range) => sum + sizeOf(range), 0);
  return (protections.length + 1) * mtus * (mss === 'auto' ? 1 : sizeOf(mss));
}

/** Can nobody read or change the traffic? ESP that encrypts nothing, or that has no ICV, falls short of that. */
export function isConfidential({ esp, ah }: PlanProtection): boolean {
  if (esp === null || esp.cipher === 'null' || esp.cipher === 'aes-gmac') return false;
  return esp.icvBytes > 0 || ah !== null;
}

/** What protections leave open: `readable`, `can be forged`; empty if nothing. */
export function weaknessOf(protection: PlanProtection): string {
  if (isConfidential(protection)) return '';
  const { esp } = protection;
  return esp === null || esp.cipher === 'null' || esp.cipher === 'aes-gmac' ? 'readable' : 'can be forged';
}

/** One protection for each cost and weakness; the first of several stands for the others. */
export function distinctProtections(protections: readonly PlanProtection[]): PlanProtection[] {
  const groups = new Map<string, { first: PlanProtection; alike: string[] }>();
  for (const protection of protections) {
    const { esp, ah } = protection;
    const key = [weaknessOf(protection), esp?.ivBytes, esp?.icvBytes, esp?.alignBytes, ah?.icvBytes].join();
    const group = groups.get(key);
    if (group === undefined) groups.set(key, { first: protection, alike: [] });
    else group.alike.push((esp ?? ah)!.name);
  }
  return [...groups.values()].map(({ first, alike }) => ({ ...first, alike }));
}
