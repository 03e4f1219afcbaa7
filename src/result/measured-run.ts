/** What only a measured run has: where it was measured, with what evidence. Optional parts of `tare.run/1`. */

export interface RunEnvironment {
  readonly source: HostEnvironment;
  readonly destination: HostEnvironment;
  /** How far the destination's clock is ahead of the source's; null if it could not be told. */
  readonly clockDifferenceMs: { readonly value: number; readonly error: number } | null;
}

export interface HostEnvironment {
  /** `uname -r`. */
  readonly kernel: string;
  readonly qemu: string;
  readonly cpu: string;
  readonly cores: number;
  /** `kvm` or `tcg`, of the guest. */
  readonly accelerator: string;
  /** Of an emulated host whose processor has a defined speed: nanoseconds of an instruction. */
  readonly instructionNs?: number;
  /** Machine type of the guest. */
  readonly machine: string;
  readonly congestionControl: string;
  /** Offloads that were switched off for the run. */
  readonly offloadsOff: readonly string[];
}

/** One requirement of a secure migration, or of a sound measurement. */
export interface RunCheck {
  readonly requirement: string;
  readonly ok: boolean;
  /** What was seen, in words with numbers. */
  readonly evidence: string;
}

/** What a host's kernel counted of IPsec during the run. */
export interface XfrmAccount {
  /** Packets dropped, by reason as in /proc/net/xfrm_stat, zeros left out; null if the kernel does not count them. */
  readonly dropped: Readonly<Record<string, number>> | null;
  readonly states: readonly XfrmStateAccount[];
}

export interface XfrmStateAccount {
  readonly protocol: string;
  readonly spi: string;
  readonly source: string;
  readonly destination: string;
  readonly bytes: number;
  readonly packets: number;
  readonly outsideWindow: number;
  readonly replayed: number;
  /** ICVs that did not verify. */
  readonly failed: number;
}

/** Kinds of processor time as proc(5) lists them for /proc/stat. `user` there holds that of guests, too. */
export const CPU_KINDS = ['user', 'nice', 'system', 'idle', 'iowait', 'irq', 'softirq', 'steal'] as const;
export type CpuKind = (typeof CPU_KINDS)[number];

/** Processor time of a host while the migration went on, seconds. */
export type CpuDetail = Readonly<Record<CpuKind, number>>;

/** A thread of QEMU; those that ended meanwhile stand together under `ended`. */
export interface ThreadCpu {
  readonly name: string;
  readonly seconds: number;
}
