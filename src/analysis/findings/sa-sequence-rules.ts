import { delayOf, type Encounters, sightingsOf } from './encounters.js';
import type { Finding } from './finding.js';
import { counted, type SaCase, saFinding } from './sa-finding.js';
import { NEAR_SECONDS, type SaNumbers, type SequenceStep } from './sa-numbers.js';
import { possibleSuites } from './sa-suite-rules.js';
import type { Sightings } from './sightings.js';

/** Of all packets, from which share on those seen twice are a matter of the capture, and within what time. */
const TWICE_SHARE = 0.45;
const TWICE_SECONDS = 1;
/** No sender makes more packets of one SA per second: 10 Gbit/s of the smallest frames are 14.9 million. */
const POSSIBLE_PACKETS_PER_SECOND = 20e6;
/**
 * Two numbers this near belong to the same run: Linux's largest replay window (XFRMA_REPLAY_ESN_MAX). Where reordering went further,
 * ESP would not get through at all.
 */
const SAME_RUN = 4096;

/** Packets sent again later, and packets that the capture has twice. */
export function findRepetitions(subject: SaCase): Finding[] {
  const { numbers } = subject.watched;
  if (numbers === null) return [];
  const { again, replayed, steps } = numbers;
  const far = farDuplicates(subject, numbers);
  const late = replayed.count + far;
  if (late > 0 && !areAllSeenTwice(subject, again, replayed)) {
    const places = replayed.count > 0 ? sightingsOf(replayed) : stepSightings(steps.filter(isBack), far);
    return [replayFinding(subject, replayed, far, { ...places, count: late })];
  }
  const twice = late > 0 ? { ...sightingsOf(replayed), count: late + again.count } : sightingsOf(again);
  return twice.count === 0 ? [] : [seenTwiceFinding(subject, twice)];
}

/** Repetitions that are too far from the first packet to compare their content. */
function farDuplicates({ sa, watched }: SaCase, numbers: SaNumbers): number {
  const known = numbers.again.count + numbers.replayed.count + numbers.differing.count;
  return Math.max(0, sa.sequence.duplicate - known - (watched.failed?.count ?? 0) - watched.unjudged);
}

/** A capture taken at two points, or of both directions of a mirror port, has nearly every packet twice. */
function areAllSeenTwice({ sa }: SaCase, again: Encounters, replayed: Encounters): boolean {
  const isMost = sa.sequence.duplicate >= sa.packets * TWICE_SHARE;
  const delays = replayed.first.map(delayOf);
  return isMost && again.count + replayed.count > 0 && delays.every((delay) => delay <= TWICE_SECONDS);
}

function replayFinding(subject: SaCase, replayed: Encounters, far: number, where: Sightings): Finding {
  const [first] = replayed.first;
  const example =
    first === undefined
      ? ''
      : ` The first repeats packet ${first.earlier.packet} after ${delayOf(first).toPrecision(3)} s.`;
  const unknown = far > 0 ? ` Of ${far} the first packet is too long ago to compare the content.` : '';
  return saFinding(
    subject,
    {
      id: 'replayed-packets',
      severity: 'high',
      title: 'Packets replayed',
      facts: `has ${counted(replayed.count + far, 'packet')} with a sequence number that had been seen before.${example}${unknown}`,
      meaning:
        'Somebody recorded packets and sent them again, or a sender used its numbers a second time. A receiver that checks for replays drops them.',
      remedy:
        'Make sure that both ends check for replays (xfrm: replay-window above 0), and find out who sent them: compare MAC addresses and TTL with those of the first packets.',
    },
    where,
  );
}

function seenTwiceFinding(subject: SaCase, where: Sightings): Finding {
  return saFinding(
    subject,
    {
      id: 'packets-seen-twice',
      severity: 'info',
      title: 'Packets that the capture has twice',
      facts: `has ${counted(where.count, 'packet')} that came a second time, the same in number and content.`,
      meaning: `The copies follow within ${NEAR_SECONDS * 1000} ms, or nearly all packets have one: the capture saw them at two points, or a switch or a link doubled them. Byte counts of this report hold both.`,
      remedy:
        'Capture on one interface and one direction of a mirror port, or remove copies with editcap -d.',
    },
    where,
  );
}

