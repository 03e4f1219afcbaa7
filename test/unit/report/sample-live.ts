import type { Finding } from '../../../src/analysis/findings/finding.js';
import type {
  LiveMigration,
  LiveSecurityAssociation,
  LiveSnapshot,
  LiveTraffic,
} from '../../../src/monitor/live-snapshot.js';

const START_NS = 1_700_000_000_000_000_000n;

function traffic(bytes: number): LiveTraffic {
  const none = { packets: 0, bytes: 0 };
  const packets = Math.round(bytes / 1250);
  return {
    packets: packets + 4,
    bytes: bytes + 256,
    protection: {
      clear: { packets: 4, bytes: 256 },
      ah: none,
      esp: { packets, bytes },
      ahEsp: none,
      ike: none,
      notIp: none,
    },
    ipsecBytes: Math.round(bytes / 20),
    ipsecCertainty: 'inferred',
    goodputBytes: Math.round(bytes * 0.9),
  };
}

export function liveAssociation(
  spi: string,
  changes: Partial<LiveSecurityAssociation> = {},
): LiveSecurityAssociation {
  return {
    protocol: 'esp',
    spi,
    source: '10.9.0.1',
    destination: '10.9.0.2',
    udpEncap: false,
    mode: 'transport',
    suite: { name: 'aes128gcm16', certainty: 'inferred' },
    packets: 90_000,
    bytes: 112_500_000,
    lastTimeNs: String(START_NS + 62_000_000_000n),
    sequence: {
      first: 1,
      last: 90_012,
      missing: 12,
      duplicate: 0,
      reordered: 0,
      untilWrap: 4_294_877_283,
      wrapped: false,
    },
    integrity: { verified: 0, failed: 0, unchecked: 90_000 },
    interval: { packets: 9000, bytes: 11_250_000, missing: 2 },
    ...changes,
  };
}

export function liveMigration(id: number, changes: Partial<LiveMigration> = {}): LiveMigration {
  return {
    id,
    transport: 'clear',
    source: '10.9.0.1',
    destination: '10.9.0.2',
    destinationPort: 49_152,
    state: 'running',
    stage: 'precopy',
    iteration: 2,
    channels: 0,
    startNs: String(START_NS),
    lastTimeNs: String(START_NS + 62_000_000_000n),
    streamBytes: 1_250_000_000,
    memoryBytes: 2 ** 31,
    rateBps: 941_000_000,
    passShare: 0.45,
    passSecondsLeft: 1.2,
    secondsLeft: 7.5,
    converges: true,
    ...changes,
  };
}

export function liveFinding(changes: Partial<Finding> = {}): Finding {
  return {
    id: 'clear-migration',
    severity: 'high',
    title: 'A migration in the clear',
    evidence: {
      facts: 'Everything the guest has in memory can be read.',
      source: '10.9.0.1:40000',
      destination: '10.9.0.2:49152',
      count: 1234,
      firstTimeNs: String(START_NS),
      lastTimeNs: String(START_NS + 60_000_000_000n),
      packets: [],
    },
    meaning: '',
    remedy: '',
    ...changes,
  };
}

/** A second of a capture with one of each. */
export function liveSnapshot(changes: Partial<LiveSnapshot> = {}): LiveSnapshot {
  return {
    schema: 'tare.live/1',
    timeNs: String(START_NS + 62_000_000_000n),
    startNs: String(START_NS),
    intervalNs: 1e9,
    frames: { total: 99_000, malformed: 0, decapsulatedCopies: 0, superFrames: 0, cutBySnaplen: 0 },
    total: traffic(112_500_000),
    interval: traffic(11_250_000),
    securityAssociations: { count: 1, busiest: [liveAssociation('0x00000100')] },
    migrations: [liveMigration(1)],
    findings: [liveFinding()],
    drops: { kernel: 0, interface: 0 },
    notAnalysed: 0,
    ...changes,
  };
}
