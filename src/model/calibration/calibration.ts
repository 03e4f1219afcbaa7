import * as z from 'zod';

/**
 * What processors pay on a kind of machine: the only fitted numbers of the models. The file format is `tare.calibration/1`; all
 * times are nanoseconds of one core that does nothing else.
 */
const nanoseconds = z.number().nonnegative();

/** Affine in the size: so much for each packet, so much for each byte of TCP payload. */
const packetCosts = z.strictObject({ packetNs: nanoseconds, byteNs: nanoseconds });

/** What a suite adds to traffic in the clear. */
const suiteCosts = z.strictObject({
  /** strongSwan's name. Truncation of the ICV, mode and UDP encapsulation are not told apart: they cost the same. */
  suite: z.string().min(1),
  send: packetCosts,
  receive: packetCosts,
  /** `measured` end to end, or `composed` of the cipher's speed and what IPsec costs besides. */
  basis: z.enum(['measured', 'composed']),
});

/**
 * Of QEMU's writes to an empty socket, the share (0 to 1) that end with a segment of their own, less than full; the end of the
 * others waits for the next write (`tcp_autocorking`). Under IPsec hardly any were seen to: something mostly waits. Absent: all of
 * them.
 */
const shortEnds = z.strictObject({
  clear: z.number().min(0).max(1),
  protected: z.number().min(0).max(1),
});

const sourceQemu = z.strictObject({
  /** A page with content: found, listed, and copied into the socket. */
  pageNs: nanoseconds,
  /** A page found to be zero. */
  zeroPageNs: nanoseconds,
  /** Of `pageNs`, what multifd leaves to the migration thread; the rest is the connection's own work. */
  queuePageNs: nanoseconds,
  deviceStateNs: nanoseconds,
});

const destinationQemu = z.strictObject({
  /** A page with content: read from the socket and stored. */
  pageNs: nanoseconds,
  zeroPageNs: nanoseconds,
  deviceStateNs: nanoseconds,
});

const qemuCosts = z.strictObject({
  source: sourceQemu,
  destination: destinationQemu,
  /** Wall-clock time from the command to the thread's first work. */
  connectNs: nanoseconds,
  /** Wall-clock time of preparing devices and dirty logging: fixed, and for each page of RAM. */
  setupNs: nanoseconds,
  setupPageNs: nanoseconds,
  /** Wall-clock time of stopping the guest. */
  stopNs: nanoseconds,
  /** Fetching the dirty log: fixed, and for each page of RAM. */
  synchroniseNs: nanoseconds,
  synchronisePageNs: nanoseconds,
});

export const calibrationSchema = z.strictObject({
  schema: z.literal('tare.calibration/1'),
  name: z.string().min(1),
  description: z.string(),
  origin: z.strictObject({
    machine: z.string(),
    cpu: z.string(),
    kernel: z.string(),
    qemu: z.string(),
    /** Year-month-day. */
    date: z.string(),
    /** How it was measured, and what was assumed. */
    method: z.string(),
  }),
  qemu: qemuCosts,
  /** TCP and IP in the clear, system calls left out: they are in QEMU's costs. */
  tcp: z.strictObject({
    send: packetCosts,
    receive: packetCosts,
    shortEnds: shortEnds.optional(),
  }),
  esp: z.array(suiteCosts),
  ah: z.array(suiteCosts),
  /** What AH around ESP does only once of what either does alone, for each packet in either direction. Absent: nothing. */
  sharedNs: nanoseconds.optional(),
  /**
   * What a write of the guest takes of the source's core, where that has only one. What a guest that writes nothing takes is in
   * all costs that were measured beside one. Absent: nothing, and `cpuShare` of the scenario's source says all.
   */
  guestWriteNs: nanoseconds.optional(),
});

export type Calibration = z.infer<typeof calibrationSchema>;
export type ShortEnds = z.infer<typeof shortEnds>;
export type PacketCosts = z.infer<typeof packetCosts>;
export type SuiteCosts = z.infer<typeof suiteCosts>;

/** A calibration that cannot be used. The message names file and field. */
export class CalibrationError extends Error {
  override readonly name = 'CalibrationError';
  /** Of the file that is none; null where nothing is wrong with a file. */
  readonly path: string | null;

  constructor(message: string, { path, ...options }: ErrorOptions & { readonly path?: string } = {}) {
    super(message, options);
    this.path = path ?? null;
  }
}

/**
 * @param where file name, for messages
 * @throws CalibrationError naming the first field that is wrong
 */
export function parseCalibration(value: unknown, where: string): Calibration {
  const result = calibrationSchema.safeParse(value);
  if (result.success) return result.data;
  const { path, message } = result.error.issues[0]!;
  const field = path.length === 0 ? 'the file' : path.join('.');
  throw new CalibrationError(`${where}: ${field}: ${message}`, { path: where });
}
