import { readFileSync } from 'node:fs';
import { LiveCaptureError } from '../../capture/live/live-capture-error.js';
import { libpcapVersion } from '../../capture/live/native-addon.js';
import type { Finding } from './machine-finding.js';

/** Bit of CAP_NET_RAW in capability masks (capability.h). */
const NET_RAW = 1n << 13n;

/** What live capture needs. */
export function examineCapture(): Finding[] {
  return [examineAddon(), examineRight()];
}

function examineAddon(): Finding {
  const finding = { name: 'addon and libpcap', neededFor: ['capture'] } as const;
  try {
    return { ...finding, state: 'ok', found: libpcapVersion(), remedy: '' };
  } catch (error) {
    if (!(error instanceof LiveCaptureError)) throw error;
    const [found = '', remedy = ''] = error.message.split('\n');
    return { ...finding, state: 'missing', found, remedy };
  }
}

function examineRight(): Finding {
  const status = readFileSync('/proc/self/status', 'utf8');
  const capabilities = BigInt(`0x${/^CapEff:\s*([0-9a-f]+)/m.exec(status)?.[1] ?? '0'}`);
  const isThere = (capabilities & NET_RAW) !== 0n;
  return {
    name: 'right to capture',
    state: isThere ? 'ok' : 'missing',
    found: isThere ? 'yes' : 'no',
    neededFor: ['capture'],
    remedy: isThere ? '' : 'sudo tare capture; without it, tare capture says what else helps',
  };
}
