/** Domains of a real libvirt, which runs in both machines of a lab: nothing of it on this machine. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { DomainGuest } from '../../src/orchestrator/guests/foreign-guest.js';
import type { Host } from '../../src/orchestrator/hosts/host.js';
import type { Lab } from '../../src/orchestrator/lab/lab.js';
import { labPlace } from '../../src/orchestrator/open-place.js';
import { guestSectorOf } from '../../src/orchestrator/qemu/guest-sector.js';
import { awaitReports } from '../../src/orchestrator/qemu/guest-serial.js';
import { runMigration } from '../../src/orchestrator/run-migration.js';
import type { RunPlace } from '../../src/orchestrator/steps/run-context.js';
import { RunFailure } from '../../src/orchestrator/steps/run-failure.js';
import type { Overrides } from '../../src/scenario/apply-overrides.js';
import { findTool, requireTool } from '../tool.js';
import { labScenario } from './lab-scenario.js';
import { onceSending, TestLab } from './test-lab.js';

const DOMAIN = 'tiny';
const FLOPPY = '/tmp/floppy';
const SERIAL = '/tmp/serial';
/** A boot sector needs no disk that both hosts would have to share. */
const FLOPPY_BYTES = 1_474_560;

const XML = `<domain type='qemu'>
  <name>${DOMAIN}</name>
  <memory unit='MiB'>16</memory>
  <vcpu>1</vcpu>
  <os><type arch='x86_64' machine='pc'>hvm</type><boot dev='fd'/></os>
  <features><acpi/></features>
  <devices>
    <emulator>/usr/bin/qemu-system-x86_64</emulator>
    <disk type='file' device='floppy'>
      <driver name='qemu' type='raw'/><source file='${FLOPPY}'/><target dev='fda' bus='fdc'/><readonly/>
    </disk>
    <controller type='usb' model='none'/>
    <serial type='file'><source path='${SERIAL}'/></serial>
    <memballoon model='none'/>
  </devices>
</domain>`;

/** Never little enough left at 1 MiB/s, the least that libvirt can be told, and a tenth of a second; always at a whole second. */
const WRITES: Overrides = { rate: '300pages/s', workingSet: '128KiB' };

/** `$1`: what tells the two hosts apart, for machines of the same firmware look like one to libvirt. */
const START_LIBVIRT = `
rm -rf /etc/libvirt
mkdir -p /etc/libvirt /run/libvirt /var/lib/libvirt /var/cache/libvirt /var/log/libvirt
cat >/etc/libvirt/libvirtd.conf <<END
listen_tls = 0
listen_tcp = 1
auth_tcp = "none"
auth_unix_rw = "none"
unix_sock_group = "root"
host_uuid = "00000000-0000-4000-8000-00000000000$1"
END
cat >/etc/libvirt/qemu.conf <<END
user = "root"
group = "root"
security_driver = "none"
cgroup_controllers = []
namespaces = []
remember_owner = 0
dynamic_ownership = 0
stdio_handler = "file"
END
# Its package alone makes no user; that of its services does.
for file in passwd group; do
  grep -q '^libvirt-qemu:' /etc/$file || echo 'libvirt-qemu:x:64055:64055::/:/usr/sbin/nologin' >>/etc/$file
done
libvirtd --listen -d
`;

const bench = await TestLab.forTests('libvirt');

function libvirtTest(title: string, body: (lab: Lab, t: TestContext) => Promise<void>): void {
  if (!['libvirtd', 'virsh'].every(findTool)) {
    test(title, (t) => void ['libvirtd', 'virsh'].every((tool) => requireTool(t, tool)));
    return;
  }
  bench.test(title, body);
}

async function virsh(host: Host, ...args: string[]): Promise<string> {
  return (await host.run('virsh', ['-q', '-c', 'qemu:///system', ...args])).stdout.trim();
}

/** As between two hosts that nobody can listen to from outside: libvirt's own conversation uses the link, too. */
function placeOf(lab: Lab): RunPlace {
  const { lab: _, ...place } = labPlace(lab, null, 'ipv4');
  return place;
}

function swapped({ hosts, addresses, ...place }: RunPlace): RunPlace {
  return {
    ...place,
    hosts: { source: hosts.destination, destination: hosts.source },
    addresses: { source: addresses.destination, destination: addresses.source },
  };
}

function domainAt({ addresses }: RunPlace): DomainGuest {
  return {
    kind: 'domain',
    domain: DOMAIN,
    destinationUri: `qemu+tcp://${addresses.destination}/system`,
    undefineSource: false,
    keepsMtu: true,
    scenarioName: 'of the guest',
  };
}

async function startLibvirt(lab: Lab): Promise<void> {
  const floppy = Buffer.alloc(FLOPPY_BYTES);
  floppy.set(guestSectorOf(labScenario(WRITES)));
  await Promise.all(
    [lab.source, lab.destination].map(async (host, index) => {
      await host.writeFile(FLOPPY, floppy);
      await host.run('sh', ['-c', START_LIBVIRT, 'sh', String(index)]);
      await virsh(host, 'version');
    }),
  );
}

