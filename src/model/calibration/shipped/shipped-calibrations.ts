import type { Calibration } from '../calibration.js';
import { LAB_NAMESPACES, LAB_TCG } from './lab-calibrations.js';
import { REFERENCE } from './reference.js';

/** Calibrations that come with Tare. */
export const SHIPPED_CALIBRATIONS: readonly Calibration[] = [REFERENCE, LAB_TCG, LAB_NAMESPACES];
