import { type ExportedSaTable, SaTable } from '../ipsec/sa-table.js';
import { SecurityAssociation } from '../ipsec/security-association.js';
import type { AhSuite, EspSuite } from '../ipsec/suite-table.js';

/** What is known about the IPsec in a capture besides the capture. */
export interface IpsecKnowledge {
  readonly associations: readonly SecurityAssociation[];
  /** Suite of ESP for which there is no SA; null if nothing is known. */
  readonly assumedEsp: EspSuite | null;
  readonly assumedAh: AhSuite | null;
}

/** Plain data **with keys in the clear**, for `postMessage` alone. */
export interface ExportedIpsecKnowledge {
  readonly table: ExportedSaTable;
  readonly assumedEsp: EspSuite | null;
  readonly assumedAh: AhSuite | null;
}

/**
 * The SAs to look packets up in. An assumed suite becomes an SA for any SPI without keys, so that ESP which encrypts
 * nothing can be read.
 */
export function createSaTable(knowledge: IpsecKnowledge): SaTable {
  const associations = [...knowledge.associations];
  for (const suite of [knowledge.assumedEsp, knowledge.assumedAh]) {
    if (suite !== null) associations.push(new SecurityAssociation({ suite, spi: 0, spiMask: 0 }));
  }
  return new SaTable(associations);
}

/** For a worker thread. */
export function exportIpsecKnowledge(knowledge: IpsecKnowledge): ExportedIpsecKnowledge {
  return {
    table: new SaTable(knowledge.associations).exportForWorker(),
    assumedEsp: knowledge.assumedEsp,
    assumedAh: knowledge.assumedAh,
  };
}

/** In the worker thread. */
export function importIpsecKnowledge(exported: ExportedIpsecKnowledge): IpsecKnowledge {
  return {
    associations: SaTable.fromWorker(exported.table).associations,
    assumedEsp: exported.assumedEsp,
    assumedAh: exported.assumedAh,
  };
}
