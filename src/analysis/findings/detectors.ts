import { authenticationOnly } from './authentication-only.js';
import type { DetectorType } from './detector.js';

/** Every detector, in the order in which a report says what was looked for. */
export const DETECTORS: readonly DetectorType[] = [authenticationOnly];

/** What a capture is searched for: completes "looked for". */
export function lookedFor(): string[] {
  return DETECTORS.map(({ looksFor }) => looksFor);
}
