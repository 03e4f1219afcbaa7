import type { MigrationRecord } from './migration-record.js';

/** How far a migration has got, as plain data. Times are nanoseconds since 1970. */
export interface MigrationProgress extends Pick<MigrationRecord, 'transport' | 'startNs' | 'streamBytes'> {
  /** 1, 2, 3... in the order in which they began. */
  id: number;
  source: string;
  destination: string;
  destinationPort: number;
  /** Multifd channels. */
  channels: number;
  /** Latest byte of any of its streams. */
  lastNs: bigint;
  /** The stream told its end. */
  isEnded: boolean;
  stage: 'setup' | 'precopy' | 'stopAndCopy' | 'postcopy' | 'device';
  /** Of all RAM blocks; 0 if their list was not seen. */
  memoryBytes: number;
  /** Passes over memory that began, as the record will have them. */
  iterations: { startNs: bigint; durationNs: number; bytes: number }[];
  /** Share of memory, 0..1, that the scan of the last pass has come past; null where memory is not scanned in order. */
  scannedShare: number | null;
}
