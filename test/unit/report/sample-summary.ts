import type {
  AnalysisSummary,
  FlowSummary,
  ProtectionClass,
  ReportedLayer,
  SecurityAssociationSummary,
} from '../../../src/analysis/analysis-summary.js';

export const NO_LAYERS: Readonly<Record<ReportedLayer, number>> = {
  link: 0,
  ip: 0,
  udpEncap: 0,
  ah: 0,
  espHeader: 0,
  espIv: 0,
  espPadding: 0,
  espTrailer: 0,
  espIcv: 0,
  innerIp: 0,
  transport: 0,
  payload: 0,
  other: 0,
};

/** A summary as a capture without a packet gives. */
export function emptySummary(): AnalysisSummary {
  const none = { packets: 0, bytes: 0 };
  const classes: ProtectionClass[] = ['clear', 'ah', 'esp', 'ahEsp', 'ike', 'notIp'];
  const layers = Object.keys(NO_LAYERS) as ReportedLayer[];
  return {
    schema: 'tare.analysis/1',
    inputs: [],
    frames: {
      total: 0,
      malformed: 0,
      decapsulatedCopies: 0,
      superFrames: 0,
      superFrameBytes: 0,
      cutBySnaplen: 0,
    },
    wire: { packets: 0, bytes: 0, firstTimeNs: '0', lastTimeNs: '0' },
    bytes: Object.fromEntries(
      layers.map((layer) => [layer, { bytes: 0, certainty: 'measured' as const }]),
    ) as AnalysisSummary['bytes'],
    protection: Object.fromEntries(
      classes.map((kind) => [kind, { ...none }]),
    ) as AnalysisSummary['protection'],
    securityAssociations: [],
    fragmentation: {
      fragments: 0,
      datagrams: 0,
      incomplete: 0,
      overlaps: 0,
      overheadBytes: 0,
      packetTooBig: 0,
      packetTooBigMtus: [],
      dontFragment: { set: 0, clear: 0 },
    },
    flows: [],
    otherFlows: null,
    directions: [],
    packetSizes: [],
    timeline: null,
    migrations: [],
    errors: [],
    findings: [],
  };
}

export function sampleAssociation(
  changes: Partial<SecurityAssociationSummary> = {},
): SecurityAssociationSummary {
  return {
    protocol: 'esp',
    spi: '0x00000100',
    source: '10.9.0.1',
    destination: '10.9.0.2',
    udpEncap: false,
    mode: 'transport',
    packets: 10_000,
    bytes: 14_000_000,
    firstTimeNs: '1700000000000000000',
    lastTimeNs: '1700000001380000000',
    rateBps: 81_200_000,
    sequence: {
      first: 1,
      last: 10_000,
      missing: 0,
      duplicate: 0,
      reordered: 0,
      untilWrap: 4_294_957_295,
      wrapped: false,
    },
    suite: {
      name: 'aes128gcm16',
      certainty: 'inferred',
      candidates: [{ name: 'aes128gcm16', ivBytes: 8, icvBytes: 16, alignmentBytes: 4, likelihood: 0.97 }],
    },
    integrity: { verified: 0, failed: 0, unchecked: 10_000 },
    overheadBytes: 360_000,
    overheadCertainty: 'inferred',
    largestPacketBytes: 1500,
    pathMtu: { atLeast: 1500, fragmented: false },
    ...changes,
  };
}

export function sampleFlow(changes: Partial<FlowSummary> = {}): FlowSummary {
  return {
    protocol: 'tcp',
    source: '10.9.0.1',
    destination: '10.9.0.2',
    sourcePort: 44410,
    destinationPort: 5201,
    packets: 9_800,
    bytes: 13_800_000,
    payloadBytes: 13_000_000,
    firstTimeNs: '1700000000000000000',
    lastTimeNs: '1700000001380000000',
    wireBps: 80_000_000,
    goodputBps: 75_400_000,
    mss: { announced: 1460, used: 1414 },
    retransmissions: 12,
    retransmittedBytes: 16_968,
    protected: true,
    protection: 'esp',
    layers: { ...NO_LAYERS, payload: 13_000_000 },
    isIpsecOpaque: false,
    ...changes,
  };
}

