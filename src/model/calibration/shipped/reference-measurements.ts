/**
 * What `node scripts/measure-reference.mjs ciphers|tcp|qemu` printed on the reference machine, the least of three runs where other
 * work disturbed. Nanoseconds of processor time.
 */

/** Sizes of the measured packets, bytes. */
export const MEASURED_BYTES = [64, 1408, 8960] as const;

export interface CipherSpeed {
  /** One packet of each size. */
  readonly encrypt: readonly number[];
  readonly decrypt: readonly number[];
}

/** `openssl speed -evp`, one core. */
export const CIPHER_SPEED: Readonly<Record<string, CipherSpeed>> = {
  'aes-128-cbc': { encrypt: [48, 993, 6246], decrypt: [16, 129, 805] },
  'aes-192-cbc': { encrypt: [58, 1206, 7963], decrypt: [18, 157, 967] },
  'aes-256-cbc': { encrypt: [65, 1416, 8866], decrypt: [20, 179, 1081] },
  'aes-128-ctr': { encrypt: [22, 174, 971], decrypt: [24, 163, 952] },
  'aes-192-ctr': { encrypt: [23, 169, 948], decrypt: [24, 171, 1011] },
  'aes-256-ctr': { encrypt: [25, 188, 1102], decrypt: [25, 189, 1130] },
  'aes-128-gcm': { encrypt: [373, 732, 2267], decrypt: [479, 759, 2224] },
  'aes-192-gcm': { encrypt: [347, 651, 2457], decrypt: [487, 768, 2577] },
  'aes-256-gcm': { encrypt: [360, 790, 2424], decrypt: [505, 794, 2569] },
  'aes-128-ccm': { encrypt: [370, 1397, 6557], decrypt: [478, 1550, 7152] },
  'aes-192-ccm': { encrypt: [372, 1598, 7850], decrypt: [446, 1636, 7984] },
  'aes-256-ccm': { encrypt: [406, 1672, 9177], decrypt: [496, 1890, 9544] },
  'camellia-128-cbc': { encrypt: [349, 6732, 43007], decrypt: [333, 6617, 40537] },
  'camellia-192-cbc': { encrypt: [407, 9016, 55915], decrypt: [419, 8728, 57349] },
  'camellia-256-cbc': { encrypt: [442, 9282, 57405], decrypt: [444, 8855, 54683] },
  'des-ede3-cbc': { encrypt: [2224, 47841, 294397], decrypt: [2164, 45317, 288983] },
  'chacha20-poly1305': { encrypt: [128, 531, 2393], decrypt: [124, 522, 2516] },
};

/** `openssl speed -hmac`, `-cmac` and `ghash`: one packet of each size. */
export const MAC_SPEED: Readonly<Record<string, readonly number[]>> = {
  md5: [468, 2199, 12331],
  sha1: [268, 1023, 4891],
  sha256: [255, 1021, 5256],
  sha384: [484, 2130, 11606],
  sha512: [494, 2181, 12154],
  ripemd160: [782, 5176, 29184],
  'aes-128-cmac': [187, 1408, 8356],
  ghash: [33, 206, 1103],
};

/**
 * A TCP segment of one connection between two network namespaces (veth, segmentation offloads off), by payload: what sending it takes
 * below the system call, and what softirq takes to receive it. Acknowledgements were one for 25 to 100 segments.
 */
export const TCP_SEGMENTS = [
  { payloadBytes: 1448, sendNs: 513, receiveNs: 915 },
  { payloadBytes: 8948, sendNs: 1353, receiveNs: 1438 },
] as const;

/** QEMU's threads, a page of a guest of 2 GiB; sending and receiving packets is not in it. */
export const QEMU_PAGES = {
  /** Finding, listing; then the system call and copying. */
  source: { findNs: 197, writeNs: 545, zeroNs: 207 },
  /** Reading with its copying; then storing. Memory was touched before. */
  destination: { readNs: 686, storeNs: 813, zeroNs: 120 },
} as const;

/** QEMU's waits, milliseconds, of the same guest doing nothing. */
export const QEMU_WAITS = { connectMs: 3, setupMs: 1, stopMs: 1, deviceStateMs: 1 } as const;
