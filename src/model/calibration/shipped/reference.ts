/**
 * Costs of an ordinary server core, composed of what was measured on one (reference-measurements.ts). TCP in the clear and QEMU are
 * measured end to end; its kernel has no IPsec, so suites are composed of the speed of their algorithms and what Linux's IPsec
 * costs besides.
 */
import {
  AH_SUITES,
  type AhSuite,
  ESP_SUITES,
  type EspSuite,
  type IntegrityName,
} from '../../../ipsec/suite-table.js';
import type { Calibration, PacketCosts, SuiteCosts } from '../calibration.js';
import { fitCosts } from '../fit-costs.js';
import {
  CIPHER_SPEED,
  type CipherSpeed,
  MAC_SPEED,
  MEASURED_BYTES,
  QEMU_PAGES,
  QEMU_WAITS,
  TCP_SEGMENTS,
} from './reference-measurements.js';

/**
 * What IPsec costs besides cryptography, for each packet in each direction: looking up policy and state, a writable copy of the
 * packet, the trailer, and the way through the stack that a segment of its own must take where TCP in the clear goes it once for 64 KiB.
 *
 * Counted, not timed: under QEMU's `-icount` (Debian's Linux 6.1, one connection between two namespaces, MTU 1500) a segment takes 57
 * thousand instructions with ESP that neither encrypts nor authenticates (`ecb(cipher_null)`, `digest_null`) and 11 thousand in the clear,
 * both hosts and half an acknowledgement together. Without string instructions, which count once for each byte, and without waking
 * the processes, 9 thousand are left for a packet in one direction; at the 0.27 ns that an instruction of TCP in the clear takes on the
 * reference machine that is 2.4 us. So composed, AES-GCM at MTU 1500 is 3.1 Gbit/s for one core that sends; linux-ipsec.org reports
 * 3.3 Gbit/s for one core of an EPYC 9135 that encrypts and forwards (pCPU testing, July 2025).
 */
const IPSEC_PACKET_NS = 2400;
/** The writable copy. */
const IPSEC_BYTE_NS = 0.05;

/** Names of algorithms in `reference-measurements.ts`. */
const MAC_NAMES: Readonly<Partial<Record<IntegrityName, string>>> = {
  'hmac-md5': 'md5',
  'hmac-sha1': 'sha1',
  'hmac-sha256': 'sha256',
  'hmac-sha384': 'sha384',
  'hmac-sha512': 'sha512',
  'hmac-ripemd160': 'ripemd160',
  // The same work: one AES block for each 16 bytes, one after the other.
  'aes-xcbc': 'aes-128-cmac',
  'aes-cmac': 'aes-128-cmac',
};

function cipherSpeedOf({ cipher, keyBits }: EspSuite): CipherSpeed | null {
  switch (cipher) {
    case 'aes-cbc':
    case 'aes-ctr':
    case 'aes-gcm':
    case 'aes-ccm':
      return CIPHER_SPEED[`aes-${keyBits}-${cipher.slice(4)}`] ?? null;
    case 'camellia-cbc':
      return CIPHER_SPEED[`camellia-${keyBits}-cbc`] ?? null;
    case 'chacha20-poly1305':
      return CIPHER_SPEED['chacha20-poly1305'] ?? null;
    case '3des-cbc':
      return CIPHER_SPEED['des-ede3-cbc'] ?? null;
    case 'null':
      return { encrypt: MEASURED_BYTES.map(() => 0), decrypt: MEASURED_BYTES.map(() => 0) };
    default:
      return null;
  }
}

/** GMAC is one pass of GHASH and one AES block; the block is hidden in what a packet costs anyway. */
function macTimes(integrity: IntegrityName): readonly number[] | null {
  if (integrity === 'none') return MEASURED_BYTES.map(() => 0);
  if (integrity === 'aes-gmac') return MAC_SPEED['ghash'] ?? null;
  const name = MAC_NAMES[integrity];
  return name === undefined ? null : (MAC_SPEED[name] ?? null);
}

function composed(name: string, encrypt: readonly number[], decrypt: readonly number[]): SuiteCosts {
  return { suite: name, send: withIpsec(encrypt), receive: withIpsec(decrypt), basis: 'composed' };
}

