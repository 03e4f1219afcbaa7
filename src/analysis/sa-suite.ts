import { ahSuiteCandidates } from '../ipsec/infer-ah-suite.js';
import { espSuiteCandidates, type SuiteCandidate as InferredEsp } from '../ipsec/infer-esp-suite.js';
import { SaTable } from '../ipsec/sa-table.js';
import type { SecurityAssociation } from '../ipsec/security-association.js';
import type { AhSuite, EspSuite } from '../ipsec/suite-table.js';
import type { Certainty, SuiteCandidate } from './analysis-summary.js';
import type { ClosedEsp, SuiteSizes } from './esp-split.js';
import { KEY_WORDS } from './key-table.js';
import { type ClosedEvidence, IPPROTO_ESP, type SecurityAssociationsState } from './sa-counters.js';
import { SA_STRIDE, Sa } from './sa-record.js';

/** What the user told about suites. */
export interface SuiteKnowledge {
  /** SAs with or without keys. */
  readonly associations?: readonly SecurityAssociation[];
  /** ESP and AH of SAs that are not in `associations`. */
  readonly assumedEsp?: EspSuite | null;
  readonly assumedAh?: AhSuite | null;
}

/** The suite of an SA, and how it is known. */
export interface SaSuite {
  name: string | null;
  certainty: Certainty;
  candidates: SuiteCandidate[];
  /** Expected padding per packet of each candidate. */
  paddings: number[];
}

/** Finds out the suites of SAs. */
export class SuiteFinder {
  private readonly knowledge: SuiteKnowledge;
  private readonly table: SaTable;

  constructor(knowledge: SuiteKnowledge) {
    this.knowledge = knowledge;
    this.table = new SaTable(knowledge.associations ?? []);
  }

  suiteOf(state: SecurityAssociationsState, slot: number): SaSuite {
    const { records } = state;
    const at = slot * SA_STRIDE;
    const protocol = state.table.keys[slot * KEY_WORDS]! & 0xff;
    const association = this.associationOf(state, slot, protocol);
    const wasOpened = records[at + Sa.opened]! > 0 && records[at + Sa.integrity + 1]! > 0;
    const known = association?.suite ?? null;
    if (protocol !== IPPROTO_ESP) {
      const suite = known ?? this.knowledge.assumedAh ?? null;
      return ahSuite(state, slot, suite, wasOpened && association !== null);
    }
    const given = known?.protocol === 'esp' ? known : (this.knowledge.assumedEsp ?? null);
    const opened = records[at + Sa.opened]! > 0 && association !== null;
    return espSuite(state.evidence[slot] ?? null, given, opened, records[at + Sa.coveredByAh]! > 0);
  }

  /** The user's SA with this SPI and these addresses. */
  private associationOf(
    state: SecurityAssociationsState,
    slot: number,
    protocol: number,
  ): SecurityAssociation | null {
    const { keys } = state.table;
    const at = slot * KEY_WORDS;
    const header = new Uint8Array(40);
    const view = new DataView(header.buffer);
    const isIpv6 = keys[at]! < 0;
    header[0] = isIpv6 ? 0x60 : 0x45;
    for (let i = 0; i < (isIpv6 ? 8 : 2); i++) view.setInt32((isIpv6 ? 8 : 12) + 4 * i, keys[at + 2 + i]!);
    return this.table.lookup(protocol, keys[at + 1]! >>> 0, header, 0);
  }
}

function espSuite(
  closed: ClosedEvidence | null,
  given: EspSuite | null,
  wasOpened: boolean,
  coveredByAh: boolean,
): SaSuite {
  const inferred = closed === null ? [] : espSuiteCandidates(closed.evidence, { coveredByAh });
  if (given !== null) return givenEsp(given, inferred, wasOpened);
  return {
    name: inferred[0]?.names[0] ?? null,
    certainty: 'inferred',
    candidates: inferred.map(espCandidate),
    paddings: inferred.map(({ padding }) => padding.expectedBytes),
  };
}

function givenEsp(suite: EspSuite, inferred: readonly InferredEsp[], wasOpened: boolean): SaSuite {
  const { name, ivBytes, icvBytes, alignBytes } = suite;
  const alike = inferred.find(
    (one) => one.ivBytes === ivBytes && one.icvBytes === icvBytes && one.alignBytes === alignBytes,
  );
  return {
    name,
    certainty: wasOpened ? 'measured' : 'inferred',
    candidates: [{ name, ivBytes, icvBytes, alignmentBytes: alignBytes, likelihood: 1 }],
    paddings: [alike?.padding.expectedBytes ?? (alignBytes - 1) / 2],
  };
}

function espCandidate(candidate: InferredEsp): SuiteCandidate {
  const { names, ivBytes, icvBytes, alignBytes, likelihood } = candidate;
  const [name = '', ...alternatives] = names;
  return { name, alternatives, ivBytes, icvBytes, alignmentBytes: alignBytes, likelihood };
}

function ahSuite(
  state: SecurityAssociationsState,
  slot: number,
  given: EspSuite | AhSuite | null,
  isMeasured: boolean,
): SaSuite {
  const isIpv6 = state.table.keys[slot * KEY_WORDS]! < 0;
  if (given !== null && given.protocol === 'ah') {
    const { name, ivBytes, icvBytes } = given;
    const alignmentBytes = isIpv6 ? 8 : 4;
    return {
      name,
      certainty: isMeasured ? 'measured' : 'inferred',
      candidates: [{ name, ivBytes, icvBytes, alignmentBytes, likelihood: 1 }],
      paddings: [0],
    };
  }
  const at = slot * SA_STRIDE;
  const headers = state.records[at + Sa.opened]!;
  const bytes = headers === 0 ? 0 : Math.round(state.records[at + Sa.ahBytes]! / headers);
  const inferred = ahSuiteCandidates(bytes, isIpv6 ? 6 : 4);
  return {
    name: inferred[0]?.names[0] ?? null,
    certainty: 'inferred',
    candidates: inferred.map(({ names, icvBytes, alignBytes, likelihood }) => {
      const [name = '', ...alternatives] = names;
      return { name, alternatives, ivBytes: 0, icvBytes, alignmentBytes: alignBytes, likelihood };
    }),
    paddings: inferred.map(() => 0),
  };
}

/** The ESP of an SA that stayed closed, with what its suite may be. */
export function closedEspOf(
  state: SecurityAssociationsState,
  slot: number,
  suite: SaSuite | null,
): ClosedEsp {
  const at = slot * SA_STRIDE;
  const candidates = (suite?.candidates ?? []).map(
    (candidate, i): SuiteSizes => ({ ...candidate, paddingBytes: suite!.paddings[i]! }),
  );
  return {
    packets: state.records[at + Sa.closed]!,
    bytes: state.records[at + Sa.closedBytes]!,
    candidates,
  };
}
