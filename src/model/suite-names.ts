import { parseAhSuite, parseEspSuite } from '../ipsec/suite.js';
import type { SuiteNames } from '../scenario/read-scenario.js';

/** The suites that scenarios may name. */
export const SUITE_NAMES: SuiteNames = { esp: parseEspSuite, ah: parseAhSuite };
