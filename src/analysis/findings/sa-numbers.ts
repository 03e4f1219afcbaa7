import { addEncounter, delayOf, type Encounters, mergeEncounters, newEncounters } from './encounters.js';
import {
  type Encounter,
  joinRecentPackets,
  Meeting,
  newRecentPackets,
  packetAt,
  RECENT_PACKETS,
  type RecentPackets,
} from './recent-packets.js';
import { MAX_PLACES, movePlace, type PacketPlace } from './sightings.js';

/** Where an SA's sequence number went back, or ahead, by far. */
export interface SequenceStep {
  /** Number before, number that came. */
  from: number;
  to: number;
  before: PacketPlace;
  place: PacketPlace;
}

/** What the numbers and IVs of one SA showed, as plain data. */
export interface SaNumbers {
  /** The first packets. */
  places: PacketPlace[];
  firstSequence: number;
  lastSequence: number;
  /** By sequence number; the value is a mark of the content. */
  bySequence: RecentPackets;
  /** By IV; the value is the sequence number. Null until there is an IV. */
  byIv: RecentPackets | null;
  /** Same number and content: within `NEAR_SECONDS`, and later. */
  again: Encounters;
  replayed: Encounters;
  /** Same number, other content. */
  differing: Encounters;
  /** Same IV, other number. */
  sameIv: Encounters;
  /** The first far steps, and how many there were. */
  steps: SequenceStep[];
  stepCount: number;
}

/** The same packet seen twice within this time was copied by the network or the tap. */
export const NEAR_SECONDS = 0.01;
/** A step back that reordering does not explain. */
const FAR_BACK = RECENT_PACKETS;
/** A step ahead that is worth a look. */
const FAR_AHEAD = 65_536;
const MAX_STEPS = 32;

/** @param sequence of its first packet */
export function newSaNumbers(sequence: number): SaNumbers {
  return {
    places: [],
    firstSequence: sequence,
    lastSequence: sequence,
    bySequence: newRecentPackets(),
    byIv: null,
    again: newEncounters(),
    replayed: newEncounters(),
    differing: newEncounters(),
    sameIv: newEncounters(),
    steps: [],
    stepCount: 0,
  };
}

/** Place of a sequence number in `bySequence`. */
export function sequencePlace(sequence: number): number {
  return sequence & (RECENT_PACKETS - 1);
}

/** Is it far from one number to the next, as 32-bit counters go? */
export function isFarStep(from: number, to: number): boolean {
  const step = (to - from) | 0;
  return step >= FAR_AHEAD || step <= -FAR_BACK;
}

/** Takes down that the packet at `place` came with a number far from the one before. */
export function addStep(numbers: SaNumbers, to: number, place: PacketPlace): void {
  const from = numbers.lastSequence;
  addSteps(numbers, 1, [{ from, to, before: packetAt(numbers.bySequence.last, sequencePlace(from)), place }]);
}

function addSteps(numbers: SaNumbers, count: number, steps: readonly SequenceStep[]): void {
  numbers.stepCount += count;
  numbers.steps.push(...steps.slice(0, MAX_STEPS - numbers.steps.length));
}

/** Takes down that a packet met an earlier one with its number. */
export function meetNumber(numbers: SaNumbers, encounter: Encounter, meeting: number): void {
  if (meeting === Meeting.otherValue) addEncounter(numbers.differing, encounter);
  else addEncounter(delayOf(encounter) <= NEAR_SECONDS ? numbers.again : numbers.replayed, encounter);
}

/** Takes down that a packet met an earlier one with its IV: a repetition of the same packet has its number too. */
export function meetIv(numbers: SaNumbers, encounter: Encounter, meeting: number): void {
  if (meeting === Meeting.otherValue) addEncounter(numbers.sameIv, encounter);
}

/** Appends what a later piece showed of the same SA. */
export function mergeSaNumbers(own: SaNumbers, later: SaNumbers, framesBefore: number): void {
  const [first] = later.places;
  if (first === undefined) return;
  if (own.places.length > 0 && isFarStep(own.lastSequence, later.firstSequence)) {
    addStep(own, later.firstSequence, movePlace(first, framesBefore));
  }
  if (own.places.length === 0) own.firstSequence = later.firstSequence;
  const steps = later.steps.map((step) => ({
    ...step,
    before: movePlace(step.before, framesBefore),
    place: movePlace(step.place, framesBefore),
  }));
  addSteps(own, later.stepCount, steps);
  own.lastSequence = later.lastSequence;
  for (const place of later.places.slice(0, MAX_PLACES - own.places.length)) {
    own.places.push(movePlace(place, framesBefore));
  }
  for (const kind of ['again', 'replayed', 'differing', 'sameIv'] as const) {
    mergeEncounters(own[kind], later[kind], framesBefore);
  }
  mergeIvs(own, later, framesBefore);
  joinRecentPackets(own.bySequence, later.bySequence, framesBefore, (encounter, meeting) =>
    meetNumber(own, encounter, meeting),
  );
}

function mergeIvs(own: SaNumbers, later: SaNumbers, framesBefore: number): void {
  if (later.byIv === null) return;
  own.byIv ??= newRecentPackets();
  joinRecentPackets(own.byIv, later.byIv, framesBefore, (encounter, meeting) =>
    meetIv(own, encounter, meeting),
  );
}

/** Place of an IV in `byIv`. Most senders count: then the low bits take all places in turn, and random ones do as well as any. */
export function ivPlace(low: number): number {
  return low & (RECENT_PACKETS - 1);
}
