/**
 * Two machines of a lab, taken for hosts of one's own: reached over ssh with an inventory, as docs/HOSTS.md tells it. What is not listed
 * is refused, what is done is recorded, and what is in the clear does not get through.
 */
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Host } from '../../src/orchestrator/hosts/host.js';
import type { Lab } from '../../src/orchestrator/lab/lab.js';
import { runFolder } from '../../src/orchestrator/lab/lab-paths.js';
import { readNetworkCounters } from '../../src/orchestrator/measure/network-counters.js';
import { labPlace } from '../../src/orchestrator/open-place.js';
import { RUN_STEPS, runMigration } from '../../src/orchestrator/run-migration.js';
import { identifyOperator } from '../../src/orchestrator/security/operator.js';
import type { RunContext } from '../../src/orchestrator/steps/run-context.js';
import { RunFailure } from '../../src/orchestrator/steps/run-failure.js';
import type { Step } from '../../src/orchestrator/steps/step.js';
import { createXfrmChannel } from '../../src/orchestrator/xfrm/xfrm-channel.js';
import { xfrmRemoval } from '../../src/orchestrator/xfrm/xfrm-removal.js';
import type { RunResult } from '../../src/result/run-result.js';
import { repoPath } from '../repo-root.js';
import { requireTool, runTool } from '../tool.js';
import { labScenario } from './lab-scenario.js';
import { TestLab } from './test-lab.js';

const bench = await TestLab.forTests('security');
const TARE = repoPath('dist/src/cli/main.js');
const PORT = 49_152;
const OTHER_ADDRESS = '10.9.0.3';

bench.traceless(
  'without SAs nothing gets through: the source does not send, and the destination does not listen',
  async (lab, t) => {
    if (!requireTool(t, 'tshark')) return;
    const { source, destination } = lab;
    const addresses = lab.addresses.ipv4;
    const { ipsec } = labScenario({ esp: 'aes128gcm16' });
    const channel = createXfrmChannel(ipsec, { ...addresses, port: PORT })!;
    await lab.setLink(labScenario().network);
    await source.run('ip', ['address', 'add', `${OTHER_ADDRESS}/32`, 'dev', lab.linkDevice]);
    const listener = await destination.start('perl', ['-MIO::Socket::INET', '-e', LISTEN, String(PORT)]);
    const from = (address: string, seconds?: number) =>
      connectsFrom(source, address, addresses.destination, seconds);
    try {
      await once(listener.stdout, 'data');
      await source.run('ip', ['-batch', '-'], { input: channel.addSource });
      await destination.run('ip', ['-batch', '-'], { input: channel.addDestination });
      assert.equal(await from(addresses.source, 60), true, 'with SAs it does');
      const only = (text: string, what: string): string =>
        `${text
          .split('\n')
          .filter((line) => line.startsWith(`xfrm ${what}`))
          .join('\n')}\n`;

      const clear = await clearPacketsWhile(lab, async () => {
        await remove(source, only(channel.removeSource, 'state'));
        await remove(destination, only(channel.removeDestination, 'state'));
        assert.equal(await from(addresses.source), false);
        assert.equal(await from(OTHER_ADDRESS), false);
      });
      assert.equal(clear, 0, 'nothing was even sent');

      await remove(source, only(channel.removeSource, 'policy'));
      const before = await readNetworkCounters(destination);
      const sent = await clearPacketsWhile(lab, async () => {
        assert.equal(await from(addresses.source), false);
        assert.equal(await from(OTHER_ADDRESS), false);
      });
      assert.ok(sent > 0, 'a source without policies sends in the clear');
      const after = await readNetworkCounters(destination);
      const dropped = (reason: string) => (after.xfrm?.[reason] ?? 0) - (before.xfrm?.[reason] ?? 0);
      assert.ok(dropped('XfrmInTmplMismatch') > 0, 'not protected as the policy demands');
      assert.ok(dropped('XfrmInPolBlock') > 0, 'from an address that no policy is for');

      await remove(destination, only(channel.removeDestination, 'policy'));
      assert.equal(await from(addresses.source, 60), true, 'it was the policies that kept it out');
    } finally {
      await listener.kill();
      await remove(source, channel.removeSource);
      await remove(destination, channel.removeDestination);
      await source.run('ip', ['address', 'del', `${OTHER_ADDRESS}/32`, 'dev', lab.linkDevice]);
    }
  },
);

