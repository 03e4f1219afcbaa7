import type { Certainty, LayerBytes, SuiteCandidate } from './analysis-summary.js';

/*
 * Theory of operation. Of closed ESP only the length is known: IV, payload, padding, trailer and ICV together. The trailer
 * is 2 bytes (RFC 4303 section 2). A suite, given or inferred, fixes IV and ICV. Padding depends on the payload's length
 * modulo the alignment: 0 to alignment - 1 bytes, the estimate comes with the suite. The payload is the rest. So IV and ICV are
 * inferred, padding and payload bounded. Without any suite IV and ICV are bounded by what is in use.
 */

/** Closed ESP packets of one SA, or of what belongs to none. */
export interface ClosedEsp {
  packets: number;
  /** Behind the 8-byte headers. */
  bytes: number;
  /** Best first; empty if nothing is known. */
  candidates: readonly SuiteSizes[];
}

export interface SuiteSizes extends Pick<SuiteCandidate, 'ivBytes' | 'icvBytes' | 'alignmentBytes'> {
  /** Expected padding per packet. */
  paddingBytes: number;
}

/** How closed ESP splits. The `bytes` of all parts add up to what was closed. */
export interface EspSplit {
  espIv: Required<LayerBytes>;
  espPadding: Required<LayerBytes>;
  espTrailer: Required<LayerBytes>;
  espIcv: Required<LayerBytes>;
  /** Transport header and all: what ESP carries. */
  payload: Required<LayerBytes>;
}

const TRAILER_BYTES = 2;
/** Where no suite is known: sizes in wide use for the estimate, and the limits. Padding alone may be 255. */
const GUESS: SuiteSizes = { ivBytes: 8, icvBytes: 16, alignmentBytes: 4, paddingBytes: 1.5 };
const LIMITS: readonly SuiteSizes[] = [
  { ivBytes: 0, icvBytes: 0, alignmentBytes: 4, paddingBytes: 0 },
  { ivBytes: 16, icvBytes: 32, alignmentBytes: 16, paddingBytes: 0 },
];

export function splitClosedEsp(closed: ClosedEsp): EspSplit {
  const { packets, bytes } = closed;
  const known = closed.candidates.length > 0;
  const best = closed.candidates[0] ?? GUESS;
  const range = known ? closed.candidates : LIMITS;
  const certainty: Certainty = known ? 'inferred' : 'bounded';
  let left = bytes;
  const take = (wanted: number): number => {
    const taken = Math.min(left, wanted);
    left -= taken;
    return taken;
  };
  const part = (sizes: number[], estimate: number, partCertainty: Certainty): Required<LayerBytes> => ({
    bytes: take(Math.round(packets * estimate)),
    certainty: packets === 0 ? 'measured' : partCertainty,
    min: Math.min(bytes, packets * Math.min(...sizes)),
    max: Math.min(bytes, packets * Math.max(...sizes)),
  });
  const espTrailer = part([TRAILER_BYTES], TRAILER_BYTES, 'inferred');
  const espIv = part(
    range.map(({ ivBytes }) => ivBytes),
    best.ivBytes,
    certainty,
  );
  const espIcv = part(
    range.map(({ icvBytes }) => icvBytes),
    best.icvBytes,
    certainty,
  );
  const padding = [0, ...range.map(({ alignmentBytes }) => alignmentBytes - 1)];
  const espPadding = part(padding, best.paddingBytes, 'bounded');
  return withPayload({ espIv, espPadding, espTrailer, espIcv }, closed, left);
}

function withPayload(parts: Omit<EspSplit, 'payload'>, closed: ClosedEsp, bytes: number): EspSplit {
  const all = Object.values(parts);
  const fewest = all.reduce((total, { min }) => total + min, 0);
  const most = all.reduce((total, { max }) => total + max, 0);
  const payload: Required<LayerBytes> = {
    bytes,
    certainty: closed.packets === 0 ? 'measured' : 'bounded',
    min: Math.max(0, closed.bytes - most),
    max: Math.max(0, closed.bytes - fewest),
  };
  return { ...parts, payload };
}

const CERTAINTIES: readonly Certainty[] = ['measured', 'inferred', 'bounded'];

/** The weaker of two. */
export function weakest(a: Certainty, b: Certainty): Certainty {
  return CERTAINTIES.indexOf(a) > CERTAINTIES.indexOf(b) ? a : b;
}

/** Sum of two amounts, as certain as the weaker one. */
export function addLayerBytes(a: LayerBytes, b: LayerBytes): LayerBytes {
  const certainty = weakest(a.certainty, b.certainty);
  const bytes = a.bytes + b.bytes;
  if (certainty === 'measured') return { bytes, certainty };
  return {
    bytes,
    certainty,
    min: (a.min ?? a.bytes) + (b.min ?? b.bytes),
    max: (a.max ?? a.bytes) + (b.max ?? b.bytes),
  };
}
