import { addEncounter, delayOf, type Encounters, mergeEncounters, newEncounters } from './encounters.js';
import {
  type Encounter,
  joinRecentPackets,
  Meeting,
  meetingAt,
  newRecentPackets,
  packetAt,
  RECENT_PACKETS,
  type RecentPackets,
  takePlaceAs,
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
  /** IV of the first packet, and its number: most senders make IVs by counting. */
  iv: FirstIv | null;
  /** By IV; the value is the sequence number. Null until there is an IV that does not count as the first one does. */
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

/** An IV with the packet it came in. */
export interface FirstIv {
  high: number;
  low: number;
  sequence: number;
  place: PacketPlace;
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
    iv: null,
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

/** Does this IV follow from its sequence number as the SA's first one did: the number added, or by exclusive or? */
export function isCounted(iv: FirstIv, high: number, low: number, sequence: number): boolean {
  if (high !== iv.high) return false;
  return (
    (low ^ sequence) === (iv.low ^ iv.sequence) || ((low - sequence) | 0) === ((iv.low - iv.sequence) | 0)
  );
}

/**
 * The packet whose number counts to this IV, if it is among the recent ones: with counted IVs there is no table of them.
 * @param iv the SA's first
 */
export function packetCountedAs(
  { bySequence }: SaNumbers,
  iv: FirstIv,
  high: number,
  low: number,
): PacketPlace | null {
  if (high !== iv.high) return null;
  for (const sequence of [low ^ iv.low ^ iv.sequence, (low - iv.low + iv.sequence) | 0]) {
    const place = sequencePlace(sequence);
    const { keyLow, packet } = bySequence.last;
    if (packet[place] !== 0 && keyLow[place] === sequence) return packetAt(bySequence.last, place);
  }
  return null;
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

/** IVs that count need no table as long as all do: they differ as the numbers do. */
function mergeIvs(own: SaNumbers, later: SaNumbers, framesBefore: number): void {
  if (later.iv === null) return;
  const first = { ...later.iv, place: movePlace(later.iv.place, framesBefore) };
  if (own.iv === null) {
    own.iv = first;
    if (later.byIv === null) return;
    own.byIv = newRecentPackets();
  } else if (later.byIv === null) {
    if (!isCounted(own.iv, first.high, first.low, first.sequence)) addIv(own, first);
    return;
  }
  meetCounted(own, later.byIv, framesBefore);
  joinRecentPackets(ivTable(own), later.byIv, framesBefore, (encounter, meeting) =>
    meetIv(own, encounter, meeting),
  );
}

/** IVs of a later piece that packets of this one were counted to. */
function meetCounted(own: SaNumbers, { first }: RecentPackets, framesBefore: number): void {
  if (own.iv === null || own.byIv !== null) return;
  for (let at = 0; at < RECENT_PACKETS; at++) {
    if (first.packet[at] === 0) continue;
    const high = first.keyHigh[at]!;
    const low = first.keyLow[at]!;
    if (isCounted(own.iv, high, low, first.value[at]!)) continue;
    const earlier = packetCountedAs(own, own.iv, high, low);
    if (earlier === null) continue;
    meetIv(own, { earlier, later: movePlace(packetAt(first, at), framesBefore) }, Meeting.otherValue);
  }
}

/** The table of IVs; it begins with that of the first packet. */
export function ivTable(numbers: SaNumbers): RecentPackets {
  if (numbers.byIv === null) {
    numbers.byIv = newRecentPackets();
    if (numbers.iv !== null) addIv(numbers, numbers.iv);
  }
  return numbers.byIv;
}

function addIv(numbers: SaNumbers, { high, low, sequence, place }: FirstIv): void {
  const table = ivTable(numbers);
  const at = ivPlace(high, low);
  const meeting = meetingAt(table, at, low, high, sequence);
  if (meeting !== Meeting.none) {
    meetIv(numbers, { earlier: packetAt(table.last, at), later: place }, meeting);
  }
  takePlaceAs(table, at, low, high, sequence, place);
}

/** Place of an IV in `byIv`. */
export function ivPlace(high: number, low: number): number {
  const hash = Math.imul(low ^ Math.imul(high, 0x9e37_79b1), 0x85eb_ca6b);
  return (hash ^ (hash >>> 15)) & (RECENT_PACKETS - 1);
}
