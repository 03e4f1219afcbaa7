/** What QEMU's migration thread does next. */
export const StreamAction = {
  /** Work for `cpuNs`, then write `bytes` to the main connection; blocks while the socket is full. */
  write: 0,
  /** Work for `cpuNs`, then hand `bytes` to an idle multifd connection; blocks while none is idle. */
  handOver: 1,
  /** Sleep until `untilNs`. */
  wait: 2,
  /** All is handed over: connections close when their last byte is sent. */
  end: 3,
} as const;
export type StreamAction = (typeof StreamAction)[keyof typeof StreamAction];

/**
 * Where a simulated transfer's bytes come from. The simulation asks when the thread is free and the write before has been
 * taken by the socket whole; the answer is in the fields, so that nothing is allocated for it. Times are nanoseconds
 * since the start of the migration, integers below 2^53.
 */
export interface StreamSource {
  /** Main connection and multifd connections. */
  readonly connections: number;
  /** Asked at `nowNs`; never decreases. */
  next(nowNs: number): StreamAction;
  /** Of `write` and `handOver`, at least 1. */
  readonly bytes: number;
  /** Time of a processor before the write. */
  readonly cpuNs: number;
  /**
   * Of `handOver`: time that the connection's own thread works on these bytes before it writes them (compression, copying);
   * the thread that hands over does not wait for it. 0 for `write`.
   */
  readonly connectionNs: number;
  /** Time that the destination's process needs for these bytes once it has read them. */
  readonly destinationNs: number;
  /** Of `wait`, later than `nowNs`. */
  readonly untilNs: number;
}