function withIpsec(times: readonly number[]): PacketCosts {
  const { packetNs, byteNs } = times.every((ns) => ns === 0)
    ? { packetNs: 0, byteNs: 0 }
    : fitCosts(MEASURED_BYTES.map((payloadBytes, i) => ({ payloadBytes, packetNs: times[i]! })));
  return { packetNs: packetNs + IPSEC_PACKET_NS, byteNs: byteNs + IPSEC_BYTE_NS };
}

function sumTimes(one: readonly number[], other: readonly number[]): number[] {
  return one.map((ns, i) => ns + other[i]!);
}

/** ICVs of other lengths cost the same, so that one suite stands for all of them. */
function espCosts(): SuiteCosts[] {
  const costs = new Map<string, SuiteCosts>();
  for (const suite of ESP_SUITES) {
    const key = `${suite.cipher} ${suite.keyBits} ${suite.integrity}`;
    const isGmac = suite.cipher === 'aes-gmac';
    const speed = cipherSpeedOf(isGmac ? { ...suite, cipher: 'null' } : suite);
    const mac = macTimes(isGmac ? 'aes-gmac' : suite.integrity);
    if (costs.has(key) || speed === null || mac === null) continue;
    costs.set(key, composed(suite.name, sumTimes(speed.encrypt, mac), sumTimes(speed.decrypt, mac)));
  }
  return [...costs.values()];
}

function ahCosts(): SuiteCosts[] {
  const costs = new Map<string, SuiteCosts>();
  const keyOf = ({ integrity, integrityKeyBytes }: AhSuite): string => `${integrity} ${integrityKeyBytes}`;
  for (const suite of AH_SUITES) {
    const mac = macTimes(suite.integrity);
    if (mac !== null && !costs.has(keyOf(suite))) costs.set(keyOf(suite), composed(suite.name, mac, mac));
  }
  return [...costs.values()];
}

/** Through the two measured points. */
function tcpCosts(direction: 'sendNs' | 'receiveNs'): PacketCosts {
  const [small, large] = TCP_SEGMENTS;
  const byteNs = (large[direction] - small[direction]) / (large.payloadBytes - small.payloadBytes);
  return { packetNs: small[direction] - byteNs * small.payloadBytes, byteNs };
}

const { source, destination } = QEMU_PAGES;

export const REFERENCE: Calibration = {
  schema: 'tare.calibration/1',
  name: 'reference',
  description:
    'A core of a cloud server with AES instructions; segmentation offloads off, as they are under IPsec.',
  origin: {
    machine: 'virtual machine with 2 cores (Firecracker)',
    cpu: 'AMD EPYC with VAES, VPCLMULQDQ and SHA instructions, AVX-512',
    kernel: 'Linux 6.18',
    qemu: '7.2 (Debian), accel=tcg',
    date: '2025-11-22',
    method:
      'node scripts/measure-reference.mjs: TCP between two network namespaces and QEMU migrations between them, by the stack of ' +
      'each sample of processor time; ciphers with openssl speed at 64, 1408 and 8960 bytes, fitted by least squares of relative ' +
      'errors. The kernel has no IPsec: what it costs besides cryptography was counted in instructions elsewhere (2.4 us a packet). ' +
      'Fetching the dirty log and loading device state were not measured: 0.1 ms, and as long as saving it.',
  },
  qemu: {
    source: {
      pageNs: source.findNs + source.writeNs,
      zeroPageNs: source.zeroNs,
      queuePageNs: source.findNs,
      deviceStateNs: QEMU_WAITS.deviceStateMs * 1e6,
    },
    destination: {
      pageNs: destination.readNs + destination.storeNs,
      zeroPageNs: destination.zeroNs,
      deviceStateNs: QEMU_WAITS.deviceStateMs * 1e6,
    },
    connectNs: QEMU_WAITS.connectMs * 1e6,
    setupNs: QEMU_WAITS.setupMs * 1e6,
    setupPageNs: 0,
    stopNs: QEMU_WAITS.stopMs * 1e6,
    synchroniseNs: 1e5,
    synchronisePageNs: 0,
  },
  tcp: { send: tcpCosts('sendNs'), receive: tcpCosts('receiveNs') },
  esp: espCosts(),
  ah: ahCosts(),
};
