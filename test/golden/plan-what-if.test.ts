import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { importSecurityAssociations } from '../../src/ipsec/import/import-security-associations.js';
import { parseAhSuite, parseEspSuite } from '../../src/ipsec/suite.js';
import { observeFiles } from '../../src/pipeline/observe-files.js';
import { PLAN_LAYERS, sumOfLayers } from '../../src/plan/layer-totals.js';
import { calculatePlan } from '../../src/plan/plan-result.js';
import type { PlanSettings } from '../../src/plan/plan-settings.js';
import { KEPT_REASONS, type ObservedTraffic, reportWhatIf } from '../../src/plan/what-if-report.js';
import { repoPath } from '../repo-root.js';

interface Capture {
  readonly name: string;
  readonly esp: string | null;
  readonly ah: string | null;
}

const ENCRYPTED: readonly Capture[] = [
  { name: 'ipsec/t4-cbc-sha1.pcap', esp: 'aes128-sha1', ah: null },
  { name: 'ipsec/t4-cbc-sha256.pcap', esp: 'aes256-sha256', ah: null },
  { name: 'ipsec/t4-chacha.pcap', esp: 'chacha20poly1305', ah: null },
  { name: 'ipsec/t4-gcm16.pcap', esp: 'aes128gcm16', ah: null },
  { name: 'ipsec/t4-esn-gcm16.pcap', esp: 'aes128gcm16', ah: null },
  { name: 'ipsec/t4-null-sha256.pcap', esp: 'null-sha256', ah: null },
  { name: 'ipsec/t4-ah-sha256.pcap', esp: null, ah: 'sha256' },
  { name: 'ipsec/t4-ah-esp-cbc-sha1.pcap', esp: 'aes128-sha1', ah: 'sha1' },
  { name: 'ipsec/t6-ah-esp.pcap', esp: 'aes128-sha256', ah: 'sha256' },
  { name: 'ipsec/tun4-natt-cbc-sha256.pcap', esp: 'aes256-sha256', ah: null },
  { name: 'migration/ms-gcm-1500.pcap', esp: 'aes128gcm16', ah: null },
  { name: 'migration/ms-ahesp-1500.pcap', esp: 'aes128-sha256', ah: 'sha256' },
];

const CLEAR = [
  'migration/m-clear-idle.pcap.gz',
  'migration/m-clear-multifd.pcap.gz',
  'migration/ms-clear-1500.pcap.gz',
  'migration/ms-clear-40mbit.pcap.gz',
];

interface TcpDirection {
  readonly largestPayload: number;
  readonly payloadBytes: number;
  readonly retransmissions: number;
}

/** What tshark says; `decapsulatedCopies` are frames that were never on the wire. */
interface Expected {
  readonly packets: number;
  readonly wireBytes: number;
  readonly decapsulatedCopies: { readonly frames: readonly number[] };
  /** Null: tshark cannot open this suite, or there is nothing to open. */
  readonly decrypted?: { readonly padBytes: number } | null;
  readonly decryptedTcp?: readonly TcpDirection[] | null;
  readonly tcp: readonly TcpDirection[];
}

