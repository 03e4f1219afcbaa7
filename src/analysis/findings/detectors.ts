import { addressSpoofing } from './address-spoofing.js';
import { authenticationOnly } from './authentication-only.js';
import { clearBesideSa } from './clear-beside-sa.js';
import type { DetectorType } from './detector.js';
import { fragmentAttacks } from './fragment-attacks.js';
import { icmpRedirects } from './icmp-redirects.js';
import { keyExchange } from './ike.js';
import { migrationFindings } from './migrations.js';
import { rogueDhcp } from './rogue-dhcp.js';
import { securityAssociations } from './security-associations.js';
import { tcpAttacks } from './tcp-attacks.js';

/** Every detector, in the order in which a report says what was looked for. */
export const DETECTORS: readonly DetectorType[] = [
  migrationFindings,
  clearBesideSa,
  authenticationOnly,
  securityAssociations,
  keyExchange,
  tcpAttacks,
  addressSpoofing,
  rogueDhcp,
  icmpRedirects,
  fragmentAttacks,
];

/** What a capture is searched for: completes "looked for". */
export function lookedFor(): string[] {
  return DETECTORS.map(({ looksFor }) => looksFor);
}
