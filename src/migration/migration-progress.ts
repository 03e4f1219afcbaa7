import type { MigrationRecord } from './migration-record.js';

/** How far a migration has got, as plain data. */
export interface MigrationProgress {
  /** 1, 2, 3... in the order in which they began. */
  id: number;
  /** What it has said up to now, but for what the pages sent again tell: that is empty. */
  record: MigrationRecord;
  /** The stream told its end. */
  isEnded: boolean;
  stage: 'setup' | 'precopy' | 'stopAndCopy' | 'postcopy' | 'device';
  /** Of all RAM blocks; 0 if their list was not seen. */
  memoryBytes: number;
  /** Share of memory, 0..1, that the scan of the last pass has come past; null where memory is not scanned in order. */
  scannedShare: number | null;
}
