import { Counter, Gauge, type Registry } from 'prom-client';
import type { LiveSnapshot } from '../monitor/live-snapshot.js';

/** One line of a metric: its labels and its value. */
export interface MetricSample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** A metric, and where a snapshot says its values. */
interface MetricFamily {
  readonly name: string;
  readonly type: 'counter' | 'gauge';
  readonly help: string;
  readonly labels: readonly string[];
  readonly samples: (snapshot: LiveSnapshot) => readonly MetricSample[];
}

const SA_LABELS = ['protocol', 'spi', 'source', 'destination'] as const;
const MIGRATION_LABELS = ['migration', 'source', 'destination', 'port'] as const;

/*
 * Cardinality. Labels with few values: protection, drops, states, findings. SAs and migrations come and go: only those that a
 * snapshot lists have series, at most 64 and 32 at a time. Addresses, SPIs and suites come from packets; prom-client escapes
 * label values.
 */
const FAMILIES: readonly MetricFamily[] = [
  one('gauge', 'tare_capture_start_time_seconds', 'When the capture began, since 1970.', ({ startNs }) =>
    seconds(startNs),
  ),
  one('gauge', 'tare_snapshot_time_seconds', 'When these figures were taken, since 1970.', ({ timeNs }) =>
    seconds(timeNs),
  ),
  one('counter', 'tare_frames_total', 'Frames that the capture took.', ({ frames }) => frames.total),
  one('counter', 'tare_malformed_frames_total', 'Frames with a malformed header.', ({ frames }) => {
    return frames.malformed;
  }),
  one(
    'counter',
    'tare_decapsulated_copies_total',
    'Frames that the kernel took out of IPsec and showed a second time; never on the wire.',
    ({ frames }) => frames.decapsulatedCopies,
  ),
  one(
    'counter',
    'tare_super_frames_total',
    'Frames larger than the link carries, made by segmentation or receive offload; not counted as wire traffic.',
    ({ frames }) => frames.superFrames,
  ),
  {
    name: 'tare_dropped_frames_total',
    type: 'counter',
    help: 'Frames that were lost while capturing, by where.',
    labels: ['where'],
    samples: ({ drops }) => Object.entries(drops).map(([where, value]) => ({ labels: { where }, value })),
  },
  one(
    'counter',
    'tare_frames_not_analysed_total',
    'Frames that were written to the file and not analysed, because more came than could be.',
    ({ notAnalysed }) => notAnalysed,
  ),
  {
    name: 'tare_wire_packets_total',
    type: 'counter',
    help: 'Packets on the wire by what protected them.',
    labels: ['protection'],
    samples: ({ total }) =>
      Object.entries(total.protection).map(([protection, { packets }]) => ({
        labels: { protection },
        value: packets,
      })),
  },
  {
    name: 'tare_wire_bytes_total',
    type: 'counter',
    help: 'Bytes on the wire, link headers included, by what protected them.',
    labels: ['protection'],
    samples: ({ total }) =>
      Object.entries(total.protection).map(([protection, { bytes }]) => ({
        labels: { protection },
        value: bytes,
      })),
  },
  one(
    'counter',
    'tare_ipsec_overhead_bytes_total',
    'Of the bytes on the wire, those that are there because of IPsec. Estimated for ESP that stays closed.',
    ({ total }) => total.ipsecBytes,
  ),
  one(
    'counter',
    'tare_goodput_bytes_total',
    'Bytes that transports carried, each once. In ESP that stays closed transport headers are among them.',
    ({ total }) => total.goodputBytes,
  ),
  one(
    'gauge',
    'tare_security_associations',
    'IPsec security associations seen since the capture began.',
    ({ securityAssociations }) => securityAssociations.count,
  ),
  one(
    'gauge',
    'tare_security_associations_listed',
    'Security associations that have series of their own: the busiest.',
    ({ securityAssociations }) => securityAssociations.busiest.length,
  ),
  ofAssociations(
    'counter',
    'tare_sa_packets_total',
    'Packets of a security association.',
    (sa) => sa.packets,
  ),
  ofAssociations(
    'counter',
    'tare_sa_bytes_total',
    'Bytes on the wire of the packets of a security association.',
    (sa) => sa.bytes,
  ),
  ofAssociations(
    'gauge',
    'tare_sa_missing_packets',
    'Sequence numbers of a security association that were left out up to now: packets lost, or late.',
    (sa) => sa.sequence.missing,
  ),
  ofAssociations(
    'counter',
    'tare_sa_duplicate_packets_total',
    'Packets of a security association with a sequence number that had been seen.',
    (sa) => sa.sequence.duplicate,
  ),
  ofAssociations(
    'gauge',
    'tare_sa_sequence_numbers_left',
    'Sequence numbers left until the 32 bits in the packets wrap.',
    (sa) => sa.sequence.untilWrap,
  ),
  ofAssociations(
    'counter',
    'tare_sa_integrity_failures_total',
    'Packets of a security association whose ICV was wrong. Checked where keys are given.',
    (sa) => sa.integrity.failed,
  ),
  {
    name: 'tare_migrations',
    type: 'gauge',
    help: 'Live migrations that could be read, by state; those that ended a minute ago or more are left out.',
    labels: ['state'],
    samples: ({ migrations }) =>
      (['running', 'silent', 'ended'] as const).map((state) => ({
        labels: { state },
        value: migrations.filter((migration) => migration.state === state).length,
      })),
  },
  ofMigrations(
    'counter',
    'tare_migration_stream_bytes_total',
    'Bytes of all streams of a migration.',
    ({ streamBytes }) => streamBytes,
  ),
  ofMigrations(
    'gauge',
    'tare_migration_memory_bytes',
    "The guest's memory.",
    ({ memoryBytes }) => memoryBytes,
  ),
  ofMigrations(
    'gauge',
    'tare_migration_iteration',
    'Passes over memory that a migration began.',
    ({ iteration }) => iteration,
  ),
  ofMigrations(
    'gauge',
    'tare_migration_pass_ratio',
    'How far the pass under way has got, 0 to 1.',
    ({ passShare }) => passShare,
  ),
  ofMigrations(
    'gauge',
    'tare_migration_left_seconds',
    'Estimate of the time until a migration is through; absent where nothing says.',
    ({ secondsLeft }) => secondsLeft,
  ),
  {
    name: 'tare_findings',
    type: 'gauge',
    help: 'What was found suspicious, by kind and severity.',
    labels: ['finding', 'severity'],
    samples: ({ findings }) => countFindings(findings),
  },
];

