import type { AhSuite, EspSuite } from '../ipsec/suite-table.js';
import type { ByteRange, PlanMode } from './rows.js';

/** A suite to plan with. One of the two is not null. */
export interface PlanProtection {
  readonly esp: EspSuite | null;
  readonly ah: AhSuite | null;
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
