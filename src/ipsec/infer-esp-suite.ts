import { ESP_HEADER_BYTES, espPaddingBytes, espSizes } from './encapsulation-size.js';
import { type SuiteEvidence, TRAILER_ICV_BYTES } from './infer-evidence.js';
import { SIZE_CLASSES, type SizeClass } from './infer-size-class.js';

/** What is known beside the packets of the SA. Leave out what is not. */
export interface InferenceContext {
  readonly mode?: 'transport' | 'tunnel' | 'beet';
  /** Family of the inner packets in tunnel mode. */
  readonly innerFamily?: 4 | 6;
  /** An AH lies over the ESP: ESP without authentication is then common enough to be weighed. */
  readonly coveredByAh?: boolean;
}

/** Padding proper in one packet, without the two trailer bytes, if the stack pads no more than it must. */
export interface PaddingEstimate {
  readonly minBytes: number;
  readonly maxBytes: number;
  /** Mean over the packets seen. */
  readonly expectedBytes: number;
}

/** A guess, never a fact: what the suite might be. */
export interface SuiteCandidate {
  readonly certainty: 'inferred';
  readonly ivBytes: number;
  readonly icvBytes: number;
  readonly alignBytes: number;
  /** Suites of this size class, common ones first. Lengths cannot tell them apart. */
  readonly names: readonly string[];
  /** Share of belief, over 0 and under 1; those of all candidates add up to less than 1. */
  readonly likelihood: number;
  readonly padding: PaddingEstimate;
  /** What speaks for it or against it, for people. */
  readonly evidence: readonly string[];
}

/** Belief kept back for what is not in the table at all: unknown suites, TFC padding, IP-TFS. */
const UNKNOWN_SHARE = 0.01;
const MIN_LIKELIHOOD = 1e-4;

interface ObservedLength {
  readonly lengthBytes: number;
  readonly count: number;
}

/**
 * Ranks the suites an SA may use by lengths, IVs and readability of its packets.
 *
 * Weighs, as log likelihoods with priors from how common suites are: the residues of distinct lengths (an alignment of 16
 * explains lengths that are all alike modulo 16 better than one of 4, the more distinct lengths the better); whether the
 * most frequent short packet is as long as a bare TCP acknowledgement would be; whether IVs count; whether trailers are
 * readable.
 * @returns best first; empty if no length was seen
 */
export function espSuiteCandidates(
  evidence: SuiteEvidence,
  context: InferenceContext = {},
): SuiteCandidate[] {
  const lengths = observedLengths(evidence);
  if (lengths.length === 0) return [];
  const scored = SIZE_CLASSES.map((sizeClass) => ({
    sizeClass,
    score:
      Math.log(priorOf(sizeClass, context)) +
      lengthScore(sizeClass, lengths) +
      acknowledgementScore(sizeClass, lengths, context) +
      ivScore(sizeClass, evidence) +
      trailerScore(sizeClass, evidence),
  }));
  const best = Math.max(...scored.map(({ score }) => score));
  const total = scored.reduce((sum, { score }) => sum + Math.exp(score - best), 0);
  return scored
    .map(({ sizeClass, score }) => ({
      sizeClass,
      likelihood: ((1 - UNKNOWN_SHARE) * Math.exp(score - best)) / total,
    }))
    .filter(({ likelihood }) => likelihood >= MIN_LIKELIHOOD)
    .sort((a, b) => b.likelihood - a.likelihood)
    .map(({ sizeClass, likelihood }) => toCandidate(sizeClass, likelihood, lengths, evidence, context));
}

function observedLengths(evidence: SuiteEvidence): ObservedLength[] {
  const lengths: ObservedLength[] = [];
  evidence.lengthCounts.forEach((count, slot) => {
    if (count > 0) lengths.push({ lengthBytes: slot * 4, count });
  });
  return lengths;
}

function priorOf(sizeClass: SizeClass, context: InferenceContext): number {
  const isUnauthenticated = sizeClass.icvBytes === 0;
  return isUnauthenticated && context.coveredByAh === true ? sizeClass.prior * 20 : sizeClass.prior;
}

