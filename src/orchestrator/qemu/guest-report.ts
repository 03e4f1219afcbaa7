/** What the guest says of itself on its serial port, once a second. All count modulo 2^32. */
export interface GuestReport {
  /** Of the guest's own clock since it has filled its memory. */
  readonly seconds: number;
  /** Pages written to. */
  readonly writes: number;
  /** Pages read back and compared, one after the other, over and over. */
  readonly verified: number;
  /** Of those, pages that did not hold what they should. */
  readonly errors: number;
}

const LINE = /^t=([0-9a-f]{8}) w=([0-9a-f]{8}) v=([0-9a-f]{8}) e=([0-9a-f]{8})$/i;

/**
 * @param serial all that came from the serial port; the last line may be torn, and the firmware may have written before
 * @returns in the order in which they came
 */
export function parseGuestReports(serial: string): GuestReport[] {
  const lines = serial.split('\n').slice(0, -1);
  return lines.flatMap((line) => {
    const found = LINE.exec(line.trim());
    if (found === null) return [];
    const [seconds = 0, writes = 0, verified = 0, errors = 0] = found
      .slice(1)
      .map((hex) => Number.parseInt(hex, 16));
    return [{ seconds, writes, verified, errors }];
  });
}