function one(
  type: MetricFamily['type'],
  name: string,
  help: string,
  value: (snapshot: LiveSnapshot) => number,
): MetricFamily {
  return { name, type, help, labels: [], samples: (snapshot) => [{ labels: {}, value: value(snapshot) }] };
}

function ofAssociations(
  type: MetricFamily['type'],
  name: string,
  help: string,
  value: (sa: LiveSnapshot['securityAssociations']['busiest'][number]) => number,
): MetricFamily {
  return {
    name,
    type,
    help,
    labels: SA_LABELS,
    samples: ({ securityAssociations }) =>
      securityAssociations.busiest.map((sa) => ({
        labels: { protocol: sa.protocol, spi: sa.spi, source: sa.source, destination: sa.destination },
        value: value(sa),
      })),
  };
}

/** @param value null where nothing is known: then there is no series */
function ofMigrations(
  type: MetricFamily['type'],
  name: string,
  help: string,
  value: (migration: LiveSnapshot['migrations'][number]) => number | null,
): MetricFamily {
  return {
    name,
    type,
    help,
    labels: MIGRATION_LABELS,
    samples: ({ migrations }) =>
      migrations.flatMap((migration) => {
        const number = value(migration);
        if (number === null) return [];
        const { id, source, destination, destinationPort } = migration;
        const labels = { migration: String(id), source, destination, port: String(destinationPort) };
        return [{ labels, value: number }];
      }),
  };
}

function countFindings(findings: LiveSnapshot['findings']): MetricSample[] {
  const kinds = new Map<string, { labels: { finding: string; severity: string }; value: number }>();
  for (const { id, severity } of findings) {
    const key = `${id} ${severity}`;
    const kind = kinds.get(key) ?? { labels: { finding: id, severity }, value: 0 };
    kinds.set(key, kind);
    kind.value += 1;
  }
  return [...kinds.values()];
}

function seconds(ns: string): number {
  return Number(BigInt(ns) / 1_000_000n) / 1e3;
}

/** Names of all metrics, for who writes queries. */
export const METRIC_NAMES: readonly string[] = FAMILIES.map(({ name }) => name);

/** The metrics of one registry. */
export class SnapshotMetrics {
  private readonly metrics: { readonly family: MetricFamily; readonly metric: Counter | Gauge }[];
  /** Of counters: the highest value of each series, which goes back never. */
  private highest = new Map<string, number>();

  constructor(registry: Registry) {
    this.metrics = FAMILIES.map((family) => {
      const { name, help, labels } = family;
      const options = { name, help, labelNames: [...labels], registers: [registry] };
      return { family, metric: family.type === 'counter' ? new Counter(options) : new Gauge(options) };
    });
  }

  /** Takes the values of a snapshot; series that it does not have end. */
  update(snapshot: LiveSnapshot): void {
    const highest = new Map<string, number>();
    for (const { family, metric } of this.metrics) {
      metric.reset();
      for (const { labels, value } of family.samples(snapshot)) {
        if (metric instanceof Gauge) {
          metric.set(labels, value);
          continue;
        }
        const key = `${family.name} ${JSON.stringify(labels)}`;
        const total = Math.max(value, this.highest.get(key) ?? 0);
        highest.set(key, total);
        metric.inc(labels, total);
      }
    }
    this.highest = highest;
  }
}
