import { Layer, type LayerName } from '../packet/layers.js';

/** A layer's column in `tare packets`; `title` heads it in text and CSV and names it in NDJSON. */
export interface LayerColumn {
  readonly title: string;
  /** Index in a row of `PacketBatch.layerBytes`. */
  readonly layer: number;
}

const TITLES: Readonly<Record<LayerName, string>> = {
  link: 'link',
  ip: 'ip',
  udpEncap: 'udp',
  ah: 'ah',
  espHeader: 'esp',
  espIv: 'iv',
  espPadding: 'pad',
  espTrailer: 'trl',
  espIcv: 'icv',
  innerIp: 'inner',
  transport: 'l4',
  payload: 'payload',
  other: 'other',
  espOpaque: 'closed',
  fragment: 'frag',
};

/** All layers, in the order of their columns. */
export const LAYER_COLUMNS: readonly LayerColumn[] = (Object.keys(TITLES) as LayerName[]).map((name) => ({
  title: TITLES[name],
  layer: Layer[name],
}));
