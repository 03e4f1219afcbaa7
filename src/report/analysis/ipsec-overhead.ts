import type {
  AnalysisSummary,
  Certainty,
  LayerBytes,
  ReportedLayer,
} from '../../analysis/analysis-summary.js';

const IPSEC_LAYERS = [
  'udpEncap',
  'ah',
  'espHeader',
  'espIv',
  'espPadding',
  'espTrailer',
  'espIcv',
] as const satisfies readonly ReportedLayer[];

const CERTAINTIES: readonly Certainty[] = ['measured', 'inferred', 'bounded'];

/**
 * Bytes on the wire that are there because of IPsec: UDP encapsulation, AH and everything of ESP but what it carries; in
 * tunnel mode the second IP header too. Extra headers of fragments are not among them. As certain as the least certain part.
 */
export function ipsecOverhead(summary: AnalysisSummary): LayerBytes {
  const hasTunnel = summary.securityAssociations.some(({ mode }) => mode === 'tunnel');
  const layers: readonly ReportedLayer[] = hasTunnel ? [...IPSEC_LAYERS, 'innerIp'] : IPSEC_LAYERS;
  const parts = layers.map((layer) => summary.bytes[layer]);
  return {
    bytes: sum(parts, ({ bytes }) => bytes),
    certainty: leastCertain(parts.filter(({ bytes, max }) => (max ?? bytes) > 0)),
    min: sum(parts, ({ bytes, min }) => min ?? bytes),
    max: sum(parts, ({ bytes, max }) => max ?? bytes),
  };
}

function sum(parts: readonly LayerBytes[], value: (part: LayerBytes) => number): number {
  return parts.reduce((total, part) => total + value(part), 0);
}

function leastCertain(parts: readonly LayerBytes[]): Certainty {
  const worst = Math.max(0, ...parts.map(({ certainty }) => CERTAINTIES.indexOf(certainty)));
  return CERTAINTIES[worst] ?? 'bounded';
}
