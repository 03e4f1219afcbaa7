import { stackSizes } from '../../../../src/ipsec/protection-stack.js';
import { AH_SUITES, ESP_SUITES, type EspSuite } from '../../../../src/ipsec/suite-table.js';
import { adviceFor } from '../../../../src/plan/advice.js';
import { planAlternatives } from '../../../../src/plan/alternatives.js';
import { mssSawtooth } from '../../../../src/plan/mss-sawtooth.js';
import { planRows, stackOf } from '../../../../src/plan/rows.js';
import type { PlanReport } from '../../../../src/report/chart/plan-report.js';

const PAYLOAD_BYTES = 4 * 2 ** 30;

/** 4 GiB by three suites in two modes at many MTUs, with everything a report can show. */
export function samplePlan(): PlanReport {
  const suites = ['aes128gcm16', 'aes256-sha256', 'chacha20poly1305'].map(espSuite);
  const rows = [
    ...planRows({
      payloadBytes: PAYLOAD_BYTES,
      linkMtu: { from: 1300, to: 9000, step: 100 },
      esp: [null, ...suites],
      ah: [null, AH_SUITES[0]!],
      modes: ['transport', 'tunnel'],
      udpEncap: [false],
      families: [4],
      mss: 'auto',
    }),
  ];
  return {
    payloadBytes: PAYLOAD_BYTES,
    rows,
    fullPackets: suites.map((esp) => ({
      label: `${esp.name} tunnel`,
      layers: stackSizes(
        { family: 4, transportHeaderBytes: 32, payloadBytes: 1386 },
        stackOf({ esp, ah: null, mode: 'tunnel' }),
      ),
    })),
    sawtooth: suites.map((esp) => ({
      label: esp.name,
      points: mssSawtooth(stackOf({ esp, ah: null, mode: 'transport' }), 1500, 1360, 1440),
    })),
    alternatives: planAlternatives({ payloadBytes: PAYLOAD_BYTES, family: 4, linkMtuBytes: 1500 }),
    advice: adviceFor({
      family: 4,
      linkMtuBytes: 1500,
      pathMtuBytes: 1438,
      esp: suites[0]!,
      ah: null,
      mode: 'tunnel',
      udpEncap: false,
    }),
  };
}

function espSuite(name: string): EspSuite {
  const suite = ESP_SUITES.find((candidate) => candidate.name === name);
  if (suite === undefined) throw new Error(`no suite is called ${name}`);
  return suite;
}