/** True if a packet of this length can be made with the class: a positive number of blocks between IV and ICV. */
export function explainsLength(
  { ivBytes, icvBytes, alignBytes }: Pick<SizeClass, 'ivBytes' | 'icvBytes' | 'alignBytes'>,
  lengthBytes: number,
): boolean {
  const blocks = lengthBytes - ivBytes - icvBytes;
  return blocks > 0 && blocks % alignBytes === 0;
}

const IMPOSSIBLE_LENGTH = Math.log(1e-4);
const GREATEST_PENALTY = -60;
const MOST_LENGTHS_WEIGHED = 24;

/**
 * A class with alignment a can make one in a/4 of all lengths, so each that fits speaks a/4 times louder for it. Lengths of
 * one flow depend on each other; 0.8 tones that down.
 */
function lengthScore(sizeClass: SizeClass, lengths: readonly ObservedLength[]): number {
  const impossible = lengths.filter(({ lengthBytes }) => !explainsLength(sizeClass, lengthBytes)).length;
  const possible = Math.min(lengths.length - impossible, MOST_LENGTHS_WEIGHED);
  const gain = 0.8 * possible * Math.log(sizeClass.alignBytes / 4);
  return gain + Math.max(GREATEST_PENALTY, impossible * IMPOSSIBLE_LENGTH);
}

/** Bytes that ESP carries for a bare TCP acknowledgement (with timestamps 32, without 20) or a default ping, and how often. */
const TRANSPORT_PAYLOADS: readonly (readonly [bytes: number, weight: number])[] = [
  [32, 0.7],
  [20, 0.15],
  [64, 0.05],
];

function expectedPayloads(context: InferenceContext): (readonly [bytes: number, weight: number])[] {
  const tunnel = (ipBytes: number, share: number) =>
    TRANSPORT_PAYLOADS.map(([bytes, weight]) => [bytes + ipBytes, weight * share] as const);
  if (context.mode === 'tunnel') {
    if (context.innerFamily !== undefined) return tunnel(context.innerFamily === 4 ? 20 : 40, 1);
    return [...tunnel(20, 0.7), ...tunnel(40, 0.3)];
  }
  if (context.mode !== undefined) return tunnel(0, 1);
  return [...tunnel(0, 0.5), ...tunnel(20, 0.35), ...tunnel(40, 0.15)];
}

/** Bare acknowledgements stay under this with every suite and mode. */
const SHORT_BYTES = 200;

/** The most frequent short length, which acknowledgements have if the flow has any; the shortest of all if none is short. */
function frequentShort(lengths: readonly ObservedLength[]): number {
  let frequent = lengths[0]!;
  for (const length of lengths) {
    if (length.lengthBytes < SHORT_BYTES && length.count > frequent.count) frequent = length;
  }
  return frequent.lengthBytes;
}

function acknowledgementScore(
  sizeClass: SizeClass,
  lengths: readonly ObservedLength[],
  context: InferenceContext,
): number {
  const short = frequentShort(lengths);
  const [suite] = sizeClass.suites;
  let likelihood = 0.02;
  for (const [bytes, weight] of expectedPayloads(context)) {
    if (espSizes(suite!, bytes).total - ESP_HEADER_BYTES === short) likelihood += weight;
  }
  return Math.log(likelihood);
}

/** Fewer pairs of neighbours than this say proportionally less. */
const ENOUGH_IV_PAIRS = 4;

function countsUp(evidence: SuiteEvidence): boolean {
  return evidence.counterPairs * 2 > evidence.ivPairs;
}

function ivScore(sizeClass: SizeClass, evidence: SuiteEvidence): number {
  if (evidence.ivPairs === 0) return 0;
  const trust = Math.min(1, evidence.ivPairs / ENOUGH_IV_PAIRS);
  if (countsUp(evidence)) return trust * Math.log(sizeClass.counterIv ? 0.95 : 1e-4);
  return trust * Math.log(sizeClass.counterIv ? 0.05 : 0.999);
}