function expectedOf(name: string): Expected {
  const file = name.replace(/^.*\//, '').replace(/\.pcap(\.gz)?$/, '');
  return JSON.parse(readFileSync(repoPath(`test/golden/expected/tshark-${file}.json`), 'utf8')) as Expected;
}

/** As far as tshark can open it. */
function directionsOf(name: string): readonly TcpDirection[] {
  const { decryptedTcp, tcp } = expectedOf(name);
  return decryptedTcp ?? tcp;
}

async function observe(name: string, withKeys: boolean): Promise<ObservedTraffic> {
  const path = repoPath(`captures/${name}`);
  const keys = path.replace(/\.pcap$/, '.xfrm');
  const associations = withKeys
    ? importSecurityAssociations(readFileSync(keys, 'utf8'), keys).associations
    : [];
  const request = { paths: [path], associations, assumedEsp: null, assumedAh: null };
  return (await observeFiles(request)).traffic;
}

function settingsFor({ name, esp, ah }: Capture): PlanSettings {
  const isTunnel = name.includes('tun4');
  return {
    payloadBytes: 1_000_000,
    linkBps: null,
    protections: [
      { esp: esp === null ? null : parseEspSuite(esp), ah: ah === null ? null : parseAhSuite(ah) },
    ],
    mode: isTunnel ? 'tunnel' : 'transport',
    udpEncap: isTunnel,
    esn: name.includes('esn'),
    align4: false,
    family: name.includes('t6') ? 6 : 4,
    linkMtus: [{ from: 1500, to: 1500 }],
    mss: 'auto',
  };
}

/** Same packets, bytes and layers as captured, and that is what tshark counted. */
function assertReproduced(
  traffic: ObservedTraffic,
  row: { packets: number; wireBytes: number; layers: object },
  name: string,
): void {
  const { packets, wireBytes, decapsulatedCopies } = expectedOf(name);
  const copies = decapsulatedCopies.frames.length;
  assert.equal(row.packets, packets - copies);
  if (copies === 0) assert.equal(row.wireBytes, wireBytes);
  assert.equal(row.wireBytes, traffic.captured.wireBytes);
  assert.deepEqual(row.layers, traffic.captured.layers);
  for (const { layers, wireBytes: sum } of [traffic.captured, traffic.resegmented]) {
    assert.equal(sumOfLayers(layers), sum);
  }
  const kept = KEPT_REASONS.reduce((sum, reason) => sum + traffic.kept[reason], 0);
  assert.equal(traffic.captured.packets - traffic.resegmented.packets, kept);
}

for (const capture of ENCRYPTED) {
  const { name } = capture;
  test(`what-if for the protection ${name} was recorded with gives back its packets and bytes`, async () => {
    const traffic = await observe(name, true);
    const [, row] = reportWhatIf([name], traffic, settingsFor(capture)).rows;
    assertReproduced(traffic, row!, name);
    assert.equal(traffic.inferredPackets, 0);
    assert.ok(traffic.resegmented.wireBytes > 0.97 * traffic.captured.wireBytes);
    const { decrypted } = expectedOf(name);
    if (decrypted) assert.equal(traffic.captured.layers.espPadding, decrypted.padBytes);
    assert.equal(traffic.kept.retransmitted, retransmissions(directionsOf(name)));
  });

  if (directionsOf(name).length === 0) continue;
  test(`the plan for that protection derives the largest payload in ${name}`, () => {
    const largest = Math.max(...directionsOf(name).map(({ largestPayload }) => largestPayload));
    assert.equal(calculatePlan(settingsFor(capture)).chosen.mssBytes, largest);
  });

  if (capture.esp === null) continue;
  test(`what-if gives back ${name} without keys too, and puts what is inside where tshark finds it`, async () => {
    const traffic = await observe(name, false);
    const [clear, row] = reportWhatIf([name], traffic, settingsFor(capture)).rows;
    assertReproduced(traffic, row!, name);
    assert.ok(traffic.inferredPackets > 0.9 * traffic.captured.packets);
    const opened = await observe(name, true);
    const [measured] = reportWhatIf([name], opened, settingsFor(capture)).rows;
    assert.ok(Math.abs(clear!.wireBytes - measured!.wireBytes) < 0.003 * measured!.wireBytes);
    assert.ok(Math.abs(clear!.packets - measured!.packets) <= 3);
    const inside = traffic.resegmented.layers.payload;
    const payload = directionsOf(name).reduce((sum, { payloadBytes }) => sum + payloadBytes, 0);
    assert.ok(Math.abs(inside - payload) < 0.01 * payload, `${inside} inferred, ${payload} by tshark`);
  });
}

for (const name of CLEAR) {
  test(`what-if without IPsec gives back the packets and bytes of ${name}`, async () => {
    const traffic = await observe(name, false);
    const settings = settingsFor({ name, esp: 'aes128gcm16', ah: null });
    const [row, gcm] = reportWhatIf([name], traffic, settings).rows;
    assertReproduced(traffic, row!, name);
    assert.equal(traffic.kept.retransmitted, retransmissions(directionsOf(name)));
    // Each segment gains ESP's header 8, IV 8, trailer 2, ICV 16 at least.
    assert.ok(gcm!.wireBytes - row!.wireBytes >= 34 * traffic.resegmented.packets);
    for (const layer of PLAN_LAYERS) assert.ok(gcm!.layers[layer] >= 0, layer);
    assert.equal(gcm!.layers.payload, row!.layers.payload);
  });
}

function retransmissions(directions: readonly TcpDirection[]): number {
  return directions.reduce((sum, direction) => sum + direction.retransmissions, 0);
}
