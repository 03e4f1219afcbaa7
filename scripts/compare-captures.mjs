// Prints what the models predict for the scenarios of the bundled migration captures, beside what QEMU reported.
// node scripts/compare-captures.mjs [analytic|packet]
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { predictAnalytic } from '../dist/src/model/analytic/analytic-model.js';
import { loadCalibration } from '../dist/src/model/calibration/load-calibration.js';
import { predictPacket } from '../dist/src/model/predict-packet.js';

const MIB = 2 ** 20;
const root = fileURLToPath(new URL('..', import.meta.url));

// The small guest wrote some 60 to 90 pages a second; the large one all of 2 MiB between any two synchronisations.
const SMALL = {
  memoryBytes: 16 * MIB,
  filledBytes: 4 * MIB,
  workload: { kind: 'sequential', pagesPerSecond: 80, workingSetBytes: 2 * MIB },
};
const LARGE = {
  // Its processor never rests, unlike the small guest's
  cpuShare: 0.4,
  memoryBytes: 32 * MIB,
  filledBytes: 8 * MIB,
  workload: { kind: 'sequential', pagesPerSecond: 7000, workingSetBytes: 2 * MIB },
};
const CLEAR = { esp: null, ah: null };
export const CAPTURES = [
  { name: 'ms-clear-1500', guest: SMALL, ipsec: CLEAR },
  // tbf counts frames without the 24 bytes of preamble, check sequence and gap
  { name: 'ms-clear-40mbit', guest: SMALL, ipsec: CLEAR, linkBps: (40e6 * 1538) / 1514 },
  { name: 'ms-gcm-1500', guest: SMALL, ipsec: { esp: 'aes128gcm16', ah: null } },
  { name: 'ms-ahesp-1500', guest: SMALL, ipsec: { esp: 'aes128-sha256', ah: 'sha256' } },
  { name: 'm-clear-idle', guest: LARGE, ipsec: CLEAR },
  // Its many threads take more of the core from the guest's one
  { name: 'm-clear-multifd', guest: { ...LARGE, cpuShare: 0.5 }, ipsec: CLEAR, multifdChannels: 4 },
];

// Measured elsewhere, without a capture: the same small guest.
export const REPORTED = [
  {
    name: 'ahesp at 9000',
    guest: SMALL,
    ipsec: { esp: 'aes128-sha256', ah: 'sha256' },
    mtu: 9000,
    totalMs: 1420,
  },
];

export function scenarioOf({ name, guest, ipsec, linkBps = 10e9, mtu = 1500, multifdChannels = 0 }) {
  const { cpuShare = 0.5, ...memory } = guest;
  const host = { cores: 1, cpuShare };
  return {
    name,
    description: '',
    guest: memory,
    network: {
      linkBps,
      rttUs: 100,
      loss: 0,
      mtu,
      mss: 'auto',
      queuePackets: 1000,
      family: 'ipv4',
      congestionControl: 'cubic',
    },
    ipsec: { ...ipsec, mode: 'transport', encap: false, esn: false, align4: false },
    migration: {
      maxBandwidth: 125_000_000,
      downtimeLimitMs: 300,
      multifdChannels,
      autoConverge: false,
      xbzrle: null,
      compression: null,
      postcopyAfterIterations: null,
      timeoutMs: 60_000,
    },
    hosts: { calibration: 'lab-namespaces', source: host, destination: host },
    seed: 1,
  };
}

function reported(name) {
  const { final } = JSON.parse(readFileSync(`${root}/captures/migration/${name}.json`, 'utf8'));
  return {
    totalMs: final['total-time'],
    downtimeMs: final.downtime,
    normal: final.ram.normal,
    zero: final.ram.duplicate,
    synchronisations: final.ram['dirty-sync-count'],
  };
}

function percent(predicted, measured) {
  return `${((predicted / measured - 1) * 100).toFixed(0)} %`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const level = process.argv[2] ?? 'analytic';
  const predict = level === 'packet' ? predictPacket : predictAnalytic;
  const calibration = loadCalibration('lab-namespaces');
  for (const capture of CAPTURES) {
    const run = predict(scenarioOf(capture), calibration);
    const real = reported(capture.name);
    console.log(
      `${capture.name.padEnd(16)} total ${run.totalTimeMs.toFixed(0)} / ${real.totalMs} ms (${percent(run.totalTimeMs, real.totalMs)}), ` +
        `downtime ${run.downtimeMs?.toFixed(0)} / ${real.downtimeMs} ms (${percent(run.downtimeMs, real.downtimeMs)}), ` +
        `normal ${run.stream.normalPages} / ${real.normal}, iterations ${run.iterations.length} / ${real.synchronisations - 1}, ` +
        `zero ${run.stream.zeroPages} / ${real.zero}, setup ${run.setupMs.toFixed(0)}, limited by ${run.limitedBy}`,
    );
  }
  for (const each of REPORTED) {
    const run = predict(scenarioOf(each), calibration);
    console.log(
      `${each.name.padEnd(16)} total ${run.totalTimeMs.toFixed(0)} / ${each.totalMs} ms (${percent(run.totalTimeMs, each.totalMs)})`,
    );
  }
}
