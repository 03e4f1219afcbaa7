import { findPolicyGaps, parsePolicies, policyCheck } from '../security/policy-check.js';
import { holdEncapsulationPort } from '../xfrm/encapsulation-port.js';
import { withoutKeys } from '../xfrm/without-keys.js';
import { createXfrmChannel, type ProtectedService } from '../xfrm/xfrm-channel.js';
import { xfrmRemoval } from '../xfrm/xfrm-removal.js';
import { describedChannel } from './check-hosts.js';
import { EnvironmentError, filled, onBoth, ROLES, type RunContext } from './run-context.js';
import type { HostRole, Step, UndoList } from './step.js';

/** States and policies with fresh keys, on both hosts. */
export const protectChannel: Step<RunContext> = {
  name: 'ipsec',
  title: 'IPsec states and policies',
  async perform(context, undo) {
    const { place, scenario } = context;
    const service = { ...place.addresses, port: filled(context, 'port') };
    context.channel = describedChannel(() => createXfrmChannel(scenario.ipsec, service));
    if (context.channel === null) return;
    if (scenario.ipsec.encap) {
      for (const role of ROLES) {
        const holder = await holdEncapsulationPort(place.hosts[role], place.addresses[role]);
        context.closers.push(() => holder.kill());
      }
    }
    await onBoth((role) => addTo(context, role, undo));
    await onBoth((role) => requireBlock(context, role, service));
    context.checks.push(policyCheck(service, scenario.ipsec));
  },
};

/** That nothing goes in the clear must not depend on an SA being there: the policies are read back. */
async function requireBlock(context: RunContext, role: HostRole, service: ProtectedService): Promise<void> {
  const host = context.place.hosts[role];
  const { stdout } = await host.run('ip', ['xfrm', 'policy', 'list']);
  const gaps = findPolicyGaps(parsePolicies(stdout), role, service, context.scenario.ipsec);
  if (gaps.length === 0) return;
  throw new EnvironmentError(
    `${host.name}: its policies do not keep the migration from going in the clear: ${gaps.join('; ')}`,
  );
}

async function addTo(context: RunContext, role: HostRole, undo: UndoList): Promise<void> {
  const channel = filled(context, 'channel');
  if (channel === null) return;
  const host = context.place.hosts[role];
  const [add, remove] =
    role === 'source'
      ? [channel.addSource, channel.removeSource]
      : [channel.addDestination, channel.removeDestination];
  const title = 'remove IPsec states and policies';
  undo.register({ role, title, ...xfrmRemoval(remove) });
  const { code, stderr } = await host.run('ip', ['-batch', '-'], { input: add, check: false });
  if (code !== 0)
    throw new EnvironmentError(`${host.name} does not take the IPsec states: ${withoutKeys(stderr)}`);
}
