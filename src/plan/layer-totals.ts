import { WIRE_LAYERS, type WireLayer } from '../packet/layers.js';

/** Owners of bytes, in wire order. */
export const PLAN_LAYERS = WIRE_LAYERS;

export type PlanLayer = WireLayer;

/** Bytes by owner. */
export type LayerTotals = Record<PlanLayer, number>;

const NOTHING: Readonly<LayerTotals> = Object.fromEntries(
  PLAN_LAYERS.map((layer) => [layer, 0]),
) as LayerTotals;

export function emptyTotals(): LayerTotals {
  return { ...NOTHING };
}

export function sumOfLayers(totals: LayerTotals): number {
  return PLAN_LAYERS.reduce((sum, layer) => sum + totals[layer], 0);
}

/** @throws RangeError if a total has left the integers that a number holds exactly */
export function requireExact(name: string, bytes: number): number {
  if (Number.isSafeInteger(bytes)) return bytes;
  throw new RangeError(`${name} would be about ${bytes}, beyond 2^53: plan a smaller transfer`);
}