const CHANCE_TRAILER = 2e-4;
const READABLE_TRAILER = 0.98;
const GREATEST_TRAILER_SCORE = 30;

/** How much better "readable" explains the trailers found than chance does; 0 for encrypting classes. */
function trailerScore(sizeClass: SizeClass, evidence: SuiteEvidence): number {
  if (!sizeClass.readable || evidence.trailersTried === 0) return 0;
  const found = readableCount(sizeClass, evidence);
  const missed = evidence.trailersTried - found;
  const score =
    found * Math.log(READABLE_TRAILER / CHANCE_TRAILER) +
    missed * Math.log((1 - READABLE_TRAILER) / (1 - CHANCE_TRAILER));
  return Math.max(-GREATEST_TRAILER_SCORE, Math.min(GREATEST_TRAILER_SCORE, score));
}

function readableCount(sizeClass: SizeClass, evidence: SuiteEvidence): number {
  const index = TRAILER_ICV_BYTES.indexOf(sizeClass.icvBytes);
  return index < 0 ? 0 : evidence.readableTrailers[index]!;
}

function toCandidate(
  sizeClass: SizeClass,
  likelihood: number,
  lengths: readonly ObservedLength[],
  evidence: SuiteEvidence,
  context: InferenceContext,
): SuiteCandidate {
  return {
    certainty: 'inferred',
    ivBytes: sizeClass.ivBytes,
    icvBytes: sizeClass.icvBytes,
    alignBytes: sizeClass.alignBytes,
    names: sizeClass.suites.map((suite) => suite.name),
    likelihood,
    padding: estimatePadding(sizeClass, lengths, context),
    evidence: describeEvidence(sizeClass, lengths, evidence),
  };
}

/**
 * Any remainder is as likely as another, but for two lengths: bare acknowledgements, whose payload is known, and the longest
 * frequent packet if it looks like full TCP segments, whose size the path MTU that Linux derives makes end on a block
 * (`xfrm_state_mtu`, net/xfrm/xfrm_state.c): no padding.
 */
function estimatePadding(
  sizeClass: SizeClass,
  lengths: readonly ObservedLength[],
  context: InferenceContext,
): PaddingEstimate {
  const maxBytes = sizeClass.alignBytes - 1;
  const [suite] = sizeClass.suites;
  const packets = lengths.reduce((sum, { count }) => sum + count, 0);
  const longest = lengths.findLast(({ lengthBytes, count }) => lengthBytes >= 1000 && count * 20 >= packets);
  const short = frequentShort(lengths);
  const [acknowledgement] = expectedPayloads(context)
    .map(([bytes]) => bytes)
    .filter((bytes) => espSizes(suite!, bytes).total - ESP_HEADER_BYTES === short);
  let padding = 0;
  for (const { lengthBytes, count } of lengths) {
    if (lengthBytes === longest?.lengthBytes) continue;
    const isKnown = lengthBytes === short && acknowledgement !== undefined;
    padding += count * (isKnown ? espPaddingBytes(suite!, acknowledgement) : maxBytes / 2);
  }
  return { minBytes: 0, maxBytes, expectedBytes: padding / packets };
}

function describeEvidence(
  sizeClass: SizeClass,
  lengths: readonly ObservedLength[],
  evidence: SuiteEvidence,
): string[] {
  const explained = lengths.filter(({ lengthBytes }) => explainsLength(sizeClass, lengthBytes)).length;
  const lines = [`explains ${explained} of ${lengths.length} distinct lengths`];
  if (evidence.ivPairs > 0) {
    lines.push(`first 8 bytes count up in ${evidence.counterPairs} of ${evidence.ivPairs} pairs of packets`);
  }
  if (sizeClass.readable && evidence.trailersTried > 0) {
    lines.push(
      `trailer readable in ${readableCount(sizeClass, evidence)} of ${evidence.trailersTried} packets`,
    );
  }
  if (evidence.unalignedLengths > 0) {
    lines.push(`${evidence.unalignedLengths} packets have lengths that ESP does not make`);
  }
  return lines;
}
