/**
 * The path MTU and MSS that Linux derives from IPsec, by its own arithmetic.
 *
 * Each state in a bundle takes its share off the MTU of what lies outside it, from the outermost inwards
 * (`xfrm_init_pmtu` in net/xfrm/xfrm_policy.c, called by `xfrm_bundle_create`). What is left is the largest packet that TCP may
 * hand down. The rule rounds down to the cipher's block before it subtracts the 2 trailer bytes, so a full segment needs no
 * padding in transport and tunnel mode; in BEET mode it keeps room for a pseudo header that is rarely there.
 */
import { ahBytes, ESP_HEADER_BYTES, type Transform, UDP_ENCAP_BYTES } from './encapsulation-size.js';
import {
  carrierBytes,
  familiesAlong,
  ipHeaderBytesOf,
  isCarrier,
  type ProtectionStack,
  type StackStep,
} from './protection-stack.js';

export const TCP_HEADER_BYTES = 20;
/** Timestamps, aligned to 4 (TCPOLEN_TSTAMP_ALIGNED): on by default (`net.ipv4.tcp_timestamps`). */
export const TCP_TIMESTAMP_BYTES = 12;
/** RFC 791 section 3.2: every IPv4 module forwards 68 bytes. */
export const MIN_IPV4_MTU = 68;
/** RFC 8200 section 5. */
export const MIN_IPV6_MTU = 1280;
export const MAX_MTU = 65_535;
/** Room for a BEET pseudo header (IPV4_BEET_PHMAXLEN in include/uapi/linux/ip.h). */
const BEET_RESERVE_BYTES = 8;
/** `net.ipv4.tcp_min_snd_mss`, TCP_MIN_SND_MSS in include/net/tcp.h: the MSS never falls below, options included. */
const MIN_SEND_MSS_BYTES = 48;
/** Greatest transport header with options (RFC 9293 section 3.1). */
const MAX_TCP_OPTION_BYTES = 40;

/** What one step of the stack leaves of the MTU. */
export interface MtuStep {
  readonly step: StackStep;
  readonly outsideBytes: number;
  readonly insideBytes: number;
}

/**
 * MTU inside each step, from the outermost to the innermost.
 * @param family IP version of the packet that TCP sends
 * @throws RangeError if the link MTU is impossible, or nothing is left for the packet
 */
export function pathMtuSteps(stack: ProtectionStack, family: 4 | 6, linkMtuBytes: number): MtuStep[] {
  const families = familiesAlong(stack, family);
  requireMtu(families.at(-1)!, linkMtuBytes);
  const steps: MtuStep[] = [];
  let mtu = linkMtuBytes;
  for (let i = stack.length - 1; i >= 0; i--) {
    const step = stack[i]!;
    const insideBytes = isCarrier(step)
      ? mtu - mtuTakenByCarrier(step, families[i + 1]!)
      : xfrmStateMtu(step, families[i]!, families[i + 1]!, mtu);
    steps.push({ step, outsideBytes: mtu, insideBytes });
    mtu = insideBytes;
  }
  if (mtu <= ipHeaderBytesOf(family)) {
    throw new RangeError(`a link MTU of ${linkMtuBytes} leaves ${mtu} bytes inside: give a larger one`);
  }
  return steps;
}

/**
 * Largest IP packet, before protection, that leaves in one piece: what `ip route get` and `ss -ti` call pmtu.
 * @throws RangeError as `pathMtuSteps`
 */
export function pathMtu(stack: ProtectionStack, family: 4 | 6, linkMtuBytes: number): number {
  return pathMtuSteps(stack, family, linkMtuBytes).at(-1)?.insideBytes ?? linkMtuBytes;
}

/**
 * `xfrm_state_mtu` in net/xfrm/xfrm_state.c.
 * @param innerFamily IP version before this transform (`x->sel.family`)
 * @param outerFamily IP version behind it (`x->props.family`)
 */
