import { authenticationOnly } from './authentication-only.js';
import { clearBesideSa } from './clear-beside-sa.js';
import type { DetectorType } from './detector.js';
import { keyExchange } from './ike.js';
import { migrationFindings } from './migrations.js';
import { securityAssociations } from './security-associations.js';

/** Every detector, in the order in which a report says what was looked for. */
export const DETECTORS: readonly DetectorType[] = [
  migrationFindings,
  clearBesideSa,
  authenticationOnly,
  securityAssociations,
  keyExchange,
];

/** What a capture is searched for: completes "looked for". */
export function lookedFor(): string[] {
  return DETECTORS.map(({ looksFor }) => looksFor);
}
