import { join } from 'node:path';
import {
  captureFilter,
  captureOnHost,
  type LinkCapture,
  watchForeignCapture,
} from '../measure/link-capture.js';
import { filled, ROLES, type RunContext } from './run-context.js';
import type { HostRole, Step } from './step.js';

/** Ethernet, VLAN, outer IPv6, UDP, AH with the longest ICV, ESP with IV, inner IPv6 and TCP with options. */
const HEADERS_BYTES = 256;
/** More than any packet. */
const WHOLE_BYTES = 65_535;

/**
 * Begins to record the link: in a laboratory from outside, which costs its machines nothing; else on both hosts. Captures end with
 * the run, so nothing is to be undone.
 */
export const startCaptures: Step<RunContext> = {
  name: 'capture',
  title: 'captures',
  async perform(context) {
    const sides = context.place.lab === undefined ? ROLES : (['source'] as const);
    const captures: Partial<Record<HostRole, LinkCapture>> = {};
    context.captures = captures;
    for (const role of sides) {
      const capture = await startCapture(context, role);
      captures[role] = capture;
      // Stopping it twice does nothing; a failure has been told by then.
      context.closers.push(() => capture.stop().catch(() => {}));
      capture.ended.catch((error: unknown) => context.fault.abort(error));
    }
  },
};

/** Whether the kernels feed what they have opened to the device again. */
export function isTunnelled({ channel, scenario }: RunContext): boolean {
  return channel != null && scenario.ipsec.mode !== 'transport';
}

async function startCapture(context: RunContext, role: HostRole): Promise<LinkCapture> {
  const { place, options } = context;
  const path = join(options.captureFolder, `${role}.pcap`);
  const snapLength = options.fullCapture ? WHOLE_BYTES : HEADERS_BYTES;
  if (place.lab !== undefined) {
    const capture = await place.lab.captureLink(role, path, snapLength);
    return watchForeignCapture(path, () => capture.stop());
  }
  const { source, destination } = place.addresses;
  const filter = captureFilter([source, destination], filled(context, 'port'), isTunnelled(context));
  return captureOnHost(place.hosts[role], { device: place.devices[role], path, snapLength, filter });
}
