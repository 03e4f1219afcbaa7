import { parseAhSuite, parseEspSuite } from '../../ipsec/suite.js';
import type { AhSuite, EspSuite } from '../../ipsec/suite-table.js';
import { type Calibration, CalibrationError, type SuiteCosts } from './calibration.js';

/**
 * What a suite adds, from a calibration. Suites that differ in the length of the ICV alone cost the same: it is cut off what was
 * computed anyway.
 * @throws CalibrationError listing what is calibrated: costs of ciphers differ too much to take the next best one's
 */
export function suiteCost(calibration: Calibration, suite: EspSuite | AhSuite): SuiteCosts {
  const isEsp = suite.protocol === 'esp';
  const costs = isEsp ? calibration.esp : calibration.ah;
  const key = workOf(suite);
  const found = costs.find(
    (each) => workOf(isEsp ? parseEspSuite(each.suite) : parseAhSuite(each.suite)) === key,
  );
  if (found !== undefined) return found;
  const names = costs.map((each) => each.suite).join(', ') || 'none';
  throw new CalibrationError(
    `calibration ${calibration.name} has no costs of ${isEsp ? 'ESP' : 'AH'} ${suite.name}: it has ${names}. ` +
      'Take one of these, another calibration, or measure it',
  );
}

/** What a processor does for a suite: cipher, key length and integrity algorithm. */
function workOf(suite: EspSuite | AhSuite): string {
  if (suite.protocol === 'esp') return [suite.cipher, suite.keyBits, suite.integrity].join();
  return [suite.integrity, suite.integrityKeyBytes].join();
}
