/**
 * From a scenario and a calibration to what both models take: sizes to the byte, rates, and costs.
 */
import { pathMtu, TCP_TIMESTAMP_BYTES, tcpMss } from '../ipsec/path-mtu.js';
import type { ProtectionStack } from '../ipsec/protection-stack.js';
import { parseAhSuite, parseEspSuite, SuiteNameError } from '../ipsec/suite.js';
import type { AhSuite, EspSuite } from '../ipsec/suite-table.js';
import { type PacketCost, packetCost } from '../plan/packet-cost.js';
import { stackOf } from '../plan/rows.js';
import { costSegments, datagramMtu, requireMss } from '../plan/transfer.js';
import type { Host, Ipsec, Scenario } from '../scenario/scenario.js';
import { type Calibration, CalibrationError, type PacketCosts } from './calibration/calibration.js';
import { suiteCost } from './calibration/suite-cost.js';
import type { Channel, HostCosts } from './channel.js';
import { hostsOf } from './hosts-of.js';
import { ModelError } from './model-error.js';
import { PC_MACHINE } from './qemu/machine-profile.js';
import { PAGE_BYTES } from './qemu/stream-framing.js';
import type { ThreadCosts } from './qemu/thread-costs.js';

/**
 * @throws ModelError for suites that do not exist or are not calibrated, combinations that IPsec does not have, and MTUs and
 *   MSSs that leave no room
 */
export function channelOf(scenario: Scenario, calibration: Calibration): Channel {
  const { network, ipsec } = scenario;
  const hosts = hostsOf(scenario, calibration);
  return asModelError(() => {
    const family = network.family === 'ipv4' ? 4 : 6;
    const { protection, stack, cost } = packagingOf(ipsec, family);
    const mtuBytes = datagramMtu(stack, network.mtu);
    const mssBytes = mssOf(stack, family, network.mtu, network.mss);
    // Throws for a segment that no fragments can carry.
    const { packets: fragments } = costSegments(cost, mtuBytes, mssBytes, mssBytes);
    const plain = packetCostsOf(calibration, protection);
    const data = withFragments(plain, calibration, fragments);
    return {
      cost,
      mtuBytes,
      mssBytes,
      linkBps: network.linkBps,
      rttNs: Math.round(network.rttUs * 1000),
      loss: network.loss,
      queuePackets: network.queuePackets,
      congestionControl: network.congestionControl,
      shortEnds: calibration.tcp.shortEnds?.[stack.length === 0 ? 'clear' : 'protected'] ?? 1,
      source: hostCosts(hosts.source, { ...plain, send: data.send }, calibration.qemu.source),
      destination: hostCosts(
        hosts.destination,
        { ...plain, receive: data.receive },
        calibration.qemu.destination,
      ),
    };
  });
}

/** QEMU's own work on a scenario's hosts. */
export function threadCostsOf(scenario: Scenario, calibration: Calibration): ThreadCosts {
  const { source, destination, ...qemu } = calibration.qemu;
  const hosts = hostsOf(scenario, calibration);
  const { guest } = scenario;
  const pages = ramPages(guest.memoryBytes);
  const [there, here] = [slowness(hosts.destination), slowness(hosts.source)];
  return {
    connectNs: qemu.connectNs,
    setupNs: qemu.setupNs + qemu.setupPageNs * pages,
    stopNs: qemu.stopNs,
    synchroniseNs: qemu.synchroniseNs + qemu.synchronisePageNs * pages,
    pageNs: source.pageNs * here,
    zeroPageNs: source.zeroPageNs * here,
    queuePageNs: source.queuePageNs * here,
    connectionPageNs: Math.max(0, source.pageNs - source.queuePageNs) * here,
    deviceStateNs: source.deviceStateNs * here,
    storePageNs: destination.pageNs * there,
    storeZeroPageNs: destination.zeroPageNs * there,
    loadDeviceStateNs: destination.deviceStateNs * there,
  };
}

function ramPages(memoryBytes: number): number {
  return memoryBytes / PAGE_BYTES + PC_MACHINE.blocks.reduce((sum, { pages }) => sum + pages, 0);
}

/** What becomes of a packet, and what that costs in bytes. */
interface Packaging {
  readonly protection: Protection;
  readonly stack: ProtectionStack;
  readonly cost: PacketCost;
}

