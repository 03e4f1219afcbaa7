import type { Calibration } from '../calibration.js';
import { LAB_NAMESPACES, LAB_TCG } from './lab-calibrations.js';

/** Calibrations that come with Tare. */
export const SHIPPED_CALIBRATIONS: readonly Calibration[] = [LAB_NAMESPACES, LAB_TCG];
