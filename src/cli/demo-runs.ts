import type { PlantedSecret } from '../exposure/planted-secrets.js';
import type { SecurityAssociation } from '../ipsec/security-association.js';

/** What is to be looked at. */
export interface DemoRuns {
  readonly runs: readonly {
    readonly path: string;
    readonly name: string;
    readonly associations: readonly SecurityAssociation[];
  }[];
  readonly secrets: readonly PlantedSecret[];
}