/** A protected migration with some of everything: clear traffic, fragments, tap artefacts, errors, a broken input. */
export function sampleSummary(): AnalysisSummary {
  const summary = emptySummary();
  summary.inputs = [
    {
      path: 'captures/migration/ms-gcm-1500.pcap',
      format: 'pcap',
      compressed: false,
      linkTypes: ['EN10MB'],
      frames: 10_700,
      reportedDrops: null,
      mtu: { bytes: 1500, certainty: 'inferred' },
      error: null,
    },
    {
      path: 'part2.pcapng.gz',
      format: 'pcapng',
      compressed: true,
      linkTypes: ['EN10MB', 'LINUX_SLL2'],
      frames: 20,
      reportedDrops: 17,
      mtu: { bytes: 1500, certainty: 'measured' },
      error: { message: 'file ends within the record at offset 123456: copy it again', offset: 123_456 },
    },
  ];
  summary.frames = {
    total: 10_720,
    malformed: 3,
    decapsulatedCopies: 30,
    superFrames: 2,
    superFrameBytes: 29_000,
    cutBySnaplen: 5,
  };
  summary.wire = {
    packets: 10_688,
    bytes: 14_500_000,
    firstTimeNs: '1700000000000000000',
    lastTimeNs: '1700000001380000000',
  };
  summary.bytes = {
    link: { bytes: 149_632, certainty: 'measured' },
    ip: { bytes: 213_760, certainty: 'measured' },
    udpEncap: { bytes: 0, certainty: 'measured' },
    ah: { bytes: 0, certainty: 'measured' },
    espHeader: { bytes: 80_000, certainty: 'measured' },
    espIv: { bytes: 80_000, certainty: 'inferred', min: 80_000, max: 80_000 },
    espPadding: { bytes: 15_000, certainty: 'bounded', min: 0, max: 30_000 },
    espTrailer: { bytes: 20_000, certainty: 'measured' },
    espIcv: { bytes: 160_000, certainty: 'inferred', min: 160_000, max: 160_000 },
    innerIp: { bytes: 0, certainty: 'measured' },
    transport: { bytes: 340_000, certainty: 'bounded', min: 325_000, max: 355_000 },
    payload: { bytes: 13_440_000, certainty: 'bounded', min: 13_400_000, max: 13_470_000 },
    other: { bytes: 1_608, certainty: 'measured' },
  };
  summary.protection.esp = { packets: 10_000, bytes: 14_000_000 };
  summary.protection.clear = { packets: 670, bytes: 498_000 };
  summary.protection.notIp = { packets: 18, bytes: 2_000 };
  summary.securityAssociations = [
    sampleAssociation(),
    sampleAssociation({
      protocol: 'ah',
      spi: '0x00000200',
      source: '2001:db8:0:1::a',
      destination: '2001:db8:0:1::b',
      packets: 3,
      sequence: { ...sampleAssociation().sequence, missing: 4, duplicate: 2, reordered: 1 },
      suite: { name: 'sha256', certainty: 'measured', candidates: [] },
      integrity: { verified: 2, failed: 1, unchecked: 0 },
    }),
  ];
  summary.fragmentation = {
    fragments: 12,
    datagrams: 6,
    incomplete: 1,
    overlaps: 0,
    overheadBytes: 204,
    packetTooBig: 2,
    packetTooBigMtus: [1400],
    dontFragment: { set: 9_000, clear: 1_000 },
  };
  summary.flows = [
    sampleFlow(),
    sampleFlow({ source: '2001:db8:0:1::a', destination: '2001:db8:0:1::b', bytes: 9_000, goodputBps: 0 }),
    sampleFlow({ protocol: 'icmp', sourcePort: null, destinationPort: null, bytes: 900 }),
  ];
  summary.errors = [
    {
      kind: 'IPv4 length',
      count: 3,
      examples: [{ file: 'part2.pcapng.gz', packet: 7, message: '20 bytes needed, 11 there' }],
    },
  ];
  return summary;
}
