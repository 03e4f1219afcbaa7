import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type MachineSettings,
  machineArguments,
} from '../../../../src/orchestrator/lab/machine-arguments.js';

const SETTINGS: MachineSettings = {
  side: 'source',
  accelerator: 'tcg',
  memoryMib: 768,
  instructionNs: null,
  kernel: '/cache/kernel',
  initramfs: '/cache/initramfs',
  shares: { host: '/', lab: '/cache/a,b', modules: '/cache/modules', tools: null },
};

test('one side listens for the link and the other calls; nobody else can', () => {
  const link = (side: 'source' | 'destination') =>
    machineArguments({ ...SETTINGS, side }).find((arg) => arg.startsWith('stream,'));
  assert.match(link('source') ?? '', /server=on,addr.type=unix/);
  assert.match(link('destination') ?? '', /server=off,addr.type=unix/);
  const control = machineArguments(SETTINGS).find((arg) => arg.startsWith('user,')) ?? '';
  assert.match(control, /restrict=on,hostfwd=tcp:127\.0\.0\.1:0-:22$/);
});

test("a comma in a folder's name does not end the option", () => {
  const shares = machineArguments(SETTINGS).filter((arg) => arg.startsWith('local,'));
  assert.equal(shares.length, 3);
  assert.ok(shares.some((share) => share.includes('path=/cache/a,,b,mount_tag=lab')));
  for (const share of shares) assert.match(share, /readonly=on/);
});

test('unpacked packages are a share of their own, which the machine is told of', () => {
  const args = machineArguments({ ...SETTINGS, shares: { ...SETTINGS.shares, tools: '/cache/tools' } });
  assert.ok(args.some((arg) => arg.includes('path=/cache/tools,mount_tag=tools')));
  const commandLine = (list: string[]) => list[list.indexOf('-append') + 1] ?? '';
  assert.match(commandLine(args), /tare\.machine=source tare\.tools$/);
  assert.doesNotMatch(commandLine(machineArguments(SETTINGS)), /tare\.tools/);
});

test('KVM gets the processor as it is, emulation all that QEMU can emulate', () => {
  assert.match(machineArguments(SETTINGS).join(' '), /-accel tcg -cpu max /);
  assert.match(machineArguments({ ...SETTINGS, accelerator: 'kvm' }).join(' '), /-accel kvm -cpu host /);
});

test('the speed of an emulated processor can be defined, that of a real one cannot', () => {
  const args = (settings: Partial<MachineSettings>) =>
    machineArguments({ ...SETTINGS, ...settings }).join(' ');
  assert.match(args({ instructionNs: 8 }), /-icount shift=3,sleep=on /);
  assert.doesNotMatch(args({}), /-icount/);
  assert.doesNotMatch(args({ instructionNs: 8, accelerator: 'kvm' }), /-icount/);
  assert.throws(() => args({ instructionNs: 3 }), /1, 2, 4, \.\.\. 1024 ns, not 3/);
});
