/**
 * What QEMU's own work takes, in nanoseconds of wall-clock time on its host: from a calibration, already divided by the share of
 * a core that the host leaves to the migration.
 */
export interface ThreadCosts {
  /** From the command to the first byte that is put into the stream: connecting, starting the thread. */
  readonly connectNs: number;
  /** Preparing devices and dirty logging. */
  readonly setupNs: number;
  /** Stopping the guest. */
  readonly stopNs: number;
  /** Fetching the dirty log, for all pages together. */
  readonly synchroniseNs: number;
  /** Source: a page with content, found, listed and copied into the socket. */
  readonly pageNs: number;
  /** Source: a page found to be zero. */
  readonly zeroPageNs: number;
  /** Source, multifd: a page with content found and queued. Copying is the connection's own work. */
  readonly queuePageNs: number;
  /** Source, multifd: the connection's work for a page. */
  readonly connectionPageNs: number;
  /** Source: collecting the device state. */
  readonly deviceStateNs: number;
  /** Destination: a page with content, read and stored. */
  readonly storePageNs: number;
  readonly storeZeroPageNs: number;
  /** Destination: loading the device state. */
  readonly loadDeviceStateNs: number;
}
