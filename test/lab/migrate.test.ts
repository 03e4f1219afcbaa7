/** Real migrations between the two machines of a lab, held against what others say of them: tshark, the kernels, QEMU. */
import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Exposure } from '../../src/exposure/exposure.js';
import { importSecurityAssociations } from '../../src/ipsec/import/import-security-associations.js';
import { AH_SUITES, ESP_SUITES } from '../../src/ipsec/suite-table.js';
import { predictAnalytic } from '../../src/model/analytic/analytic-model.js';
import { loadCalibration } from '../../src/model/calibration/load-calibration.js';
import { predictPacket } from '../../src/model/predict-packet.js';
import type { Lab } from '../../src/orchestrator/lab/lab.js';
import { labPlace } from '../../src/orchestrator/open-place.js';
import { PLANTED_TEXT } from '../../src/orchestrator/qemu/guest-sector.js';
import { type MigrationOptions, runMigration } from '../../src/orchestrator/run-migration.js';
import { createXfrmChannel } from '../../src/orchestrator/xfrm/xfrm-channel.js';
import { checkRunResult } from '../../src/result/parse-run-result.js';
import { runJson } from '../../src/result/run-json.js';
import type { RunResult } from '../../src/result/run-result.js';
import type { Overrides } from '../../src/scenario/apply-overrides.js';
import { requireTool, runTool } from '../tool.js';
import { TARE } from '../unit/cli/run-tare.js';
import { labScenario } from './lab-scenario.js';
import { TestLab } from './test-lab.js';

const bench = await TestLab.forTests('migrate');
let captures = 0;

interface LabRun {
  readonly run: RunResult;
  /** Of the source's end of the link. */
  readonly capture: string;
}

async function migrate(lab: Lab, overrides: Overrides, options: MigrationOptions = {}): Promise<LabRun> {
  const scenario = labScenario(overrides);
  const captureTo = join(bench.folder, `captures-${captures++}`);
  mkdirSync(captureTo);
  const place = labPlace(lab, null, scenario.network.family);
  const journalFolder = bench.journals;
  const run = await runMigration(scenario, place, { captureTo, journalFolder, ...options });
  return { run, capture: join(captureTo, 'source.pcap') };
}

function assertAllChecked(run: RunResult, ...requirements: RegExp[]): void {
  const checks = run.checks ?? [];
  assert.deepEqual(
    checks.filter(({ ok }) => !ok),
    [],
  );
  for (const requirement of requirements) {
    assert.ok(
      checks.some((check) => requirement.test(check.requirement)),
      `nothing was said about ${requirement}`,
    );
  }
}

/** Frames that a display filter lets through, and their bytes, as tshark counts. */
function countFrames(capture: string, filter: string): { packets: number; bytes: number } {
  const { stdout } = runTool('tshark', ['-r', capture, '-Y', filter, '-T', 'fields', '-e', 'frame.len']);
  const lengths = stdout.split('\n').filter(Boolean).map(Number);
  return { packets: lengths.length, bytes: lengths.reduce((sum, length) => sum + length, 0) };
}

const ALIVE = [/memory whole/, /exactly one host/, /capture is whole/, /QEMU and the wire/];

bench.traceless(
  'in the clear the guest arrives alive, and wire, QEMU and tshark tell the same of it',
  async (lab, t) => {
    const { run, capture } = await migrate(lab, {});
    assertAllChecked(run, ...ALIVE);
    assert.equal(run.source, 'measured:lab');
    assert.ok(run.converged);
    assert.equal(run.environment?.source.kernel, lab.record.kernelRelease);
    assert.ok(run.totalTimeMs > 0 && run.downtimeMs !== null && run.standstillMs !== null);
    assert.ok(readFileSync(capture).includes(PLANTED_TEXT), 'an eavesdropper reads the guest');
    assert.ok(run.cpu.source.seconds > 0 && run.cpu.destination.seconds > 0);
    // Of 16 MiB, 4 MiB are filled: each page of them was sent, and hardly any other.
    assert.ok(run.stream.normalPages >= 1024 && run.stream.zeroPages > 2048);
    assert.deepEqual(checkRunResult(JSON.parse(JSON.stringify(runJson(run)))), run, 'JSON loses nothing');
    if (!requireTool(t, 'tshark')) return;
    const { source, destination } = lab.addresses.ipv4;
    const data = countFrames(capture, `tcp && ip.src == ${source} && ip.dst == ${destination}`);
    assert.deepEqual(data, { packets: run.wire.packets, bytes: run.wire.bytes });
    assert.equal(countFrames(capture, `tcp && ip.src == ${destination}`).packets, run.wire.acknowledgements);
  },
);

