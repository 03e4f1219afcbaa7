/** How much a finding matters, ascending: worth knowing, worth a look, to be put right, to be put right now. */
export const SEVERITIES = ['info', 'low', 'medium', 'high'] as const;

export type Severity = (typeof SEVERITIES)[number];

/** Something suspicious in a capture, as plain data. docs/FINDINGS.md describes each `id`. */
export interface Finding {
  /** Never changes its meaning: `clear-migration`. */
  id: string;
  severity: Severity;
  /** What it is, without figures, without a full stop. */
  title: string;
  evidence: FindingEvidence;
  /** What it means to whoever reads it. */
  meaning: string;
  /** What to do about it. */
  remedy: string;
}

/** Where it shows. Text may hold what the capture said. */
export interface FindingEvidence {
  /** What was seen, with figures: one sentence or two. */
  facts: string;
  /** Who sent and who received: an address, with its port where that matters, or a MAC address; null if it is not one. */
  source: string | null;
  destination: string | null;
  /** How many packets show it. */
  count: number;
  /** Of these packets; null if their times are not known. */
  firstTimeNs: string | null;
  lastTimeNs: string | null;
  /** The first of them; empty where only sums are kept. */
  packets: PacketReference[];
}

export interface PacketReference {
  file: string;
  /** Number in that file, from 1. */
  packet: number;
  timeNs: string;
}

/** Is `severity` at least `threshold`? */
export function isAtLeast(severity: Severity, threshold: Severity): boolean {
  return SEVERITIES.indexOf(severity) >= SEVERITIES.indexOf(threshold);
}
