import type { Calibration, PacketCosts } from '../../../src/model/calibration/calibration.js';
import type { ThreadCosts } from '../../../src/model/qemu/thread-costs.js';
import { StreamAction, type StreamSource } from '../../../src/model/stream-source.js';
import type { Guest, MigrationParameters, Scenario } from '../../../src/scenario/scenario.js';

export const MIB = 2 ** 20;

/** QEMU's work as on a fast machine. */
export const THREAD_COSTS: ThreadCosts = {
  connectNs: 1e6,
  setupNs: 5e6,
  stopNs: 2e6,
  synchroniseNs: 1e5,
  pageNs: 600,
  zeroPageNs: 200,
  queuePageNs: 150,
  connectionPageNs: 450,
  deviceStateNs: 3e6,
  storePageNs: 500,
  storeZeroPageNs: 100,
  loadDeviceStateNs: 3e6,
};

export const MIGRATION: MigrationParameters = {
  maxBandwidth: 0,
  downtimeLimitMs: 300,
  multifdChannels: 0,
  autoConverge: false,
  xbzrle: null,
  compression: null,
  postcopyAfterIterations: null,
  timeoutMs: 600_000,
};

export interface DrivenStream {
  endNs: number;
  /** Taken off the source, by connection kind. */
  mainBytes: number;
  multifdBytes: number;
  writes: number[];
}

/** Takes a source's bytes at a steady rate, one write after the other. */
export function drive(source: StreamSource, bytesPerSecond: number): DrivenStream {
  const driven: DrivenStream = { endNs: 0, mainBytes: 0, multifdBytes: 0, writes: [] };
  for (let nowNs = 0; ; ) {
    const action = source.next(nowNs);
    driven.endNs = nowNs;
    if (action === StreamAction.end) return driven;
    if (action === StreamAction.wait) {
      nowNs = source.untilNs;
      continue;
    }
    if (action === StreamAction.write) driven.mainBytes += source.bytes;
    else driven.multifdBytes += source.bytes;
    driven.writes.push(source.bytes);
    nowNs += source.cpuNs + Math.ceil((source.bytes * 1e9) / bytesPerSecond);
  }
}

export function calibrationWith(
  costs: {
    readonly send?: PacketCosts;
    readonly receive?: PacketCosts;
    readonly pageNs?: number;
    readonly storePageNs?: number;
  } = {},
): Calibration {
  const cheap = { packetNs: 500, byteNs: 0.05 };
  return {
    schema: 'tare.calibration/1',
    name: 'made-up',
    description: '',
    origin: { machine: '', cpu: '', kernel: '', qemu: '', date: '', method: '' },
    qemu: {
      source: { pageNs: costs.pageNs ?? 300, zeroPageNs: 100, queuePageNs: 100, deviceStateNs: 1e6 },
      destination: { pageNs: costs.storePageNs ?? 300, zeroPageNs: 100, deviceStateNs: 1e6 },
      connectNs: 1e6,
      setupNs: 1e6,
      setupPageNs: 0,
      stopNs: 1e6,
      synchroniseNs: 1e5,
      synchronisePageNs: 0,
    },
    tcp: { send: costs.send ?? cheap, receive: costs.receive ?? cheap },
    esp: [
      {
        suite: 'aes128gcm16',
        send: { packetNs: 1000, byteNs: 0.5 },
        receive: { packetNs: 1000, byteNs: 0.5 },
        basis: 'composed',
      },
    ],
    ah: [
      {
        suite: 'sha256',
        send: { packetNs: 2000, byteNs: 1 },
        receive: { packetNs: 2000, byteNs: 1 },
        basis: 'composed',
      },
    ],
  };
}

export interface ScenarioParts {
  readonly guest?: Guest;
  readonly network?: Partial<Scenario['network']>;
  readonly ipsec?: Partial<Scenario['ipsec']>;
  readonly migration?: Partial<MigrationParameters>;
  readonly source?: Scenario['hosts']['source'];
  readonly destination?: Scenario['hosts']['destination'];
  readonly seed?: number;
}

export function scenarioWith(parts: ScenarioParts = {}): Scenario {
  const host = { cores: 2, cpuShare: 1 };
  return {
    name: 'made up',
    description: '',
    guest: parts.guest ?? {
      memoryBytes: 256 * MIB,
      filledBytes: 256 * MIB,
      workload: { kind: 'idle' },
    },
    network: {
      linkBps: 10e9,
      rttUs: 50,
      loss: 0,
      mtu: 1500,
      mss: 'auto',
      queuePackets: 1000,
      family: 'ipv4',
      congestionControl: 'cubic',
      ...parts.network,
    },
    ipsec: {
      esp: null,
      ah: null,
      mode: 'transport',
      encap: false,
      esn: false,
      align4: false,
      ...parts.ipsec,
    },
    migration: { ...MIGRATION, ...parts.migration },
    hosts: {
      calibration: 'made-up',
      source: parts.source ?? host,
      destination: parts.destination ?? host,
    },
    seed: parts.seed ?? 1,
  };
}