bench.traceless(
  'under AH around ESP no packet can be read, all verify, and the kernels counted the same',
  async (lab, t) => {
    const { run, capture } = await migrate(lab, { esp: 'aes128-sha256', ah: 'sha256', rate: '20pages/s' });
    assertAllChecked(run, ...ALIVE, /every packet of the migration is ESP within AH/, /verifies/);
    assert.ok(!readFileSync(capture).includes(PLANTED_TEXT));
    const { source: sent, destination: received } = run.xfrm!;
    for (const account of [sent, received]) {
      assert.equal(account.states.length, 4);
      assert.ok(account.states.every(({ failed, replayed }) => failed === 0 && replayed === 0));
      for (const { source, packets } of account.states) {
        const isData = source === lab.addresses.ipv4.source;
        assert.equal(packets, isData ? run.wire.packets : run.wire.acknowledgements);
      }
    }
    // AH over IPv4 takes 28 bytes with this MAC, ESP's ICV 16.
    assert.equal(run.wire.bytesByLayer.ah, run.wire.packets * 32);
    assert.equal(run.wire.bytesByLayer.espIcv, run.wire.packets * 16);
    if (!requireTool(t, 'tshark')) return;
    assert.equal(countFrames(capture, 'ip && !ah').packets, 0);
    assert.equal(countFrames(capture, 'tcp').packets, 0);
    const all = countFrames(capture, 'ah && esp').packets;
    assert.equal(all, run.wire.packets + run.wire.acknowledgements);
  },
);

bench.traceless(
  'over IPv6, in a tunnel, in UDP, with long sequence numbers: the packets are ESP, and verify',
  async (lab) => {
    const { run } = await migrate(lab, {
      family: 'ipv6',
      esp: 'aes128gcm16',
      mode: 'tunnel',
      encap: 'true',
      esn: 'true',
      mtu: '9000',
    });
    assertAllChecked(run, ...ALIVE, /every packet of the migration is ESP/, /verifies/);
    assert.ok(run.wire.bytesByLayer.innerIp > 0 && run.wire.bytesByLayer.udpEncap > 0);
  },
);

bench.traceless('multifd channels make one migration', async (lab) => {
  const { run } = await migrate(lab, { esp: 'aes128gcm16', channels: '2', mtu: '9000' });
  assertAllChecked(run, ...ALIVE, /verifies/);
});

bench.traceless(
  'with headers alone, packets and bytes are the same as tshark counts, and QEMU tells the stream',
  async (lab, t) => {
    const { run, capture } = await migrate(lab, { esp: 'aes128gcm16' }, { fullCapture: false });
    assertAllChecked(run, /memory whole/, /every packet of the migration is ESP/);
    assert.ok(run.stream.normalPages >= 1024 && run.iterations.length > 0);
    if (!requireTool(t, 'tshark')) return;
    const data = countFrames(capture, `esp && ip.src == ${lab.addresses.ipv4.source}`);
    assert.deepEqual(data, { packets: run.wire.packets, bytes: run.wire.bytes });
  },
);

bench.traceless('a MSS is what the largest segments carry', async (lab, t) => {
  const { capture } = await migrate(lab, { mss: '1000' });
  if (!requireTool(t, 'tshark')) return;
  const { stdout } = runTool('tshark', ['-r', capture, '-Y', 'tcp.len > 0', '-T', 'fields', '-e', 'tcp.len']);
  assert.equal(Math.max(...stdout.split('\n').map(Number)), 1000);
});

