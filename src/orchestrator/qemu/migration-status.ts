/** What `query-migrate` says, with the same units as everywhere here. Fields that a version of QEMU does not have are 0. */
export interface MigrationStatus {
  /** `none`, `setup`, `active`, `completed`... (QEMU's `MigrationStatus`). */
  readonly status: string;
  readonly totalTimeMs: number;
  readonly downtimeMs: number | null;
  readonly expectedDowntimeMs: number | null;
  readonly setupTimeMs: number;
  /** Null before it is active, and again when it was cancelled. */
  readonly ram: RamStatus | null;
  /** Share of its time that auto-converge takes from the guest, percent. */
  readonly throttlePercent: number;
  readonly errorDescription: string | null;
}

export interface RamStatus {
  /**
   * Bytes. RAM with its framing until QEMU 8; what was sent at all in later versions.
   */
  readonly transferred: number;
  /** Bytes known to be dirty and not sent. */
  readonly remaining: number;
  readonly total: number;
  readonly zeroPages: number;
  readonly normalPages: number;
  readonly dirtySyncCount: number;
  readonly dirtyPagesPerSecond: number;
  readonly pageBytes: number;
  readonly precopyBytes: number;
  readonly downtimeBytes: number;
  readonly postcopyBytes: number;
  readonly multifdBytes: number;
}

/** @param value as `query-migrate` returned it; an empty object before the first migration */
export function parseMigrationStatus(value: unknown): MigrationStatus {
  const info = asRecord(value);
  const optional = (key: string): number | null => (typeof info[key] === 'number' ? info[key] : null);
  return {
    status: typeof info['status'] === 'string' ? info['status'] : 'none',
    totalTimeMs: optional('total-time') ?? 0,
    downtimeMs: optional('downtime'),
    expectedDowntimeMs: optional('expected-downtime'),
    setupTimeMs: optional('setup-time') ?? 0,
    ram: info['ram'] === undefined ? null : parseRam(asRecord(info['ram'])),
    throttlePercent: optional('cpu-throttle-percentage') ?? 0,
    errorDescription: typeof info['error-desc'] === 'string' ? info['error-desc'] : null,
  };
}

function parseRam(ram: Readonly<Record<string, unknown>>): RamStatus {
  const number = (key: string): number => (typeof ram[key] === 'number' ? ram[key] : 0);
  return {
    transferred: number('transferred'),
    remaining: number('remaining'),
    total: number('total'),
    zeroPages: number('duplicate'),
    normalPages: number('normal'),
    dirtySyncCount: number('dirty-sync-count'),
    dirtyPagesPerSecond: number('dirty-pages-rate'),
    pageBytes: number('page-size') || 4096,
    precopyBytes: number('precopy-bytes'),
    downtimeBytes: number('downtime-bytes'),
    postcopyBytes: number('postcopy-bytes'),
    multifdBytes: number('multifd-bytes'),
  };
}

/**
 * Whether nothing more will come of it. `completed` with no time taken is read in the instant of completion, before the
 * figures are there: read again.
 */
export function isOver({ status, totalTimeMs }: MigrationStatus): boolean {
  return (status === 'completed' && totalTimeMs > 0) || status === 'failed' || status === 'cancelled';
}

/** After that the source has no longer all of the memory that counts: there is no way back. */
export function isPostcopy({ status }: MigrationStatus): boolean {
  return status.startsWith('postcopy-');
}

function asRecord(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}
