import type { RunCheck } from '../../result/measured-run.js';
import type { Host } from '../hosts/host.js';
import type { ByRole, RunPlace } from '../steps/run-context.js';

/**
 * That both hosts are those they are thought to be. Hosts are open, so ssh has compared their keys with those it knows: it makes no
 * connection otherwise.
 */
export function authenticationCheck({ hosts, descriptions, lab }: RunPlace): RunCheck {
  return {
    requirement: 'both hosts are authenticated',
    ok: true,
    evidence: lab === undefined ? describeHosts(hosts, descriptions) : describeLab(hosts.source),
  };
}

function describeLab({ hostKey }: Host): string {
  return (
    `both machines of the laboratory show ssh the key ${hostKey?.fingerprint ?? '(none)'}, and let in one key alone; ` +
    'both keys were made for this laboratory'
  );
}

function describeHosts(hosts: ByRole<Host>, descriptions: RunPlace['descriptions']): string {
  const isHere = descriptions.source.kind === 'local' && descriptions.destination.kind === 'local';
  if (isHere) return 'both are this machine itself';
  return (['source', 'destination'] as const)
    .map((role) => {
      const description = descriptions[role];
      if (description.kind !== 'ssh') return `${role}: this machine itself`;
      const { name, hostKey } = hosts[role];
      if (!hostKey) return `${role}: ${name}, whose ssh server proved itself without a host key (Kerberos)`;
      const pinned = description.hostKeys === undefined ? '' : ' and the inventory names';
      return `${role}: ${name}, whose ssh server has the ${hostKey.algorithm} key ${hostKey.fingerprint} that ssh knows${pinned}`;
    })
    .join('; ');
}