bench.traceless(
  'a guest that writes faster than the channel carries is a result: it stays where it was, alive',
  async (lab) => {
    const { run } = await migrate(lab, {
      esp: 'aes128-sha256',
      ah: 'sha256',
      rate: '3000',
      workingSet: '4MiB',
      maxBandwidth: '1MB/s',
      timeout: '8s',
    });
    assert.equal(run.converged, false);
    assert.equal(run.downtimeMs, null);
    assert.ok(run.totalTimeMs >= 8000);
    const calibration = loadCalibration('lab-tcg');
    for (const predict of [predictAnalytic, predictPacket]) {
      assert.equal(predict(run.scenario, calibration).converged, false, 'and so it is predicted');
    }
    assertAllChecked(run, /memory whole/, /exactly one host/, /every packet/);
    const memory = run.checks?.find(({ requirement }) => /memory whole/.test(requirement));
    assert.match(memory!.evidence, /at the source it counted on/);
  },
);

bench.traceless(
  'the kernel takes states of every suite, and has what `ip xfrm state` then shows',
  async (lab) => {
    const channels = [...ESP_SUITES, ...AH_SUITES].flatMap((suite) => {
      const ipsec = {
        esp: null,
        ah: null,
        mode: 'transport',
        encap: false,
        esn: false,
        align4: false,
      } as const;
      const service = { source: '192.0.2.1', destination: '192.0.2.2', port: 4444 };
      try {
        return [{ suite, channel: createXfrmChannel({ ...ipsec, [suite.protocol]: suite.name }, service) }];
      } catch (error) {
        // Linux has not every one.
        assert.ok(error instanceof RangeError, String(error));
        return [];
      }
    });
    const states = (text: string) => text.split('\n').filter((line) => /^xfrm state/.test(line));
    const batch = (lines: readonly string[]) => ({ input: `${lines.join('\n')}\n` });
    const added = channels.flatMap(({ channel }) => states(channel!.addSource));
    await lab.source.run('ip', ['-batch', '-'], batch(added));
    const { stdout } = await lab.source.run('ip', ['xfrm', 'state']);
    const shown = new Map(
      importSecurityAssociations(stdout, 'ip').associations.map(({ spi, suite }) => [spi, suite.name]),
    );
    for (const { suite, channel } of channels) {
      for (const { spi } of channel!.associations) assert.equal(shown.get(spi), suite.name);
    }
    const removed = channels.flatMap(({ channel }) => states(channel!.removeSource));
    await lab.source.run('ip', ['-batch', '-'], batch(removed));
    assert.equal((await lab.source.run('ip', ['xfrm', 'state'])).stdout, '');
  },
);

/** As it is typed: two migrations, and what a listener on the link has of them. */
bench.test('in the clear a listener gets everything, through ESP in AH nothing', async () => {
  const { stdout, stderr } = runTool(process.execPath, [TARE, 'demo', '--lab', bench.name, '--json']);
  const { captures } = JSON.parse(stdout) as Exposure;
  const [clear, closed] = captures.map(({ eavesdropper }) => eavesdropper);
  const [memory] = clear!.memories;
  assert.equal(memory!.knownBytes, memory!.memoryBytes);
  // Each of 1024 pages holds each secret once. Where on the wire a packet ends, chance says.
  for (const { inMemory, inPackets, acrossPackets } of clear!.secrets) {
    assert.ok(inMemory >= 1024 && inPackets > 0 && inPackets + acrossPackets >= 1024);
  }
  assert.deepEqual(closed!.memories, []);
  assert.equal(
    closed!.protection.clear.bytes + closed!.protection.ah.bytes + closed!.protection.esp.bytes,
    0,
  );
  for (const { inMemory, inPackets, acrossPackets } of closed!.secrets) {
    assert.deepEqual([inMemory, inPackets, acrossPackets], [0, 0, 0]);
  }
  assert.ok(closed!.payloads.ahEsp!.uniformShare > 0.97);
  assert.match(stderr, /masked/);
  const found = memory!.keyMaterial.map(({ id }) => id);
  assert.ok(found.includes('awsAccessKey') && found.includes('password'));
  assert.deepEqual(
    readdirSync(bench.temporary).filter((name) => name.startsWith('tare-demo')),
    [],
  );
});