export function xfrmStateMtu(
  transform: Transform,
  innerFamily: 4 | 6,
  outerFamily: 4 | 6,
  mtuBytes: number,
): number {
  const { suite } = transform;
  const headerBytes = xfrmHeaderBytes(transform, innerFamily, outerFamily);
  if (suite.protocol === 'ah') return mtuBytes - headerBytes;
  const netAdjust = transform.mode === 'tunnel' ? 0 : ipHeaderBytesOf(outerFamily);
  const room = mtuBytes - headerBytes - suite.icvBytes - netAdjust;
  return Math.floor(room / suite.alignBytes) * suite.alignBytes + netAdjust - 2;
}

/**
 * `x->props.header_len`: what a state puts in front of the payload, as `esp_init_state` and `ah_init_state` (net/ipv4/esp4.c,
 * ah4.c) and their IPv6 twins count it. In BEET mode that is more than is sent, unless there are IPv4 options.
 */
export function xfrmHeaderBytes(transform: Transform, innerFamily: 4 | 6, outerFamily: 4 | 6): number {
  const { suite, mode } = transform;
  const outerHeader = mode === 'tunnel' ? ipHeaderBytesOf(outerFamily) : 0;
  if (suite.protocol === 'ah') return ahBytes(suite, outerFamily, transform.align4) + outerHeader;
  let bytes = ESP_HEADER_BYTES + suite.ivBytes + outerHeader;
  if (mode === 'beet' && innerFamily === 4) {
    bytes += BEET_RESERVE_BYTES + ipHeaderBytesOf(outerFamily) - ipHeaderBytesOf(4);
  }
  return transform.udpEncap === true ? bytes + UDP_ENCAP_BYTES : bytes;
}

/**
 * MSS with which a Linux sender cuts its segments: `tcp_mtu_to_mss` in net/ipv4/tcp_output.c. SACK blocks are not in it:
 * `tcp_current_mss` takes their room off only while there are holes to report.
 * @param tcpOptionBytes options in every segment: 12 with timestamps
 * @param peerMssBytes MSS option the other side announced, if it is the smaller limit
 */
export function tcpMss(
  pathMtuBytes: number,
  family: 4 | 6,
  tcpOptionBytes: number = TCP_TIMESTAMP_BYTES,
  peerMssBytes = Number.POSITIVE_INFINITY,
): number {
  if (!Number.isInteger(tcpOptionBytes) || tcpOptionBytes < 0 || tcpOptionBytes > MAX_TCP_OPTION_BYTES) {
    throw new RangeError(`tcpOptionBytes is ${tcpOptionBytes}: give 0 to ${MAX_TCP_OPTION_BYTES}`);
  }
  const withoutHeaders = pathMtuBytes - ipHeaderBytesOf(family) - TCP_HEADER_BYTES;
  return Math.max(Math.min(withoutHeaders, peerMssBytes), MIN_SEND_MSS_BYTES) - tcpOptionBytes;
}

/**
 * MSS that the SYN announces: from the device's MTU, as if there were no IPsec (`xfrm_default_advmss` asks the path below the
 * bundle; `ipv4_default_advmss` in net/ipv4/route.c). So a peer without IPsec of its own is told too much.
 */
export function advertisedMss(stack: ProtectionStack, family: 4 | 6, linkMtuBytes: number): number {
  const deviceMtu = pathMtu(stack.filter(isCarrier), family, linkMtuBytes);
  return deviceMtu - ipHeaderBytesOf(family) - TCP_HEADER_BYTES;
}

/** VLAN tags make the frame longer and leave the MTU alone; everything else needs room inside the link's MTU. */
function mtuTakenByCarrier(step: StackStep, outerFamily: 4 | 6): number {
  if (!isCarrier(step) || step.kind === 'vlan' || step.kind === 'qinq') return 0;
  const isIp = step.kind === 'gre' || step.kind === 'vxlan';
  return carrierBytes(step) + (isIp ? ipHeaderBytesOf(outerFamily) : 0);
}

function requireMtu(family: 4 | 6, mtuBytes: number): void {
  const least = family === 4 ? MIN_IPV4_MTU : MIN_IPV6_MTU;
  if (Number.isInteger(mtuBytes) && mtuBytes >= least && mtuBytes <= MAX_MTU) return;
  throw new RangeError(
    `a link MTU of ${mtuBytes} does not exist for IPv${family}: give ${least} to ${MAX_MTU}`,
  );
}
