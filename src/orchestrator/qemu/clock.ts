/**
 * Milliseconds since 1970 by a clock of this process that never jumps: differences are true, whatever happens to the system's
 * clock meanwhile.
 */
export function nowMs(): number {
  return performance.timeOrigin + performance.now();
}
