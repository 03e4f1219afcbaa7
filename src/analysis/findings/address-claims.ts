import {
  addSighting,
  mergeSightings,
  movePlace,
  newSightings,
  type PacketPlace,
  type Sightings,
} from './sightings.js';

/*
 * Theory of operation. Whoever answers ARP or neighbour discovery for an address claims it for a MAC address. Of each address
 * the reigns are kept, successive MAC addresses, and of each speaker (the station whose frames say so) the answers to a single
 * station that nobody had asked for since its last answer. That tells attack from failover: a failover tells everybody, once; a
 * poisoner tells its victim, again and again.
 *
 * Pieces join by putting reigns behind one another and adding up. Whether a speaker's first answer in a piece was asked for may
 * only be known by the earlier piece, if nobody asks before it: so it is kept apart. At the beginning of a capture it counts as
 * asked for.
 *
 * A capture may have frames twice and more: mirror ports, bridges seen through `any`. Then an answer's copy comes when nobody asks any
 * more; but questions have copies, too. So both are counted, where a message follows the one before within an interval of 10 ms.
 */

/** Most addresses told apart; later ones are not looked at. */
const MAX_ADDRESSES = 16_384;
/** Most reigns of one address; later ones are not looked at. */
const MAX_REIGNS = 64;
/** Most stations that answer for one address; later ones are not looked at. */
const MAX_SPEAKERS = 16;
/** Most intervals in which an address announced itself. */
const MAX_ANNOUNCING = 4096;
/** Announcements of an address are counted in intervals of this length. */
export const ANNOUNCING_SECONDS = 10;
/** What comes again within one interval of this length may be a copy. */
const COPY_SECONDS = 0.01;

/** While an address was claimed for one MAC address. */
export interface Reign {
  mac: string;
  /** First claim. */
  since: PacketPlace;
}

/** A station that answers for an address. */
export interface Speaker {
  mac: string;
  /** Answers to one station that nobody asked for. */
  unasked: Sightings;
  /** Of these, those that may be copies. */
  copies: number;
  /** Interval of `COPY_SECONDS` of its last answer. */
  lastAnswer: number;
  /** Its first answer, if nobody had asked before. */
  first: PacketPlace | null;
  /** How often the address had been asked for when it answered last. */
  askedBefore: number;
}

export interface ClaimedAddress {
  address: string;
  reigns: Reign[];
  speakers: Speaker[];
  /** How often the address was asked for, and how many of these questions may be copies. */
  asked: number;
  askedAgain: number;
  /** Intervals of `COPY_SECONDS` of the first and the last question. */
  firstQuestion: number;
  lastQuestion: number;
}

/** How often an address announced itself to everybody within an interval. */
export interface Announcing {
  address: string;
  mac: string;
  /** Copies left out: one in each interval of `COPY_SECONDS` counts. */
  sightings: Sightings;
}

/** Plain data. */
export interface AddressClaimsState {
  /** By VLAN and address. */
  addresses: Map<string, ClaimedAddress>;
  /** By VLAN, address and interval. */
  announcing: Map<string, Announcing>;
}

/** One message that claims an address. */
export interface Claim {
  address: string;
  vlan: number;
  mac: string;
  /** MAC address of the station that says so. */
  speaker: string;
  place: PacketPlace;
  /** An answer, not a question that tells the asker's address by the way. */
  isAnswer: boolean;
  isUnicast: boolean;
  /** Tells everybody without having been asked. */
  isAnnouncement: boolean;
}

/** Who claimed which address. */
export class AddressClaims {
  readonly state: AddressClaimsState = { addresses: new Map(), announcing: new Map() };

  claim({ address, vlan, mac, speaker, place, isAnswer, isUnicast, isAnnouncement }: Claim): void {
    if (isAnnouncement) this.countAnnouncement(vlan, address, mac, place);
    const known = this.addressOf(vlan, address);
    if (known === null) return;
    addReign(known, { mac, since: place });
    if (isAnswer && isUnicast) noteAnswer(known, speaker, place);
  }

  /** Somebody asks for an address. */
  ask(vlan: number, address: string, place: PacketPlace): void {
    const known = this.addressOf(vlan, address);
    if (known === null) return;
    const interval = copyInterval(place);
    if (known.asked === 0) known.firstQuestion = interval;
    else if (known.lastQuestion === interval) known.askedAgain += 1;
    known.lastQuestion = interval;
    known.asked += 1;
  }

  /** MAC addresses that claimed the address; empty if nobody did. */
  ownersOf(vlan: number, address: string): Set<string> {
    const known = this.state.addresses.get(keyOf(vlan, address));
    return new Set(known?.reigns.map(({ mac }) => mac));
  }

