import type { Encounter } from './recent-packets.js';
import { movePlace, type PacketPlace, type Sightings } from './sightings.js';

/** Packets that met an earlier one, as plain data: how many, and the first few in the order of the capture. */
export interface Encounters {
  count: number;
  first: Encounter[];
  /** The later packet of the last one; null if there is none. */
  last: PacketPlace | null;
}

const MAX_ENCOUNTERS = 8;

export function newEncounters(): Encounters {
  return { count: 0, first: [], last: null };
}

/** Adds one that may lie before others. */
export function addEncounter(encounters: Encounters, encounter: Encounter): void {
  encounters.count += 1;
  const { first, last } = encounters;
  if (last === null || isBefore(last, encounter.later)) encounters.last = encounter.later;
  let at = first.length;
  while (at > 0 && isBefore(encounter.later, first[at - 1]!.later)) at--;
  if (at === MAX_ENCOUNTERS) return;
  first.splice(at, 0, encounter);
  if (first.length > MAX_ENCOUNTERS) first.pop();
}

/** Adds those of a later piece, whose earlier packets are of that piece too. */
export function mergeEncounters(encounters: Encounters, later: Encounters, framesBefore: number): void {
  const others = later.count - later.first.length;
  for (const { earlier, later: packet } of later.first) {
    addEncounter(encounters, {
      earlier: movePlace(earlier, framesBefore),
      later: movePlace(packet, framesBefore),
    });
  }
  encounters.count += others;
  if (later.last === null) return;
  const last = movePlace(later.last, framesBefore);
  if (encounters.last === null || isBefore(encounters.last, last)) encounters.last = last;
}

/** The later packets as sightings. */
export function sightingsOf({ count, first, last }: Encounters): Sightings {
  return { count, places: first.map(({ later }) => later), last };
}

/** Seconds between the two packets, whichever the file has first. */
export function delayOf({ earlier, later }: Encounter): number {
  const seconds = later.seconds - earlier.seconds + (later.nanoseconds - earlier.nanoseconds) / 1e9;
  return Math.abs(seconds);
}

function isBefore(a: PacketPlace, b: PacketPlace): boolean {
  return a.fileIndex === b.fileIndex ? a.packet < b.packet : a.fileIndex < b.fileIndex;
}
