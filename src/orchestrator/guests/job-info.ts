import type { MigrationStatus } from '../qemu/migration-status.js';

/**
 * What `virsh domjobinfo --rawstats` prints, as `query-migrate` would have told it. Names are those of libvirt's
 * VIR_DOMAIN_JOB_* parameters (include/libvirt/libvirt-domain.h), times are milliseconds.
 * @returns null while QEMU has not begun, and for anything else
 */
export function parseJobInfo(text: string): MigrationStatus | null {
  const fields = new Map(
    [...text.matchAll(/^(\w+): (\d+)$/gm)].map(([, name, value]) => [name, Number(value)]),
  );
  const number = (name: string): number => fields.get(name) ?? 0;
  if (number('memory_total') === 0) return null;
  const transferred = number('memory_processed');
  const bytesPerSecond = number('memory_bps');
  const setupTimeMs = number('setup_time');
  return {
    status: 'active',
    // libvirt's own clock also counts how long it prepared both sides. The rate is QEMU's: what was sent, by the time it took.
    totalTimeMs: bytesPerSecond === 0 ? 0 : Math.round(setupTimeMs + (transferred / bytesPerSecond) * 1000),
    downtimeMs: fields.get('downtime') ?? null,
    expectedDowntimeMs: null,
    setupTimeMs,
    ram: {
      transferred,
      remaining: number('memory_remaining'),
      total: number('memory_total'),
      zeroPages: number('memory_constant'),
      normalPages: number('memory_normal'),
      dirtySyncCount: number('memory_iteration'),
      dirtyPagesPerSecond: number('memory_dirty_rate'),
      pageBytes: number('memory_page_size') || 4096,
      precopyBytes: 0,
      downtimeBytes: 0,
      postcopyBytes: 0,
      multifdBytes: 0,
    },
    throttlePercent: number('auto_converge_throttle'),
    errorDescription: null,
  };
}

/** Puts answers together that come in pieces, each ended by a line `@@`. */
export class AnswerReader {
  #rest = '';

  /** @returns answers that are whole by now */
  take(text: string): string[] {
    const parts = `${this.#rest}${text}`.split(/^@@\n/m);
    this.#rest = parts.pop() ?? '';
    return parts;
  }
}

/** @param line of `virsh event`. @returns the iteration that it tells of; null for any other */
export function parseIterationEvent(line: string): number | null {
  const [, iteration] = /'migration-iteration' .*iteration: '(\d+)'/.exec(line) ?? [];
  return iteration === undefined ? null : Number(iteration);
}
