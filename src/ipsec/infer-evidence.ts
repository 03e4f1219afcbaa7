/*
 * What can be seen of ESP without keys, collected per SA in little memory so that it can be weighed later.
 *
 * Theory of operation: ESP ends on a 4-byte boundary (RFC 4303 section 2.4), so every length behind the 8-byte header is a
 * multiple of 4 and `lengthCounts[length / 4]` holds the exact histogram; it grows by doubling as longer packets come, up to
 * 64 KiB. Beside the lengths two things speak: whether the 8 bytes where an IV would be count up with the sequence
 * number, and whether a valid trailer can be read at one of the usual ICV lengths (RFC 5879). All of it is sums and can be
 * merged in any grouping; `last` only serves to compare neighbouring packets.
 */

/** ICV lengths at which a readable trailer is looked for; index into `SuiteEvidence.readableTrailers`. */
export const TRAILER_ICV_BYTES: readonly number[] = [8, 12, 16, 20, 24, 32];

/** Evidence about the suite of one SA: plain data, structured-cloneable. Made by `newSuiteEvidence`. */
export interface SuiteEvidence {
  /** Packets counted in `lengthCounts` and `unalignedLengths`. */
  packets: number;
  /** Packets by (bytes behind the 8-byte ESP header) / 4. */
  lengthCounts: Uint32Array;
  /** Packets whose length is no multiple of 4, which ESP does not make, or over 65535. */
  unalignedLengths: number;
  /** Neighbouring packets whose first 8 bytes were compared, and those in which these counted like a counter IV. */
  ivPairs: number;
  counterPairs: number;
  /** Packets searched for a readable trailer, and those that had one, by `TRAILER_ICV_BYTES`. */
  trailersTried: number;
  readonly readableTrailers: Uint32Array;
  /** First 8 bytes, sequence number, and 1 if there are any, of the packet before. */
  readonly last: Uint32Array;
}

const MAX_SLOTS = 16_384;

export function newSuiteEvidence(): SuiteEvidence {
  return {
    packets: 0,
    lengthCounts: new Uint32Array(512),
    unalignedLengths: 0,
    ivPairs: 0,
    counterPairs: 0,
    trailersTried: 0,
    readableTrailers: new Uint32Array(TRAILER_ICV_BYTES.length),
    last: new Uint32Array(4),
  };
}

/** Counts the length of one whole ESP packet: bytes behind the 8-byte ESP header, ICV included. */
export function addEspLength(evidence: SuiteEvidence, lengthBytes: number): void {
  evidence.packets++;
  const slot = lengthBytes >> 2;
  if ((lengthBytes & 3) !== 0 || slot < 0 || slot >= MAX_SLOTS) {
    evidence.unalignedLengths++;
    return;
  }
  if (slot >= evidence.lengthCounts.length) growLengths(evidence, slot + 1);
  evidence.lengthCounts[slot]!++;
}

function growLengths(evidence: SuiteEvidence, slots: number): void {
  let size = evidence.lengthCounts.length;
  while (size < slots) size *= 2;
  const grown = new Uint32Array(size);
  grown.set(evidence.lengthCounts);
  evidence.lengthCounts = grown;
}

/**
 * Looks at the first 8 bytes behind the ESP header, where counter-mode ciphers have their IV. Linux makes it from the
 * sequence number and a constant salt (`seqiv_aead_encrypt` in crypto/seqiv.c), other stacks count; CBC's IVs look random.
 * @param espOffset of the SPI; 16 bytes from there must lie inside `data`
 */
export function addEspIv(evidence: SuiteEvidence, data: Uint8Array, espOffset: number): void {
  const { last } = evidence;
  const sequence = readUint32(data, espOffset + 4);
  const high = readUint32(data, espOffset + 8);
  const low = readUint32(data, espOffset + 12);
  if (last[3] === 1 && sequence !== last[2]) {
    evidence.ivPairs++;
    const isSalted = (low ^ sequence) === (last[1]! ^ last[2]!);
    const isCounter = ((low - last[1]!) | 0) === ((sequence - last[2]!) | 0);
    if (high === last[0] && (isSalted || isCounter)) evidence.counterPairs++;
  }
  last[0] = high;
  last[1] = low;
  last[2] = sequence;
  last[3] = 1;
}

