import assert from 'node:assert/strict';
import { test } from 'node:test';
import { foreignGuest, type GuestOptions, namedGuest } from '../../../src/cli/guest-options.js';
import type { PlaceChoice } from '../../../src/cli/migrate-options.js';

function hosts(destination: string, port?: number): PlaceChoice {
  const place = {
    kind: 'hosts',
    source: { kind: 'ssh', destination: 'root@a' },
    destination: { kind: 'ssh', destination, ...(port !== undefined && { port }) },
    devices: { source: 'eth1', destination: 'eth1' },
  };
  return place as unknown as PlaceChoice;
}

const LAB = { kind: 'lab', name: null } as unknown as PlaceChoice;

function uriOf(destination: string, port?: number): string {
  const guest = foreignGuest({ domain: 'web1' }, hosts(destination, port), false);
  return guest?.kind === 'domain' ? guest.destinationUri : '';
}

test('without a name the guest is a test guest', () => {
  assert.deepEqual(namedGuest({}), { kind: 'test' });
  assert.equal(foreignGuest({}, LAB, false), null);
});

test("the source reaches the destination's libvirt as Tare reaches the destination, unless it is said how", () => {
  assert.equal(uriOf('root@beta'), 'qemu+ssh://root@beta/system');
  assert.equal(uriOf('beta', 2222), 'qemu+ssh://beta:2222/system');
  assert.equal(uriOf('root@2001:db8::1', 2222), 'qemu+ssh://root@[2001:db8::1]:2222/system');
  const destinationUri = 'qemu+tls://beta/system';
  assert.deepEqual(foreignGuest({ domain: 'web1', destinationUri }, hosts('root@b'), true), {
    kind: 'domain',
    domain: 'web1',
    destinationUri,
    undefineSource: false,
    keepsMtu: false,
    scenarioName: null,
  });
});

test("a network that nobody describes keeps its devices' MTU", () => {
  const options: GuestOptions = { qmp: '/run/a', qmpDestination: '/run/b' };
  assert.equal(foreignGuest(options, LAB, false)?.keepsMtu, true);
  assert.equal(foreignGuest({ ...options, mtu: '9000' }, LAB, false)?.keepsMtu, false);
  assert.equal(foreignGuest(options, LAB, true)?.keepsMtu, false);
});

test('options that do not belong together are refused', () => {
  const wrong: [GuestOptions, RegExp][] = [
    [{ domain: 'a', qmp: '/b', qmpDestination: '/c' }, /one of --domain and --qmp/],
    [{ qmp: '/b' }, /belong together/],
    [{ qmpDestination: '/b' }, /belong together/],
    [{ qmp: 'b', qmpDestination: '/c' }, /--qmp b: write an absolute path/],
    [{ undefineSource: true }, /are for --domain/],
    [{ destinationUri: 'qemu:///system' }, /are for --domain/],
  ];
  for (const [options, message] of wrong) {
    assert.throws(() => namedGuest(options), { exitCode: 2, message }, JSON.stringify(options));
  }
});

test('a domain needs two hosts with libvirt, and a way from one to the other', () => {
  assert.throws(() => foreignGuest({ domain: 'web1' }, LAB, false), { exitCode: 2, message: /two hosts/ });
  const here = { ...hosts('b'), destination: { kind: 'local' } } as unknown as PlaceChoice;
  assert.throws(() => foreignGuest({ domain: 'web1' }, here, false), {
    exitCode: 2,
    message: /--destination-uri/,
  });
});
