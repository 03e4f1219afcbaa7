import type { SecurityAssociationSummary } from '../analysis-summary.js';
import type { FindingContext } from './detector.js';
import type { Finding, FindingEvidence } from './finding.js';
import type { WatchedSa } from './sa-watch.js';
import { evidenceOf, referenceTo, type Sightings } from './sightings.js';

/** An SA with all that is known of it: what a rule looks at. */
export interface SaCase {
  readonly sa: SecurityAssociationSummary;
  readonly watched: WatchedSa;
  readonly context: FindingContext;
}

/** What a rule says besides where. */
export interface SaVerdict extends Pick<Finding, 'id' | 'severity' | 'title' | 'meaning' | 'remedy'> {
  /** Begins behind `ESP 0x00000100`: `was used for nine hours`. */
  readonly facts: string;
}

/** A finding about an SA. @param sightings the packets that show it; null: all of the SA's */
export function saFinding(
  { sa, watched, context }: SaCase,
  { facts, ...verdict }: SaVerdict,
  sightings: Sightings | null = null,
): Finding {
  return {
    ...verdict,
    evidence: {
      facts: `${sa.protocol.toUpperCase()} ${sa.spi} ${facts}`,
      source: sa.source,
      destination: sa.destination,
      ...(sightings === null ? wholeEvidence(sa, watched, context) : evidenceOf(sightings, context)),
    },
  };
}

function wholeEvidence(
  sa: SecurityAssociationSummary,
  watched: WatchedSa,
  { paths }: FindingContext,
): Omit<FindingEvidence, 'facts' | 'source' | 'destination'> {
  const places = watched.numbers?.places ?? [];
  return {
    count: sa.packets,
    firstTimeNs: sa.firstTimeNs,
    lastTimeNs: sa.lastTimeNs,
    packets: places.map((place) => referenceTo(place, paths)),
  };
}

/** `1 packet`, `12 packets` */
export function counted(count: number, singular: string): string {
  return `${count} ${singular}${count === 1 ? '' : 's'}`;
}