libvirtTest('a domain of libvirt arrives under AH around ESP, and goes on counting', async (lab) => {
  await startLibvirt(lab);
  const { source, destination } = lab;
  await source.writeFile('/tmp/domain.xml', XML);
  await virsh(source, 'define', '/tmp/domain.xml');
  await virsh(source, 'start', DOMAIN);
  await awaitReports(source, SERIAL, 0);
  const place = placeOf(lab);
  const scenario = labScenario({ esp: 'aes128-sha256', ah: 'sha256', downtimeLimit: '1s' });
  const run = await runMigration(scenario, place, {
    guest: domainAt(place),
    journalFolder: bench.journals,
    fullCapture: true,
  });
  assert.ok(run.converged);
  assert.equal(await virsh(source, 'domstate', DOMAIN), 'shut off');
  assert.equal(await virsh(destination, 'domstate', DOMAIN), 'running');
  const checks = run.checks ?? [];
  assert.deepEqual(
    checks.filter(({ ok }) => !ok),
    [],
  );
  for (const wanted of [/exactly one host/, /is ESP within AH/, /verifies/, /QEMU and the wire/]) {
    assert.ok(
      checks.some(({ requirement }) => wanted.test(requirement)),
      `nothing about ${wanted}`,
    );
  }
  const last = (await awaitReports(source, SERIAL, 0)).at(-1)!.seconds;
  const reports = await awaitReports(destination, SERIAL, 2);
  assert.ok(reports[0]!.seconds > last && reports.every(({ errors }) => errors === 0));
  assert.equal(run.scenario.name, DOMAIN);
  assert.equal(run.scenario.guest.memoryBytes, 16 * 1024 * 1024);
  assert.equal(run.environment?.source.accelerator, 'tcg');
  assert.match(run.environment.source.machine, /^pc-/);
  assert.ok(run.totalTimeMs > 0 && run.downtimeMs !== null);
  await assertNothingLeft(lab);
});

libvirtTest('an interruption leaves the domain where it was, with its downtime limit', async (lab) => {
  const place = swapped(placeOf(lab));
  const limit = await virsh(lab.destination, 'migrate-getmaxdowntime', DOMAIN);
  const controller = new AbortController();
  const reason = new Error('Ctrl-C');
  const scenario = labScenario({ esp: 'aes128gcm16', maxBandwidth: '1MB/s', downtimeLimit: '77ms' });
  const run = runMigration(scenario, place, {
    guest: domainAt(place),
    journalFolder: bench.journals,
    signal: controller.signal,
  });
  const failed = assert.rejects(run, { name: 'RunFailure', guestAt: 'source', cause: reason });
  await onceSending(lab.destination);
  controller.abort(reason);
  await failed;
  assert.equal(await virsh(lab.destination, 'domstate', DOMAIN), 'running');
  assert.equal(await virsh(lab.source, 'domstate', DOMAIN), 'shut off');
  assert.equal(await virsh(lab.destination, 'migrate-getmaxdowntime', DOMAIN), limit);
  await assertNothingLeft(lab);
});

libvirtTest("what libvirt refuses is told in libvirt's words", async (lab) => {
  const place = swapped(placeOf(lab));
  const migrate = (guest: Partial<DomainGuest>, at = place) =>
    runMigration(labScenario(), at, {
      guest: { ...domainAt(at), ...guest },
      journalFolder: bench.journals,
    });
  await assert.rejects(migrate({ domain: 'nobody' }), {
    name: 'EnvironmentError',
    message: /failed to get domain 'nobody'/,
  });
  await assert.rejects(migrate({}, placeOf(lab)), {
    name: 'EnvironmentError',
    message: /tiny at source is shut off/,
  });
  await assert.rejects(migrate({ destinationUri: 'qemu+tcp://192.0.2.1:1/system' }), (error: unknown) => {
    assert.ok(error instanceof RunFailure, String(error));
    assert.equal(error.guestAt, 'source');
    assert.match(error.message, /virsh migrate to qemu\+tcp:\S+ says: .*unreachable/s);
    return true;
  });
  await assertNothingLeft(lab);
});

/** Programs that were told to end have a minute for it: a busy machine may need some of that. */
const LIST_LEFT = `
n=0
while pgrep -x 'virsh|tcpdump' >/dev/null && [ $n -lt 300 ]; do n=$((n + 1)); sleep 0.2; done
ip xfrm state; ip xfrm policy; ls -d /tmp/tare-* 2>/dev/null; pgrep -x 'virsh|tcpdump'
`;

async function assertNothingLeft(lab: Lab): Promise<void> {
  for (const host of [lab.source, lab.destination]) {
    assert.equal((await host.run('sh', ['-c', LIST_LEFT], { check: false })).stdout, '', host.name);
  }
}
