import { parseAhSuite, parseEspSuite } from '../../../src/ipsec/suite.js';
import type { SuiteNames } from '../../../src/scenario/read-scenario.js';

/** Suites as the command line knows them. */
export const KNOWN_SUITES: SuiteNames = { esp: parseEspSuite, ah: parseAhSuite };