  merge(later: AddressClaimsState, framesBefore: number): void {
    for (const [key, other] of later.addresses) {
      const known = this.addressAt(key, other.address);
      if (known !== null) append(known, other, framesBefore);
    }
    for (const [key, { address, mac, sightings }] of later.announcing) {
      const known = this.announcingAt(key, address, mac);
      if (known !== null) appendAnnouncements(known.sightings, sightings, framesBefore);
    }
  }

  private countAnnouncement(vlan: number, address: string, mac: string, place: PacketPlace): void {
    const interval = Math.floor(place.seconds / ANNOUNCING_SECONDS);
    const announcing = this.announcingAt(`${keyOf(vlan, address)} ${interval}`, address, mac);
    if (announcing !== null && !isCopy(announcing.sightings, place)) addSighting(announcing.sightings, place);
  }

  private addressOf(vlan: number, address: string): ClaimedAddress | null {
    return this.addressAt(keyOf(vlan, address), address);
  }

  private addressAt(key: string, address: string): ClaimedAddress | null {
    const { addresses } = this.state;
    const known = addresses.get(key);
    if (known !== undefined) return known;
    if (addresses.size === MAX_ADDRESSES) return null;
    const added: ClaimedAddress = {
      address,
      reigns: [],
      speakers: [],
      asked: 0,
      askedAgain: 0,
      firstQuestion: 0,
      lastQuestion: 0,
    };
    addresses.set(key, added);
    return added;
  }

  private announcingAt(key: string, address: string, mac: string): Announcing | null {
    const { announcing } = this.state;
    const known = announcing.get(key);
    if (known !== undefined) return known;
    if (announcing.size === MAX_ANNOUNCING) return null;
    const added: Announcing = { address, mac, sightings: newSightings() };
    announcing.set(key, added);
    return added;
  }
}

function keyOf(vlan: number, address: string): string {
  return `${vlan} ${address}`;
}

function addReign({ reigns }: ClaimedAddress, reign: Reign): void {
  if (reigns.at(-1)?.mac !== reign.mac && reigns.length < MAX_REIGNS) reigns.push(reign);
}

function speakerOf({ speakers }: ClaimedAddress, mac: string): Speaker | null {
  const known = speakers.find((speaker) => speaker.mac === mac);
  if (known !== undefined) return known;
  if (speakers.length === MAX_SPEAKERS) return null;
  const added: Speaker = {
    mac,
    unasked: newSightings(),
    copies: 0,
    lastAnswer: 0,
    first: null,
    askedBefore: -1,
  };
  speakers.push(added);
  return added;
}

function noteAnswer(known: ClaimedAddress, mac: string, place: PacketPlace): void {
  const speaker = speakerOf(known, mac);
  if (speaker === null) return;
  if (speaker.askedBefore === known.asked) addUnasked(speaker, place);
  else if (known.asked === 0) speaker.first = place;
  speaker.askedBefore = known.asked;
  speaker.lastAnswer = copyInterval(place);
}

function addUnasked(speaker: Speaker, place: PacketPlace): void {
  addSighting(speaker.unasked, place);
  if (speaker.lastAnswer === copyInterval(place)) speaker.copies += 1;
}

function copyInterval({ seconds, nanoseconds }: PacketPlace): number {
  return Math.floor((seconds + nanoseconds / 1e9) / COPY_SECONDS);
}

function isCopy({ last }: Sightings, place: PacketPlace): boolean {
  return last !== null && copyInterval(last) === copyInterval(place);
}

function append(known: ClaimedAddress, later: ClaimedAddress, framesBefore: number): void {
  for (const { mac, since } of later.reigns) addReign(known, { mac, since: movePlace(since, framesBefore) });
  for (const other of later.speakers) {
    const speaker = speakerOf(known, other.mac);
    if (speaker === null) continue;
    if (other.first !== null) {
      const first = movePlace(other.first, framesBefore);
      if (speaker.askedBefore === known.asked) addUnasked(speaker, first);
      else if (known.asked === 0) speaker.first = first;
    }
    mergeSightings(speaker.unasked, other.unasked, framesBefore);
    speaker.copies += other.copies;
    speaker.lastAnswer = other.lastAnswer;
    speaker.askedBefore = known.asked + other.askedBefore;
  }
  appendQuestions(known, later);
}

function appendQuestions(known: ClaimedAddress, later: ClaimedAddress): void {
  if (later.asked === 0) return;
  if (known.asked === 0) known.firstQuestion = later.firstQuestion;
  else if (known.lastQuestion === later.firstQuestion) known.askedAgain += 1;
  known.askedAgain += later.askedAgain;
  known.lastQuestion = later.lastQuestion;
  known.asked += later.asked;
}

function appendAnnouncements(own: Sightings, later: Sightings, framesBefore: number): void {
  const [first] = later.places;
  if (first === undefined) return;
  if (!isCopy(own, first)) mergeSightings(own, later, framesBefore);
  else if (later.count > 1)
    mergeSightings(own, { ...later, count: later.count - 1, places: later.places.slice(1) }, framesBefore);
}