/**
 * Looks for a trailer in the clear at each usual ICV length (RFC 5879 section 7): padding 1, 2, 3..., a next header that
 * occurs, and a first header that fits it. Chance finds one in about 1 of 5000 encrypted packets.
 * @param end of the ICV; everything from `espOffset` to there must lie inside `data`
 */
export function addEspTrailer(
  evidence: SuiteEvidence,
  data: Uint8Array,
  espOffset: number,
  end: number,
): void {
  evidence.trailersTried++;
  for (let i = 0; i < TRAILER_ICV_BYTES.length; i++) {
    if (isReadableTrailer(data, espOffset + 8, end - TRAILER_ICV_BYTES[i]!)) evidence.readableTrailers[i]!++;
  }
}

/** `addEspLength`, `addEspIv` and `addEspTrailer` for a packet which is captured whole. */
export function addEspPacket(
  evidence: SuiteEvidence,
  data: Uint8Array,
  espOffset: number,
  end: number,
): void {
  addEspLength(evidence, end - espOffset - 8);
  if (end - espOffset < 16) return;
  addEspIv(evidence, data, espOffset);
  addEspTrailer(evidence, data, espOffset, end);
}

/** Adds the evidence of `from`, which was collected later, to `into`. Associative. */
export function mergeSuiteEvidence(into: SuiteEvidence, from: SuiteEvidence): void {
  into.packets += from.packets;
  into.unalignedLengths += from.unalignedLengths;
  into.ivPairs += from.ivPairs;
  into.counterPairs += from.counterPairs;
  into.trailersTried += from.trailersTried;
  if (from.lengthCounts.length > into.lengthCounts.length) growLengths(into, from.lengthCounts.length);
  for (let i = 0; i < from.lengthCounts.length; i++) into.lengthCounts[i]! += from.lengthCounts[i]!;
  for (let i = 0; i < from.readableTrailers.length; i++)
    into.readableTrailers[i]! += from.readableTrailers[i]!;
  if (from.last[3] === 1) into.last.set(from.last);
}

function isReadableTrailer(data: Uint8Array, start: number, trailerEnd: number): boolean {
  const padBytes = data[trailerEnd - 2]!;
  const padStart = trailerEnd - 2 - padBytes;
  if (padStart < start + 4) return false;
  for (let i = 0; i < padBytes; i++) {
    if (data[padStart + i] !== i + 1) return false;
  }
  const nextHeader = data[trailerEnd - 1]!;
  // NULL has no IV, GMAC one of 8 bytes.
  return (
    fitsNextHeader(nextHeader, data, start, padStart) || fitsNextHeader(nextHeader, data, start + 8, padStart)
  );
}

/** True if what is at `start` can be a packet of that protocol, as far as the protocol shows it. */
function fitsNextHeader(nextHeader: number, data: Uint8Array, start: number, end: number): boolean {
  switch (nextHeader) {
    case 4:
      return end - start >= 20 && data[start]! >> 4 === 4;
    case 41:
      return end - start >= 40 && data[start]! >> 4 === 6;
    case 6:
      return end - start >= 20 && data[start + 12]! >> 4 >= 5;
    case 17:
      return end - start >= 8 && ((data[start + 4]! << 8) | data[start + 5]!) === end - start;
    case 1:
    case 58:
    case 132:
    case 47:
    case 51:
    case 50:
      return end - start >= 4;
    default:
      return false;
  }
}

function readUint32(data: Uint8Array, offset: number): number {
  return (
    ((data[offset]! << 24) | (data[offset + 1]! << 16) | (data[offset + 2]! << 8) | data[offset + 3]!) >>> 0
  );
}
