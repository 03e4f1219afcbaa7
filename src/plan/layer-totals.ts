/** Owners of bytes, in wire order; the names are those in which the analysis reports. */
export const PLAN_LAYERS = [
  'link',
  'ip',
  'udpEncap',
  'ah',
  'espHeader',
  'espIv',
  'espPadding',
  'espTrailer',
  'espIcv',
  'innerIp',
  'transport',
  'payload',
  'other',
] as const;

export type PlanLayer = (typeof PLAN_LAYERS)[number];

/** Bytes by owner. */
export type LayerTotals = Record<PlanLayer, number>;

export function emptyTotals(): LayerTotals {
  return {
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
}

export function sumOfLayers(totals: LayerTotals): number {
  return PLAN_LAYERS.reduce((sum, layer) => sum + totals[layer], 0);
}

/** @throws RangeError if a total has left the integers that a number holds exactly */
export function requireExact(name: string, bytes: number): number {
  if (Number.isSafeInteger(bytes)) return bytes;
  throw new RangeError(`${name} would be about ${bytes}, beyond 2^53: plan a smaller transfer`);
}
