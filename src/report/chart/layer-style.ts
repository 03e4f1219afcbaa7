import type { ReportedLayer } from '../../analysis/analysis-summary.js';

/** Owners of bytes in the order in which they are stacked: what was carried, what every network adds, what IPsec adds. */
export const LAYER_NAMES: Readonly<Record<ReportedLayer, string>> = {
  payload: 'Payload',
  transport: 'TCP, UDP headers',
  innerIp: 'Inner IP headers',
  ip: 'IP headers',
  link: 'Link headers',
  other: 'Other',
  udpEncap: 'UDP around ESP',
  ah: 'AH',
  espHeader: 'ESP header',
  espIv: 'ESP IV',
  espPadding: 'ESP padding',
  espTrailer: 'ESP trailer',
  espIcv: 'ESP ICV',
};

export const LAYER_ORDER = Object.keys(LAYER_NAMES) as ReportedLayer[];

/** All but what was carried. */
export const HEADER_ORDER: readonly ReportedLayer[] = LAYER_ORDER.filter((layer) => layer !== 'payload');