/** One number for two different packets: in counter modes the same key stream twice. */
export function findReusedNumbers(subject: SaCase): Finding[] {
  const { numbers } = subject.watched;
  if (numbers === null || numbers.differing.count === 0) return [];
  const [first] = numbers.differing.first;
  return [
    saFinding(
      subject,
      {
        id: 'sequence-reused',
        severity: 'high',
        title: 'One sequence number for different packets',
        facts: `has ${counted(numbers.differing.count, 'packet')} whose number another packet with other content had, first packets ${first!.earlier.packet} and ${first!.later.packet}.`,
        meaning:
          'Two senders use one SA (a cloned machine, keys copied by hand), a sender began anew under its old keys, or packets are forged. With AES-GCM, CCM, CTR and ChaCha20 two packets then share a nonce, which gives away their plain text and lets others forge.',
        remedy: 'Negotiate keys with IKE instead of setting them by hand, and rekey now.',
      },
      sightingsOf(numbers.differing),
    ),
  ];
}

/** IVs that came twice under different numbers. */
export function findReusedIvs(subject: SaCase): Finding[] {
  const { numbers } = subject.watched;
  const suites = possibleSuites(subject);
  if (numbers === null || numbers.sameIv.count === 0 || suites.length === 0) return [];
  if (suites.some(({ ivBytes }) => ivBytes < 8)) return [];
  const isCounterMode = suites.every((suite) => 'blockBytes' in suite && suite.blockBytes === 1);
  const [first] = numbers.sameIv.first;
  return [
    saFinding(
      subject,
      {
        id: 'nonce-reuse',
        severity: isCounterMode ? 'high' : 'medium',
        title: isCounterMode ? 'A nonce used twice' : 'An IV used twice',
        facts: `has ${counted(numbers.sameIv.count, 'packet')} with an IV that another packet had, first packets ${first!.earlier.packet} and ${first!.later.packet}.`,
        meaning: isCounterMode
          ? 'Two packets encrypted with one nonce give away their plain text, and with GCM the key that authenticates (RFC 4106 section 2, NIST SP 800-38D).'
          : 'Where two packets with one IV begin alike, so do their cipher texts: an eavesdropper learns that they are equal (RFC 3602 section 3).',
        remedy: 'Update or replace the sender: it must never use an IV twice under one key. Rekey now.',
      },
      sightingsOf(numbers.sameIv),
    ),
  ];
}

/** Numbers that no sender and no loss explain. */
export function findJumps(subject: SaCase): Finding[] {
  const { numbers } = subject.watched;
  if (numbers === null || subject.sa.sequence.duplicate > 0) return [];
  const [jump, ...more] = unexplainedSteps(numbers.steps);
  if (jump === undefined) return [];
  return [
    saFinding(
      subject,
      {
        id: 'sequence-jump',
        severity: 'medium',
        title: 'Sequence numbers that jump',
        facts: `goes from number ${jump.from >>> 0} to ${jump.to >>> 0} within ${describeTime(jump)}.`,
        meaning:
          'Neither loss nor reordering explains it: packets are forged to move the receiver’s window, or the sender lost its state and counts anew.',
        remedy:
          'Check with the keys whether the ICVs of these packets are right. If they are, find out why the sender’s counter changed; if not, somebody forges packets.',
      },
      stepSightings([jump, ...more], more.length + 1),
    ),
  ];
}

/** Steps back, steps ahead that a sender cannot make in that time, and both where one undoes the other. */
function unexplainedSteps(steps: readonly SequenceStep[]): SequenceStep[] {
  const unexplained: SequenceStep[] = [];
  for (let i = 0; i < steps.length; i++) {
    const step = steps[i]!;
    const next = steps[i + 1];
    const isFarBack = ((step.to - step.from) | 0) <= -SAME_RUN;
    const returns = !isBack(step) && next !== undefined && Math.abs((next.to - step.from) | 0) < SAME_RUN;
    if (isFarBack || returns || isTooFast(step)) unexplained.push(step);
    if (returns) i++;
  }
  return unexplained;
}

function isBack({ from, to }: SequenceStep): boolean {
  return ((to - from) | 0) < 0;
}

function isTooFast(step: SequenceStep): boolean {
  const seconds = delayOf({ earlier: step.before, later: step.place });
  return ((step.to - step.from) | 0) > seconds * POSSIBLE_PACKETS_PER_SECOND;
}

function describeTime({ before, place }: SequenceStep): string {
  return `${(delayOf({ earlier: before, later: place }) * 1000).toPrecision(3)} ms`;
}

function stepSightings(steps: readonly SequenceStep[], count: number): Sightings {
  const places = steps.slice(0, 8).map(({ place }) => place);
  return { count, places, last: steps.at(-1)?.place ?? null };
}
