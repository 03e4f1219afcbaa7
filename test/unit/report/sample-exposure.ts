import type { CaptureExposure, Exposure, Observation } from '../../../src/exposure/exposure.js';
import type { RandomnessSummary } from '../../../src/exposure/randomness.js';

const NONE = { packets: 0, bytes: 0 };

function observation(way: 'clear' | 'ah' | 'esp', payloads: RandomnessSummary): Observation {
  return {
    readsOpenEsp: false,
    packets: 100,
    bytes: 110_000,
    protection: {
      clear: NONE,
      ah: NONE,
      esp: NONE,
      ahEsp: NONE,
      ike: NONE,
      notIp: NONE,
      [way]: { packets: 100, bytes: 110_000 },
    },
    memories: [],
    secrets: [{ label: 'secret 1', length: 16, inMemory: 0, foundAt: null, inPackets: 0, acrossPackets: 0 }],
    payloads: { [way]: payloads },
    traffic: {
      source: '10.0.0.1',
      destination: '10.0.0.2',
      firstTimeNs: '1795359608501201000',
      lastTimeNs: '1795359609501201000',
      packets: 80,
      bytes: 104_000,
      closedBytes: 100_000,
      pagesAtMost: 24,
      pauses: [{ fromNs: 300_000_000, durationNs: 250_000_000 }],
      bursts: 2,
      intervalNs: 100_000_000,
      bytesOverTime: [9000, 20_000, 30_000, 0, 0, 10_000, 10_000, 10_000, 10_000, 5000],
    },
  };
}

function statistics(uniformShare: number, entropy: number): RandomnessSummary {
  const entropyHistogram = new Array<number>(32).fill(0);
  entropyHistogram[Math.floor(entropy * 4)] = 80;
  return {
    payloads: 80,
    bytes: 100_000,
    blocks: 80,
    uniformShare,
    expectedUniformShare: 0.99,
    entropy: { min: entropy - 0.1, mean: entropy, max: entropy + 0.1, ofRandom: 7.87 },
    chiSquare: { min: 200, mean: 255, max: 300 },
    total: { entropy, chiSquare: 250, probability: 0.5 },
    entropyHistogram,
  };
}

/** Four pages, all of which were read. */
export function openCapture(way: 'clear' | 'ah' = 'clear'): CaptureExposure {
  const open = observation(way, statistics(0, 2.1));
  open.memories = [
    {
      machine: 'pc',
      transport: way,
      source: '10.0.0.1',
      destination: '10.0.0.2',
      complete: true,
      pageBytes: 4096,
      memoryBytes: 16_384,
      isDeclared: true,
      knownBytes: 16_384,
      blocks: [{ name: 'pc.ram', bytes: 16_384, knownBytes: 16_384 }],
      pages: { zero: 1, text: 1, code: 1, random: 0, data: 1, unread: 0, unseen: 0 },
      partialPages: 0,
      iterations: 3,
      strings: { count: 2, bytes: 40, samples: ['root••• (20 characters)'] },
      keyMaterial: [{ id: 'pemPrivateKey', count: 1, samples: ['----• (27 characters)'] }],
      picture: { block: 'pc.ram', pagesPerCell: 1, cells: 'tczd' },
    },
  ];
  open.secrets = [
    {
      ...open.secrets[0]!,
      inMemory: 2,
      foundAt: { block: 'pc.ram', offset: 4000 },
      inPackets: 1,
      acrossPackets: 1,
    },
  ];
  return { name: `${way}.pcap`, eavesdropper: open, keyHolder: null };
}

export function closedCapture(): CaptureExposure {
  return { name: 'closed.pcap', eavesdropper: observation('esp', statistics(0.99, 7.86)), keyHolder: null };
}

export function sampleExposure(): Exposure {
  return { schema: 'tare.exposure/1', captures: [openCapture(), closedCapture()] };
}
