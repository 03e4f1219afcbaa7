import { IkeExchange, type IkeMessage, readIkeMessage } from '../../ipsec/ike-message.js';
import { NONE, type PacketBatch, PacketFlag } from '../../packet/packet-batch.js';
import { formatAddress } from '../format-address.js';
import { isIpv6At } from '../ip-header.js';
import { NOT_WIRE } from '../packet-class.js';
import type { Detector, DetectorType, FindingContext } from './detector.js';
import type { Finding, Severity } from './finding.js';
import {
  addSighting,
  evidenceOf,
  mergeSightings,
  newSightings,
  placeOf,
  type Sightings,
} from './sightings.js';

/** What IKE messages showed, of one kind between two hosts in one direction. */
interface IkeObservation {
  kind: IkeKind;
  source: string;
  destination: string;
  /** Algorithms or notifications by name, in order of appearance. */
  names: string[];
  sightings: Sightings;
}

type IkeKind = 'version1' | 'aggressive' | 'weakOffered' | 'weakChosen' | 'failed';

/** Plain data, in order of first appearance. */
interface IkeState {
  observations: IkeObservation[];
}

/** Most observations kept: a scan of many hosts has one for each. */
const MAX_OBSERVATIONS = 1024;
const MAX_NAMES = 16;

/** Notifications that say that nothing comes of it (RFC 7296 section 3.10.1; RFC 2408 section 3.14.1 has them under the same numbers or, above 13, under others). */
const FAILURES: Readonly<Record<1 | 2, Readonly<Record<number, string>>>> = {
  1: {
    5: 'INVALID-MAJOR-VERSION',
    7: 'INVALID-EXCHANGE-TYPE',
    14: 'NO-PROPOSAL-CHOSEN',
    18: 'INVALID-ID-INFORMATION',
    23: 'INVALID-HASH-INFORMATION',
    24: 'AUTHENTICATION-FAILED',
    25: 'INVALID-SIGNATURE',
  },
  2: {
    1: 'UNSUPPORTED_CRITICAL_PAYLOAD',
    5: 'INVALID_MAJOR_VERSION',
    7: 'INVALID_SYNTAX',
    14: 'NO_PROPOSAL_CHOSEN',
    24: 'AUTHENTICATION_FAILED',
    35: 'NO_ADDITIONAL_SAS',
  },
};

class IkeWatch implements Detector<IkeState> {
  readonly flags = PacketFlag.ike;
  readonly state: IkeState = { observations: [] };
  private readonly fileIndex: number;

  constructor(fileIndex: number) {
    this.fileIndex = fileIndex;
  }

  add(batch: PacketBatch, from: number, to: number): void {
    const { flags, payloadOffset, payloadLength, block } = batch;
    for (let row = from; row < to; row++) {
      if ((flags[row]! & (PacketFlag.ike | NOT_WIRE)) !== PacketFlag.ike) continue;
      const start = payloadOffset[row]!;
      const captured = block.offset[row]! + block.capturedLength[row]!;
      const message = readIkeMessage(block.data, start, Math.min(start + payloadLength[row]!, captured));
      if (message !== null) this.addMessage(batch, row, message);
    }
  }

  private addMessage(batch: PacketBatch, row: number, message: IkeMessage): void {
    const { version, exchange, isResponse, transforms, notifications } = message;
    if (version === 1) {
      const method = transforms.find(({ kind }) => kind === 'authentication')?.name ?? null;
      const isAggressive = exchange === IkeExchange.aggressive;
      this.note(batch, row, isAggressive ? 'aggressive' : 'version1', method === null ? [] : [method]);
    }
    const weak = transforms.flatMap(({ name, weakness }) =>
      weakness === null ? [] : [`${name}, ${weakness}`],
    );
    if (weak.length > 0) this.note(batch, row, isResponse ? 'weakChosen' : 'weakOffered', weak);
    const failures = notifications.flatMap((type) => FAILURES[version][type] ?? []);
    if (failures.length > 0) this.note(batch, row, 'failed', failures);
  }

  private note(batch: PacketBatch, row: number, kind: IkeKind, names: readonly string[]): void {
    const { source, destination } = addressesAt(batch, row);
    const observation = this.observationOf(kind, source, destination);
    if (observation === null) return;
    addNames(observation, names);
    addSighting(observation.sightings, placeOf(batch, row, this.fileIndex));
  }

