import { type PacketBatch, PacketFlag } from '../../packet/packet-batch.js';
import type { FlowSummary, MigrationSummary } from '../analysis-summary.js';
import type { Detector, DetectorType, FindingContext } from './detector.js';
import type { Finding, FindingEvidence } from './finding.js';
import { counted } from './sa-finding.js';
import { MAX_PLACES, referenceTo } from './sightings.js';
import { type Opening, type OpeningsState, StreamOpenings } from './stream-openings.js';

/** One way, this much and this many times what comes back: smaller than any guest, larger than a login. */
const BULK_BYTES = 16 * 2 ** 20;
const BULK_RATIO = 20;
/** Ports that libvirt and QEMU's documentation give migrations. */
const MIGRATION_PORTS = { first: 49_152, last: 49_215, others: [4444] } as const;

/** Live migrations that can be read, and bulk transfers inside TLS and SSH that may be one. */
class MigrationFindings implements Detector<OpeningsState> {
  readonly flags = PacketFlag.tcp;
  readonly state: OpeningsState;
  private readonly streams: StreamOpenings;

  constructor(fileIndex: number) {
    this.streams = new StreamOpenings(fileIndex);
    this.state = this.streams.state;
  }

  add(batch: PacketBatch, from: number, to: number): void {
    this.streams.add(batch, from, to);
  }

  merge(later: OpeningsState, framesBefore: number): void {
    this.streams.merge(later, framesBefore);
  }

  findings(context: FindingContext): Finding[] {
    const { openings } = this.state;
    return [
      ...context.summary.migrations.flatMap((migration) => readable(migration, openings, context)),
      ...tunnelled('tls', openings, context),
      ...tunnelled('ssh', openings, context),
    ];
  }
}

/** Readable where packets went in the clear, or under AH alone. */
function readable(
  migration: MigrationSummary,
  openings: readonly Opening[],
  context: FindingContext,
): Finding[] {
  const sum = (transport: 'clear' | 'ah' | 'esp' | 'ahEsp') =>
    migration.connections.reduce((total, { packets }) => total + packets[transport], 0);
  const clear = sum('clear');
  const ah = sum('ah');
  const total = clear + ah + sum('esp') + sum('ahEsp');
  if (clear + ah === 0) return [];
  const isClear = clear > 0;
  const share = clear + ah === total ? 'All' : `${clear + ah} of`;
  return [
    {
      id: isClear ? 'clear-migration' : 'ah-migration',
      severity: 'high',
      title: isClear ? 'A live migration in clear text' : 'A live migration that AH does not hide',
      evidence: {
        facts: `${share} ${counted(total, 'packet')} with ${migration.streamBytes} bytes of a guest's memory and state can be read${describeConnections(migration)}.`,
        ...endpointsOf(migration),
        count: clear + ah,
        firstTimeNs: migration.startNs,
        lastTimeNs: migration.endNs,
        packets: openingsOf(migration, openings, context),
      },
      meaning: isClear
        ? 'Whoever is on the way has the guest’s memory: passwords, keys, documents. Who can change packets can change the guest.'
        : 'Nobody can change the guest on the way, but whoever listens has its memory: passwords, keys, documents.',
      remedy:
        'Protect migrations with IPsec in ESP between the hosts (tare plan says what it costs), or with QEMU’s TLS, and change what was in the guest’s memory.',
    },
  ];
}

function describeConnections({ connections, channels }: MigrationSummary): string {
  return channels > 0 ? `, on ${counted(connections.length, 'connection')} (multifd)` : '';
}

function endpointsOf({ connections }: MigrationSummary): Pick<FindingEvidence, 'source' | 'destination'> {
  const [main] = connections;
  if (main === undefined) return { source: null, destination: null };
  return {
    source: `${main.source} port ${main.sourcePort}`,
    destination: `${main.destination} port ${main.destinationPort}`,
  };
}

