import { closeSync, openSync, readSync } from 'node:fs';
import { getSystemErrorMap } from 'node:util';
import { type Calibration, CalibrationError, parseCalibration } from './calibration.js';
import { SHIPPED_CALIBRATIONS } from './shipped/shipped-calibrations.js';

/** Far above any calibration: a capture or a device given by mistake is not read to its end. */
const MAX_BYTES = 4 * 1024 * 1024;

/** Names of the calibrations that come with Tare. */
export function calibrationNames(): string[] {
  return SHIPPED_CALIBRATIONS.map(({ name }) => name);
}

/**
 * A calibration that comes with Tare, or the one in a file.
 * @param nameOrPath a name without slash and dot is looked up; anything else is a path
 * @throws CalibrationError if there is none, or the file is no calibration
 */
export function loadCalibration(nameOrPath: string): Calibration {
  const shipped = SHIPPED_CALIBRATIONS.find(({ name }) => name === nameOrPath);
  if (shipped !== undefined) return shipped;
  if (!/[./]/.test(nameOrPath)) {
    throw new CalibrationError(
      `there is no calibration ${JSON.stringify(nameOrPath)}: take ${calibrationNames().join(', ')}, or give a file`,
    );
  }
  return parseCalibration(readJson(nameOrPath), nameOrPath);
}

function readJson(path: string): unknown {
  const text = readText(path);
  try {
    return JSON.parse(text);
  } catch {
    // The parser's own message quotes the file, which may be one of keys given by mistake
    throw new CalibrationError(`${path}: no calibration can be read: it is not JSON`, { path });
  }
}

function readText(path: string): string {
  try {
    return readBeginning(path);
  } catch (error) {
    const { errno = 0, message } = error as NodeJS.ErrnoException;
    const reason = getSystemErrorMap().get(errno)?.[1] ?? message;
    throw new CalibrationError(`${path}: no calibration can be read: ${reason}`, { path, cause: error });
  }
}

function readBeginning(path: string): string {
  const file = openSync(path, 'r');
  try {
    const buffer = Buffer.alloc(MAX_BYTES);
    let [end, read] = [0, 0];
    do {
      read = readSync(file, buffer, end, MAX_BYTES - end, null);
      end += read;
    } while (read > 0 && end < MAX_BYTES);
    return buffer.toString('utf8', 0, end);
  } finally {
    closeSync(file);
  }
}