bench.traceless(
  'a run whose policies somebody takes away fails, and says what went in the clear',
  async (lab) => {
    const sabotage: Step<RunContext> = {
      name: 'sabotage',
      title: 'sabotage',
      perform: async ({ place }) => {
        for (const host of [place.hosts.source, place.hosts.destination])
          await host.run('ip', ['xfrm', 'policy', 'flush']);
      },
    };
    const steps = RUN_STEPS.flatMap((step) => (step.name === 'migrate' ? [sabotage, step] : [step]));
    const scenario = labScenario({ esp: 'aes128gcm16', filled: '1MiB', workingSet: '1MiB' });
    const run = runMigration(scenario, labPlace(lab, null, 'ipv4'), { journalFolder: bench.journals, steps });
    await assert.rejects(run, (error: unknown) => {
      assert.ok(error instanceof RunFailure, String(error));
      assert.match(
        error.message,
        /^not every packet of the migration is ESP: recorded besides: \d+ in the clear/,
      );
      const broken = error.checks.filter(({ ok }) => !ok).map(({ requirement }) => requirement);
      assert.ok(broken.includes('nobody on the way can read the guest'));
      return true;
    });
  },
);

bench.traceless(
  'two hosts of an inventory, by name: the run proves who, what and how, and is recorded',
  async (lab) => {
    const hosts = new OwnHosts(lab, 'listed');
    // In a tunnel: taps on hosts then see each packet once more, opened, which must not pass for one in the clear.
    const { code, stdout, stderr } = await hosts.migrate(['--json', '--whole-packets', '--mode', 'tunnel']);
    assert.equal(code, 0, stderr);
    const run = JSON.parse(stdout) as RunResult;
    assert.equal(run.source, 'measured:ssh');
    const checks = new Map(run.checks?.map((check) => [check.requirement, check]));
    assert.deepEqual(
      [...checks.values()].filter(({ ok }) => !ok),
      [],
    );
    assert.match(
      checks.get('operator, hosts and guest are listed')!.evidence,
      /alpha, beta and test-guest stand in/,
    );
    const authenticated = checks.get('both hosts are authenticated')!.evidence;
    assert.ok(
      authenticated.includes(`ssh-ed25519 key ${hosts.fingerprint} that ssh knows and the inventory names`),
    );
    for (const requirement of [
      'packets in the clear are blocked',
      'every packet of the migration is ESP',
      "every packet verifies with the run's keys",
      'nobody on the way can read the guest',
      'what arrived was sent by the two hosts',
    ])
      assert.ok(checks.has(requirement), requirement);
    const [started, ended, ...more] = hosts.auditLines();
    assert.deepEqual(more, []);
    assert.equal(started!['entry'], 'started');
    assert.deepEqual(started!['from'], { name: 'alpha', at: 'ssh://root@alpha' });
    assert.deepEqual([ended!['outcome'], ended!['run']], ['migrated', started!['run']]);
    assert.deepEqual(ended!['checks'], run.checks);
  },
);

bench.traceless(
  'a host with another key than the inventory says, a device that is not listed: refused',
  async (lab) => {
    const other = new OwnHosts(lab, 'other-key', { hostKey: `SHA256:${'A'.repeat(43)}` });
    const stranger = await other.migrate([]);
    assert.equal(stranger.code, 4);
    assert.match(stranger.stderr, /alpha: its host key is SHA256:\S+, not SHA256:AAA/);
    assert.equal(other.auditLines()[1]!['outcome'], 'failed');
    const hosts = new OwnHosts(lab, 'other-device');
    const { code, stderr } = await hosts.migrate(['--device', 'ctl0']);
    assert.equal(code, 4);
    assert.match(stderr, /refused: device ctl0 of host alpha is not listed \(but mig0\)/);
    assert.deepEqual(
      hosts.auditLines().map(({ entry }) => entry),
      ['refused'],
    );
  },
);