  private observationOf(kind: IkeKind, source: string, destination: string): IkeObservation | null {
    const { observations } = this.state;
    const known = observations.find(
      (one) => one.kind === kind && one.source === source && one.destination === destination,
    );
    if (known !== undefined) return known;
    if (observations.length === MAX_OBSERVATIONS) return null;
    const added = { kind, source, destination, names: [], sightings: newSightings() };
    observations.push(added);
    return added;
  }

  merge(later: IkeState, framesBefore: number): void {
    for (const { kind, source, destination, names, sightings } of later.observations) {
      const observation = this.observationOf(kind, source, destination);
      if (observation === null) continue;
      addNames(observation, names);
      mergeSightings(observation.sightings, sightings, framesBefore);
    }
  }

  findings(context: FindingContext): Finding[] {
    return this.state.observations.map((observation) => ikeFinding(observation, context));
  }
}

function addNames({ names }: IkeObservation, more: readonly string[]): void {
  for (const name of more) if (names.length < MAX_NAMES && !names.includes(name)) names.push(name);
}

/** Of the innermost IP header. */
function addressesAt(batch: PacketBatch, row: number): { source: string; destination: string } {
  const { data } = batch.block;
  const ip = batch.innerIpOffset[row]!;
  if (ip === NONE) return { source: '', destination: '' };
  const bytes = isIpv6At(data, ip) ? 16 : 4;
  const at = ip + (bytes === 16 ? 8 : 12);
  return {
    source: formatAddress(data.subarray(at, at + bytes)),
    destination: formatAddress(data.subarray(at + bytes, at + 2 * bytes)),
  };
}

interface IkeVerdict extends Pick<Finding, 'id' | 'title' | 'meaning' | 'remedy'> {
  readonly severity: Severity;
  readonly facts: (names: string) => string;
}

const VERDICTS: Readonly<Record<IkeKind, IkeVerdict>> = {
  version1: {
    id: 'ike-version-1',
    severity: 'low',
    title: 'IKE version 1',
    facts: (names) => `Keys are exchanged with IKE version 1${names === '' ? '' : ` (${names})`}.`,
    meaning:
      'IKEv1 is deprecated (RFC 9395): it has no modern algorithms and few implementations care for it.',
    remedy: 'Use IKEv2 (strongSwan: version = 2).',
  },
  aggressive: {
    id: 'ike-aggressive-mode',
    severity: 'high',
    title: 'IKEv1 aggressive mode',
    facts: (names) => `Phase 1 in aggressive mode${names === '' ? '' : `, ${names}`}.`,
    meaning:
      'Identities go in the clear, and with a pre-shared key the answer lets anybody who asks try passwords offline (CVE-2002-1623).',
    remedy: 'Use IKEv2. If it must be version 1: main mode, and certificates instead of a pre-shared key.',
  },
  weakOffered: {
    id: 'ike-weak-offer',
    severity: 'low',
    title: 'IKE offers weak algorithms',
    facts: (names) => `Offered: ${names}.`,
    meaning:
      'The other end may choose them. Among many proposals the better ones are usually preferred; what was chosen is a finding of its own.',
    remedy: 'List only what is recommended, such as aes256gcm16-prfsha384-ecp384 (strongSwan: proposals).',
  },
  weakChosen: {
    id: 'ike-weak-choice',
    severity: 'medium',
    title: 'IKE agreed on weak algorithms',
    facts: (names) => `Chosen: ${names}.`,
    meaning:
      'Who records this exchange may compute its keys, now or later, and read all that they protect: the keys of ESP are made of them.',
    remedy: 'Take these algorithms out of the proposals of both ends, and rekey.',
  },
  failed: {
    id: 'ike-failed',
    severity: 'medium',
    title: 'IKE failed',
    facts: (names) => `Answered with ${names}.`,
    meaning:
      'No SA comes of this exchange: what it should protect does not flow, or flows in the clear if the policy lets it. Or somebody tries what the responder accepts.',
    remedy: 'Compare proposals, identities and keys of both ends. If the initiator is a stranger, block it.',
  },
};

function ikeFinding(
  { kind, source, destination, names, sightings }: IkeObservation,
  context: FindingContext,
): Finding {
  const { facts, ...verdict } = VERDICTS[kind];
  return {
    ...verdict,
    evidence: { facts: facts(names.join('; ')), source, destination, ...evidenceOf(sightings, context) },
  };
}

/** IKE as far as it goes in the clear: weak proposals, aggressive mode, failures. */
export const keyExchange: DetectorType = {
  ids: Object.values(VERDICTS).map(({ id }) => id),
  looksFor: 'IKE with weak proposals, in aggressive mode, or failing',
  create: (fileIndex) => new IkeWatch(fileIndex),
};
