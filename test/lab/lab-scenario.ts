import { SUITE_NAMES } from '../../src/model/suite-names.js';
import { applyOverrides, type Overrides } from '../../src/scenario/apply-overrides.js';
import { parseNamedScenario } from '../../src/scenario/parse-scenario.js';
import type { Scenario } from '../../src/scenario/scenario.js';

/** The smallest guest, with something changed. */
export function labScenario(overrides: Overrides = {}): Scenario {
  return applyOverrides(parseNamedScenario('lab-16mib', SUITE_NAMES), overrides, SUITE_NAMES);
}