bench.traceless('a migration that goes in the clear ends with 5, and the log says why', async (lab) => {
  const hosts = new OwnHosts(lab, 'sabotaged');
  const saboteurs = await Promise.all(
    [lab.source, lab.destination].map((host) => host.start('sh', ['-c', SABOTAGE])),
  );
  const { code, stderr } = await hosts.migrate(['--mode', 'tunnel']);
  await Promise.all(saboteurs.map((each) => each.kill()));
  assert.equal(code, 5, stderr);
  assert.match(
    stderr,
    /the migration failed: not every packet of the migration is ESP: recorded besides: \d+ in the clear/,
  );
  const [, ended] = hosts.auditLines();
  assert.equal(ended!['outcome'], 'failed');
  assert.match(String(ended!['reason']), /not every packet/);
});

bench.traceless('a run that is killed shows in the log until it is cleaned up after', async (lab) => {
  const hosts = new OwnHosts(lab, 'killed');
  // The guest writes faster than that: it goes on until it is killed, however late.
  const child = hosts.start(['--max-bandwidth', '200kB/s']);
  const exited = once(child, 'exit');
  const isUnderWay = async (): Promise<boolean> =>
    (await lab.destination.run('sh', ['-c', 'ls -d /tmp/tare-*-destination/qmp'], { check: false })).code ===
    0;
  while (!(await isUnderWay())) {
    assert.equal(child.exitCode, null, `ended by itself: ${JSON.stringify(hosts.auditLines().at(-1))}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  child.kill('SIGKILL');
  await exited;
  const [{ run = '' } = {}] = hosts.auditLines();
  const unended = await hosts.tare(['migrate', '--verify-audit']);
  assert.match(unended.stdout, new RegExp(`Run ${run} has no end: it is under way, or was killed`));
  const cleaned = await hosts.tare(['migrate', '--clean-up']);
  assert.equal(cleaned.code, 0, cleaned.stderr);
  const verified = await hosts.tare(['migrate', '--verify-audit']);
  assert.match(verified.stdout, /2 lines; 1 killed\./);
  assert.equal(verified.code, 0);
});

/** Says that it listens, then answers every connection. */
const LISTEN =
  '$| = 1; my $s = IO::Socket::INET->new(Listen => 5, LocalPort => $ARGV[0], ReuseAddr => 1) or die; print "listening\\n"; while (my $c = $s->accept) { print $c "x"; close $c }';
const CONNECT =
  'my $s = IO::Socket::INET->new(LocalAddr => $ARGV[0], PeerAddr => $ARGV[1], PeerPort => $ARGV[2], Timeout => $ARGV[3]); exit($s ? 0 : 1)';
/** As soon as the guest is there, all policies go. */
const SABOTAGE = 'until ls -d /tmp/tare-*/pid >/dev/null 2>&1; do sleep 0.1; done; ip xfrm policy flush';

/** @param seconds that it may take: many where it must come about, few where it will not */
async function connectsFrom(host: Host, address: string, to: string, seconds = 3): Promise<boolean> {
  const args = ['-MIO::Socket::INET', '-e', CONNECT, address, to, String(PORT), String(seconds)];
  return (await host.run('perl', args, { check: false })).code === 0;
}

async function remove(host: Host, lines: string): Promise<void> {
  const { program, args, input } = xfrmRemoval(lines);
  await host.run(program, args, { input, check: false });
}

let captures = 0;

/** TCP packets that can be read on the link. */
async function clearPacketsWhile(lab: Lab, act: () => Promise<void>): Promise<number> {
  const path = join(bench.folder, `clear-${captures++}.pcap`);
  const capture = await lab.captureLink('source', path, 200);
  await act();
  await capture.stop();
  return runTool('tshark', ['-r', path, '-Y', 'tcp']).stdout.split('\n').filter(Boolean).length;
}

/** The lab's machines as alpha and beta: an ssh configuration, an inventory, and a state folder of their own. */
class OwnHosts {
  readonly fingerprint: string;
  readonly #folder: string;
  readonly #env: NodeJS.ProcessEnv;
  readonly #inventory: string;

  constructor(lab: Lab, name: string, more: { hostKey?: string } = {}) {
    this.#folder = join(bench.folder, name);
    mkdirSync(join(this.#folder, 'bin'), { recursive: true });
    const labFolder = join(runFolder(), bench.name);
    const { stdout } = runTool('ssh-keygen', ['-l', '-f', join(labFolder, 'share', 'host_key.pub')]);
    this.fingerprint = stdout.split(' ')[1]!;
    this.#writeSshConfiguration(lab, labFolder);
    this.#inventory = join(this.#folder, 'inventory.yaml');
    writeFileSync(this.#inventory, inventoryText(more.hostKey ?? this.fingerprint), { mode: 0o600 });
    this.#env = {
      ...process.env,
      PATH: `${join(this.#folder, 'bin')}:${process.env['PATH']}`,
      XDG_STATE_HOME: this.#folder,
      XDG_CONFIG_HOME: this.#folder,
    };
  }

  migrate(args: readonly string[]): Promise<{ code: number; stdout: string; stderr: string }> {
    return this.tare(this.#arguments(args));
  }

  start(args: readonly string[]) {
    return spawn(process.execPath, [TARE, ...this.#arguments(args)], { env: this.#env, stdio: 'ignore' });
  }

  tare(args: readonly string[]): Promise<{ code: number; stdout: string; stderr: string }> {
    return new Promise((resolve) => {
      execFile(process.execPath, [TARE, ...args], { env: this.#env }, (error, stdout, stderr) =>
        resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr }),
      );
    });
  }

  auditLines(): Record<string, unknown>[] {
    const path = join(this.#folder, 'tare', 'audit.jsonl');
    if (!existsSync(path)) return [];
    const lines = readFileSync(path, 'utf8').split('\n').filter(Boolean);
    return lines.map((line) => JSON.parse(line) as Record<string, unknown>);
  }

  #arguments(args: readonly string[]): string[] {
    const hosts = ['--inventory', this.#inventory, '--source', 'alpha', '--destination', 'beta'];
    const guest = ['lab-16mib', '--filled', '1MiB', '--working-set', '1MiB'];
    return ['migrate', ...guest, '--esp', 'aes128gcm16', ...hosts, ...args];
  }

  /** ssh looks for its configuration where the password file says that home is: so it is named. */
  #writeSshConfiguration(lab: Lab, labFolder: string): void {
    const { ports } = lab.record;
    const host = (name: string, port: number): string =>
      [
        `Host ${name}`,
        '  HostName 127.0.0.1',
        `  Port ${port}`,
        `  IdentityFile ${labFolder}/client_key`,
        `  UserKnownHostsFile ${labFolder}/known_hosts`,
      ].join('\n');
    const config = join(this.#folder, 'ssh_config');
    writeFileSync(config, `${host('alpha', ports.source)}\n${host('beta', ports.destination)}\n`);
    const ssh = join(this.#folder, 'bin', 'ssh');
    writeFileSync(ssh, `#!/bin/sh\nPATH=\${PATH#*:} exec ssh -F ${config} -o ConnectTimeout=120 "$@"\n`);
    chmodSync(ssh, 0o755);
  }
}

function inventoryText(hostKey: string): string {
  return [
    'schema: tare.inventory/1',
    `operators: [${identifyOperator().name}]`,
    'hosts:',
    `  alpha: { at: ssh://root@alpha, device: mig0, address: 10.9.0.1, hostKey: ${hostKey} }`,
    `  beta: { at: ssh://root@beta, device: mig0, address: 10.9.0.2, hostKey: ${hostKey} }`,
    'guests: { test-guest: { test: true } }',
    '',
  ].join('\n');
}
