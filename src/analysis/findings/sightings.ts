import type { PacketBatch } from '../../packet/packet-batch.js';
import type { FindingContext } from './detector.js';
import type { FindingEvidence, PacketReference } from './finding.js';

/** A packet, as plain data. */
export interface PacketPlace {
  fileIndex: number;
  /** Number in its file. */
  packet: number;
  seconds: number;
  nanoseconds: number;
}

/** Packets that show the same thing, as plain data: how many, the first few, and the times of the first and the last. */
export interface Sightings {
  count: number;
  /** The first ones in the order of the capture, at most `MAX_PLACES`. */
  places: PacketPlace[];
  /** In the order of the capture; null if there is none. */
  last: PacketPlace | null;
}

/** Packets named in a finding. */
export const MAX_PLACES = 8;

export function newSightings(): Sightings {
  return { count: 0, places: [], last: null };
}

/** The packet in a row. For rare rows: it allocates. */
export function placeOf(batch: PacketBatch, row: number, fileIndex: number): PacketPlace {
  const { frameNumber, timeSeconds, timeNanoseconds } = batch.block;
  return {
    fileIndex,
    packet: frameNumber[row]!,
    seconds: timeSeconds[row]!,
    nanoseconds: timeNanoseconds[row]!,
  };
}

export function addSighting(sightings: Sightings, place: PacketPlace): void {
  sightings.count += 1;
  if (sightings.places.length < MAX_PLACES) sightings.places.push(place);
  sightings.last = place;
}

/** Appends later sightings. @param framesBefore as in `Detector.merge` */
export function mergeSightings(sightings: Sightings, later: Sightings, framesBefore: number): void {
  sightings.count += later.count;
  for (const place of later.places) {
    if (sightings.places.length === MAX_PLACES) break;
    sightings.places.push(movePlace(place, framesBefore));
  }
  if (later.last !== null) sightings.last = movePlace(later.last, framesBefore);
}

export function movePlace(place: PacketPlace, framesBefore: number): PacketPlace {
  return { ...place, packet: place.packet + framesBefore };
}

/** The part of a finding's evidence that its packets tell. */
export function evidenceOf(
  sightings: Sightings,
  { paths }: FindingContext,
): Pick<FindingEvidence, 'count' | 'firstTimeNs' | 'lastTimeNs' | 'packets'> {
  const [first] = sightings.places;
  return {
    count: sightings.count,
    firstTimeNs: first === undefined ? null : timeText(first),
    lastTimeNs: sightings.last === null ? null : timeText(sightings.last),
    packets: sightings.places.map((place) => referenceTo(place, paths)),
  };
}

/** @param paths of the files, by index */
export function referenceTo(place: PacketPlace, paths: readonly string[]): PacketReference {
  return { file: paths[place.fileIndex] ?? '', packet: place.packet, timeNs: timeText(place) };
}

function timeText({ seconds, nanoseconds }: PacketPlace): string {
  return String(BigInt(Math.trunc(seconds)) * 1_000_000_000n + BigInt(nanoseconds));
}