/** Where its streams begin, as far as that was captured. */
function openingsOf(
  { connections }: MigrationSummary,
  openings: readonly Opening[],
  { paths }: FindingContext,
): FindingEvidence['packets'] {
  return openings
    .filter(
      (opening) =>
        opening.kind === 'migration' &&
        connections.some((connection) => isSameConnection(connection, opening)),
    )
    .slice(0, MAX_PLACES)
    .map(({ place }) => referenceTo(place, paths));
}

interface Connection {
  source: string;
  destination: string;
  sourcePort: number | null;
  destinationPort: number | null;
}

function isSameConnection(a: Connection, b: Connection): boolean {
  return (
    a.source === b.source &&
    a.destination === b.destination &&
    a.sourcePort === b.sourcePort &&
    a.destinationPort === b.destinationPort
  );
}

/** Connections with one opening, to one port of one host, that together carry as much as a guest. */
function tunnelled(kind: 'tls' | 'ssh', openings: readonly Opening[], context: FindingContext): Finding[] {
  const { flows } = context.summary;
  const groups = new Map<string, { openings: Opening[]; sent: FlowSummary[]; returned: number }>();
  for (const opening of openings) {
    if (opening.kind !== kind || (kind === 'tls' && !isMigrationPort(opening.destinationPort))) continue;
    const sent = flows.find((flow) => isSameConnection(flow, opening));
    const back = flows.find((flow) => isSameConnection(flow, turnedAround(opening)));
    if (sent === undefined) continue;
    const key = `${opening.source} ${opening.destination} ${opening.destinationPort}`;
    const group = groups.get(key) ?? { openings: [], sent: [], returned: 0 };
    groups.set(key, group);
    group.openings.push(opening);
    if (group.sent.includes(sent)) continue;
    group.sent.push(sent);
    group.returned += back?.payloadBytes ?? 0;
  }
  return [...groups.values()].flatMap((group) => {
    const bytes = group.sent.reduce((sum, { payloadBytes }) => sum + payloadBytes, 0);
    if (bytes < BULK_BYTES || bytes < group.returned * BULK_RATIO) return [];
    return [tunnelledFinding(kind, group.openings, group.sent, bytes, context)];
  });
}

function isMigrationPort(port: number): boolean {
  const { first, last, others } = MIGRATION_PORTS;
  return (port >= first && port <= last) || others.some((other) => other === port);
}

function turnedAround({ source, destination, sourcePort, destinationPort }: Opening): Connection {
  return {
    source: destination,
    destination: source,
    sourcePort: destinationPort,
    destinationPort: sourcePort,
  };
}

function tunnelledFinding(
  kind: 'tls' | 'ssh',
  openings: readonly Opening[],
  flows: readonly FlowSummary[],
  bytes: number,
  { paths }: FindingContext,
): Finding {
  const { source, destination, destinationPort } = openings[0]!;
  const name = kind.toUpperCase();
  return {
    id: `${kind}-migration`,
    severity: 'info',
    title: `A bulk transfer inside ${name} that may be a live migration`,
    evidence: {
      facts: `${bytes} bytes one way on ${counted(flows.length, `${name} connection`)}.`,
      source,
      destination: `${destination} port ${destinationPort}`,
      count: flows.reduce((sum, { packets }) => sum + packets, 0),
      firstTimeNs: flows[0]!.firstTimeNs,
      lastTimeNs: flows.at(-1)!.lastTimeNs,
      packets: openings.slice(0, MAX_PLACES).map(({ place }) => referenceTo(place, paths)),
    },
    meaning: `${name} hides what is inside: it may be a migration (${kind === 'tls' ? 'QEMU with tls-creds, on a port that migrations use' : 'libvirt over qemu+ssh, or through a forwarded port'}) or any other transfer. Addresses, sizes and rhythm show.`,
    remedy: 'Nothing if it is meant to be so. Tare cannot look inside.',
  };
}

/** Live migrations, on any port. */
export const migrationFindings: DetectorType = {
  ids: ['clear-migration', 'ah-migration', 'tls-migration', 'ssh-migration'],
  looksFor: 'live migrations that can be read',
  create: (fileIndex) => new MigrationFindings(fileIndex),
};
