/**
 * Offloads that put packets together or take them apart below where captures are made and IPsec works: with them neither a
 * capture nor a count of packets shows what the wire carries. Names as `ethtool -k` prints them, and as `ethtool -K` takes
 * them. TCP's segmentation is a matter of several features, each of which is to be restored by itself.
 */
const NAMES: Readonly<Record<string, string>> = {
  'tx-tcp-segmentation': 'tx-tcp-segmentation',
  'tx-tcp6-segmentation': 'tx-tcp6-segmentation',
  'tx-tcp-ecn-segmentation': 'tx-tcp-ecn-segmentation',
  'tx-tcp-mangleid-segmentation': 'tx-tcp-mangleid-segmentation',
  'tx-tcp-accecn-segmentation': 'tx-tcp-accecn-segmentation',
  'generic-segmentation-offload': 'gso',
  'generic-receive-offload': 'gro',
  'large-receive-offload': 'lro',
  'rx-gro-hw': 'rx-gro-hw',
  'rx-gro-list': 'rx-gro-list',
  'tx-gso-list': 'tx-gso-list',
  'tx-gso-partial': 'tx-gso-partial',
  'tx-esp-segmentation': 'tx-esp-segmentation',
  'esp-hw-offload': 'esp-hw-offload',
};

/**
 * @param features that are on
 * @returns those among them to be switched off, as `ethtool -K` takes them
 */
export function segmentationOffloads(features: readonly string[]): string[] {
  return features.flatMap((feature) => NAMES[feature] ?? []);
}
