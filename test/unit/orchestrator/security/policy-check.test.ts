import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { after, before, type TestContext, test } from 'node:test';
import {
  findPolicyGaps,
  parsePolicies,
  policyCheck,
} from '../../../../src/orchestrator/security/policy-check.js';
import { createXfrmChannel, type ProtectedService } from '../../../../src/orchestrator/xfrm/xfrm-channel.js';
import type { Ipsec } from '../../../../src/scenario/scenario.js';
import { findTool, requireTool } from '../../../tool.js';

const BOTH: Ipsec = {
  esp: 'aes128-sha256',
  ah: 'sha256',
  mode: 'transport',
  encap: false,
  esn: false,
  align4: false,
};
const V4: ProtectedService = { source: '10.98.7.1', destination: '10.98.7.2', port: 4444 };
const V6: ProtectedService = { source: 'fd98:7::1', destination: 'fd98:7::2', port: 4444 };
const NAMESPACE = `tare-policy-${process.pid}`;
let obstacle: string | null = null;

before(() => {
  const made = findTool('ip') === undefined ? null : ip(['netns', 'add', NAMESPACE]);
  if (made !== '') obstacle = `no network namespaces here: ${made}`;
});
after(() => {
  if (obstacle === null) ip(['netns', 'del', NAMESPACE]);
});

const SUITES: readonly Ipsec[] = [
  BOTH,
  { ...BOTH, ah: null },
  { ...BOTH, esp: null },
  { ...BOTH, mode: 'tunnel' },
];

for (const ipsec of SUITES) {
  const name = [ipsec.esp, ipsec.ah, ipsec.mode].filter(Boolean).join(', ');
  test(`with the policies of a run (${name}) in the kernel nothing is found wrong; without any of them, that one`, (t) => {
    if (!canUseKernel(t)) return;
    for (const service of [V4, V6]) {
      for (const [role, side] of [
        ['source', 'Source'],
        ['destination', 'Destination'],
      ] as const) {
        const channel = createXfrmChannel(ipsec, service)!;
        const policies = policiesOf(channel[`add${side}`]);
        batch(policies);
        assert.deepEqual(findPolicyGaps(listed(), role, service, ipsec), []);
        for (const line of policies) {
          const selector = /src .* dir \w+/.exec(line)![0];
          batch([`xfrm policy del ${selector}`]);
          const gaps = findPolicyGaps(listed(), role, service, ipsec);
          assert.equal(gaps.length, 1, selector);
          assert.match(gaps[0]!, /^there is no policy src /);
          batch([line]);
        }
        batch(['xfrm policy flush']);
      }
    }
  });
}

test('a policy that would come first and lets packets through is found; those that concern others are not', (t) => {
  if (!canUseKernel(t)) return;
  const own = policiesOf(createXfrmChannel(BOTH, V4)!.addSource);
  const gapsBeside = (policy: string): string[] => {
    batch([`xfrm policy add ${policy}`, ...own]);
    const gaps = findPolicyGaps(listed(), 'source', V4, BOTH);
    batch(['xfrm policy flush']);
    return gaps;
  };
  for (const overruling of [
    'src 10.0.0.0/8 dst 10.98.7.0/24 dir out',
    'src 0.0.0.0/0 dst 0.0.0.0/0 proto 6 dir out',
    'src 10.98.7.2 dst 10.98.7.1 dir in',
  ])
    assert.match(gapsBeside(overruling).join(), /not of this run may come before its own/, overruling);
  for (const harmless of [
    'src 10.0.0.0/8 dst 10.98.7.0/24 dir out priority 5000',
    'src 10.0.0.0/8 dst 10.99.0.0/24 dir out',
    'src 10.0.0.0/8 dst 10.98.7.0/24 proto 17 dir out',
    'src 10.0.0.0/8 dst 10.98.7.0/24 dir fwd',
    'src 0.0.0.0/0 dst 0.0.0.0/0 dir out action block',
    'src ::/0 dst ::/0 dir out',
  ])
    assert.deepEqual(gapsBeside(harmless), [], harmless);
});

test('a template that may be left out does not count as protection', () => {
  const text = [
    'src 10.98.7.1/32 dst 10.98.7.2/32 proto tcp dport 4444 ',
    '\tdir out priority 0 ptype main ',
    '\ttmpl src 10.98.7.1 dst 10.98.7.2',
    '\t\tproto esp reqid 1 mode transport',
    '\t\tlevel use ',
  ].join('\n');
  const gaps = findPolicyGaps(parsePolicies(text), 'source', V4, { ...BOTH, ah: null });
  assert.ok(gaps.some((gap) => gap.startsWith('there is no policy src 10.98.7.1/32 dst 10.98.7.2/32')));
});

test('a policy whose protocol is shown by its number is the same policy', () => {
  const [byName] = parsePolicies(
    'src ::1/128 dst ::2/128 proto tcp dport 4444 \n\tdir out priority 0 ptype main \n',
  );
  const [byNumber] = parsePolicies(
    'src ::1/128 dst ::2/128 proto 6 dport 4444 \n\tdir out priority 0 ptype main \n',
  );
  assert.deepEqual(byNumber, byName);
});

test('the evidence names protocols, port and addresses', () => {
  const { requirement, evidence } = policyCheck(V4, BOTH);
  assert.equal(requirement, 'packets in the clear are blocked');
  assert.match(evidence, /demand AH and ESP of TCP port 4444 between 10\.98\.7\.1 and 10\.98\.7\.2/);
});

function canUseKernel(t: TestContext): boolean {
  if (!requireTool(t, 'ip')) return false;
  if (obstacle !== null) t.skip(obstacle);
  return obstacle === null;
}

function policiesOf(text: string): string[] {
  return text.split('\n').filter((line) => line.startsWith('xfrm policy'));
}

function listed() {
  const { stdout } = spawnSync('ip', ['-n', NAMESPACE, 'xfrm', 'policy', 'list'], { encoding: 'utf8' });
  return parsePolicies(stdout);
}

function batch(lines: readonly string[]): void {
  assert.equal(ip(['-n', NAMESPACE, '-batch', '-'], `${lines.join('\n')}\n`), '');
}

/** @returns what ip complained of */
function ip(args: readonly string[], input = ''): string {
  const { stderr, error } = spawnSync('ip', args, { encoding: 'utf8', input });
  return error?.message ?? stderr;
}
