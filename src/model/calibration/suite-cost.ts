import { parseAhSuite, parseEspSuite } from '../../ipsec/suite.js';
import type { AhSuite, EspSuite } from '../../ipsec/suite-table.js';
import { type Calibration, CalibrationError, type SuiteCosts } from './calibration.js';

/**
 * What a suite adds, from a calibration. Suites that differ in the length of the ICV alone cost the same: it is cut off what was
 * computed anyway.
 * @throws CalibrationError listing what is calibrated: costs of ciphers differ too much to take the next best one's
 */
export function suiteCost(calibration: Calibration, suite: EspSuite | AhSuite): SuiteCosts {
  const found = indexOf(calibration).get(workOf(suite));
  if (found !== undefined) return found;
  const isEsp = suite.protocol === 'esp';
  const names = calibration[suite.protocol].map((each) => each.suite).join(', ') || 'none';
  throw new CalibrationError(
    `calibration ${calibration.name} has no costs of ${isEsp ? 'ESP' : 'AH'} ${suite.name}: it has ${names}. ` +
      'Take one of these, another calibration, or measure it',
  );
}

/** Suites of a calibration by what is done for them; a sweep asks for the same one thousands of times. */
const indexes = new WeakMap<Calibration, Map<string, SuiteCosts>>();

function indexOf(calibration: Calibration): Map<string, SuiteCosts> {
  const known = indexes.get(calibration);
  if (known !== undefined) return known;
  const index = new Map<string, SuiteCosts>([
    ...calibration.esp.map((costs) => [workOf(parseEspSuite(costs.suite)), costs] as const),
    ...calibration.ah.map((costs) => [workOf(parseAhSuite(costs.suite)), costs] as const),
  ]);
  indexes.set(calibration, index);
  return index;
}

/** What a processor does for a suite: cipher, key length and integrity algorithm. */
function workOf(suite: EspSuite | AhSuite): string {
  if (suite.protocol === 'esp') return `esp ${suite.cipher} ${suite.keyBits} ${suite.integrity}`;
  return `ah ${suite.integrity} ${suite.integrityKeyBytes}`;
}
