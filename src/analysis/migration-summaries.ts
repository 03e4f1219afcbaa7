import type { MigrationConnection, MigrationRecord } from '../migration/migration-record.js';
import type {
  FlowSummary,
  MigrationConnectionSummary,
  MigrationSummary,
  TransportClass,
} from './analysis-summary.js';

/** Least protection first. */
const TRANSPORTS: readonly TransportClass[] = ['clear', 'ah', 'esp', 'ahEsp'];

/**
 * What the streams said, as plain data, with what protected the packets that carried them.
 * @param flows of the same packets
 */
export function summarizeMigrations(
  records: readonly MigrationRecord[],
  flows: readonly FlowSummary[],
): MigrationSummary[] {
  if (records.length === 0) return [];
  const transports = new Map(
    flows.filter(({ protocol }) => protocol === 'tcp').map((flow) => [endpointsKey(flow), transportOf(flow)]),
  );
  return records.map((record) => summarizeMigration(record, transports));
}

function summarizeMigration(
  record: MigrationRecord,
  transports: ReadonlyMap<string, TransportClass | null>,
): MigrationSummary {
  const connections = record.connections.map((connection) => summarizeConnection(connection, transports));
  return {
    transport: leastProtected(connections),
    channels: connections.filter(({ role }) => role === 'multifd').length,
    startNs: String(record.startNs),
    endNs: String(record.endNs),
    streamBytes: record.streamBytes,
    normalPages: record.normalPages,
    zeroPages: record.zeroPages,
    iterations: record.iterations.map((iteration) => ({
      index: iteration.index,
      stage: iteration.stage,
      startNs: String(iteration.startNs),
      durationNs: iteration.durationNs,
      normalPages: iteration.normalPages,
      zeroPages: iteration.zeroPages,
      resentPages: iteration.resentPages,
      bytes: iteration.bytes,
      sections: iteration.sections,
    })),
    downtimeMs: record.downtimeNs === null ? null : record.downtimeNs / 1e6,
    complete: record.complete,
    machine: record.machine,
    connections,
    ramBytes: record.ramBytes,
    pageBytes: record.pageBytes,
    blocks: record.blocks,
    xbzrlePages: record.xbzrlePages,
    compressedPages: record.compressedPages,
    setup: record.setup,
    deviceState: record.deviceState,
    ramSections: record.ramSections,
    gaps: record.gaps,
    hotPages: record.hotPages,
    pagesBySends: record.pagesBySends,
  };
}

function summarizeConnection(
  connection: MigrationConnection,
  transports: ReadonlyMap<string, TransportClass | null>,
): MigrationConnectionSummary {
  const { role, source, destination, sourcePort, destinationPort, streamBytes } = connection;
  const transport = transports.get(endpointsKey(connection)) ?? null;
  return { role, source, destination, sourcePort, destinationPort, streamBytes, transport };
}

function endpointsKey(
  ends: Pick<FlowSummary, 'source' | 'sourcePort' | 'destination' | 'destinationPort'>,
): string {
  return `${ends.source} ${ends.sourcePort} ${ends.destination} ${ends.destinationPort}`;
}

function transportOf({ protection }: FlowSummary): TransportClass | null {
  return TRANSPORTS.find((transport) => transport === protection) ?? null;
}

function leastProtected(connections: readonly MigrationConnectionSummary[]): TransportClass | null {
  if (connections.some(({ transport }) => transport === null)) return null;
  return TRANSPORTS.find((each) => connections.some(({ transport }) => transport === each)) ?? null;
}