/** A sweep asks for the same ones thousands of times, and there are no more than suites, modes and families. */
const packagings = new Map<string, Packaging>();

function packagingOf(ipsec: Ipsec, family: 4 | 6): Packaging {
  const { esp, ah, mode, encap, align4 } = ipsec;
  const key = `${esp} ${ah} ${mode} ${encap} ${align4} ${family}`;
  const known = packagings.get(key);
  if (known !== undefined) return known;
  const protection = protectionOf(ipsec);
  const stack = stackOf({ ...protection, mode, udpEncap: encap, align4 });
  const packaging = { protection, stack, cost: packetCost(stack, family, TCP_TIMESTAMP_BYTES) };
  packagings.set(key, packaging);
  return packaging;
}

interface Protection {
  readonly esp: EspSuite | null;
  readonly ah: AhSuite | null;
}

function protectionOf({ esp, ah }: Ipsec): Protection {
  return { esp: esp === null ? null : parseEspSuite(esp), ah: ah === null ? null : parseAhSuite(ah) };
}

function mssOf(stack: ProtectionStack, family: 4 | 6, linkMtu: number, mss: 'auto' | number): number {
  const auto = tcpMss(pathMtu(stack, family, linkMtu), family);
  if (mss === 'auto') return auto;
  requireMss(mss);
  return mss;
}

/** TCP in the clear and what each suite adds. */
function packetCostsOf(
  calibration: Calibration,
  { esp, ah }: Protection,
): { send: PacketCosts; receive: PacketCosts } {
  const suites = [esp, ah].filter((suite) => suite !== null).map((suite) => suiteCost(calibration, suite));
  const sharedNs = suites.length > 1 ? (calibration.sharedNs ?? 0) : 0;
  const sumOf = (direction: 'send' | 'receive'): PacketCosts => {
    const all = [calibration.tcp, ...suites].map((costs) => costs[direction]);
    const packetNs = all.reduce((sum, costs) => sum + costs.packetNs, -sharedNs);
    return {
      packetNs: Math.max(0, packetNs),
      byteNs: all.reduce((sum, costs) => sum + costs.byteNs, 0),
    };
  };
  return { send: sumOf('send'), receive: sumOf('receive') };
}

/**
 * Each further fragment of a segment goes through IP and driver like a packet in the clear; IPsec sees the whole. Acknowledgements are
 * never cut.
 */
function withFragments(
  { send, receive }: { send: PacketCosts; receive: PacketCosts },
  { tcp }: Calibration,
  fragments: number,
): { send: PacketCosts; receive: PacketCosts } {
  const further = fragments - 1;
  return {
    send: { ...send, packetNs: send.packetNs + further * tcp.send.packetNs },
    receive: { ...receive, packetNs: receive.packetNs + further * tcp.receive.packetNs },
  };
}

function hostCosts(
  host: Host,
  { send, receive }: { send: PacketCosts; receive: PacketCosts },
  qemu: { readonly pageNs: number; readonly zeroPageNs: number },
): HostCosts {
  const factor = slowness(host);
  return {
    sharedCore: host.cores === 1,
    // One core is busy with packets, the others are QEMU's.
    processServers: Math.max(1, host.cores - 1),
    sendPacketNs: send.packetNs * factor,
    sendByteNs: send.byteNs * factor,
    receivePacketNs: receive.packetNs * factor,
    receiveByteNs: receive.byteNs * factor,
    pageNs: qemu.pageNs * factor,
    zeroPageNs: qemu.zeroPageNs * factor,
  };
}

/** A core that leaves only a share to the migration takes longer for everything. */
function slowness({ cores, cpuShare }: Host): number {
  if (!(cores >= 1) || !(cpuShare > 0 && cpuShare <= 1)) {
    throw new ModelError(
      `a host of ${cores} cores and share ${cpuShare}: give 1 or more, and more than 0 up to 1`,
    );
  }
  return cores === 1 ? 1 / cpuShare : 1;
}

function asModelError<Value>(make: () => Value): Value {
  try {
    return make();
  } catch (error) {
    const isKnown =
      error instanceof RangeError || error instanceof SuiteNameError || error instanceof CalibrationError;
    if (isKnown) throw new ModelError(error.message, { cause: error });
    throw error;
  }
}
