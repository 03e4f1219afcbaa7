import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  parseDomainFacts,
  parseHypervisorVersion,
} from '../../../../src/orchestrator/guests/domain-facts.js';

/** As virsh of libvirt 9.0 printed it. */
const INFO = `Id:             1
Name:           tiny
UUID:           6f1d7c1e-0f0b-4a5e-9b52-1d2d8a6c0001
OS Type:        hvm
State:          running
CPU(s):         1
CPU time:       27.1s
Max memory:     16384 KiB
Used memory:    16384 KiB
Persistent:     yes
Autostart:      disable
Managed save:   no
Security model: none
Security DOI:   0
`;
const XML = `<domain type='qemu' id='1'>
  <name>tiny</name>
  <memory unit='KiB'>16384</memory>
  <os>
    <type arch='x86_64' machine='pc-i440fx-7.2'>hvm</type>
    <boot dev='fd'/>
  </os>
</domain>
`;

test('a domain is what dominfo and its description say', () => {
  assert.deepEqual(parseDomainFacts(INFO, XML), {
    name: 'tiny',
    uuid: '6f1d7c1e-0f0b-4a5e-9b52-1d2d8a6c0001',
    state: 'running',
    memoryBytes: 16 * 1024 * 1024,
    isPersistent: true,
    machine: 'pc-i440fx-7.2',
    accelerator: 'tcg',
  });
});

test('a domain that ends with its machine, under KVM', () => {
  const info = INFO.replace('Persistent:     yes', 'Persistent:     no');
  const facts = parseDomainFacts(info, XML.replace("type='qemu'", "type='kvm'"));
  assert.equal(facts.isPersistent, false);
  assert.equal(facts.accelerator, 'kvm');
});

test("QEMU's version is told from libvirt's", () => {
  const text = `Compiled against library: libvirt 9.0.0
Using library: libvirt 9.0.0
Using API: QEMU 9.0.0
Running hypervisor: QEMU 7.2.22
`;
  assert.equal(parseHypervisorVersion(text), '7.2.22');
  assert.equal(parseHypervisorVersion('error: failed to connect to the hypervisor\n'), '');
});
