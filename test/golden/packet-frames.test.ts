import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { parseTcpOptions } from '../../src/packet/tcp.js';
import { repoPath } from '../repo-root.js';
import { type DecodedRow, decodeFrame, type FlagName } from '../unit/packet/decode-frame.js';
import { catalogueFrame, FRAMES } from '../unit/packet/frame-catalogue.js';
import { NullOpener } from '../unit/packet/null-opener.js';

/** Fields of one frame as tshark prints them: every occurrence, separated by commas. */
type Fields = Record<string, string | undefined>;

const EXPECTED: { frames: Record<string, Fields> } = JSON.parse(
  readFileSync(repoPath('test/golden/expected/packet-frames.json'), 'utf8'),
);

/** tshark 4.0 has no dissector for RFC 9329, and follows what an ICMP error quotes. */
const UNSPLIT_BY_TSHARK = new Set(['ESP in TCP', 'IKE in TCP with the stream prefix']);

const FLAG_OF_PROTOCOL: Record<string, FlagName> = {
  ah: 'ah',
  arp: 'arp',
  esp: 'esp',
  icmp: 'icmp',
  icmpv6: 'icmp',
  isakmp: 'ike',
  tcp: 'tcp',
};

/** Frames that hold ESP with a null cipher: tshark looks inside, the decoder without keys does not. */
function protocolsSeenWithoutKeys(fields: Fields): string[] {
  const names = (fields['frame.protocols'] ?? '').split(':');
  const last = names.findIndex((name) => name === 'esp' || name === 'icmp' || name === 'icmpv6');
  return last < 0 ? names : names.slice(0, last + 1);
}

function numbers(fields: Fields, name: string): number[] {
  return (fields[name] ?? '').split(',').filter(Boolean).map(Number);
}

/** Bytes before the outermost IP header and behind its end. */
function linkBytes(fields: Fields, protocols: string[]): number {
  const first = protocols.find((name) => name === 'ip' || name === 'ipv6');
  const ipBytes = first === 'ip' ? numbers(fields, 'ip.len')[0]! : 40 + numbers(fields, 'ipv6.plen')[0]!;
  return Number(fields['frame.len']) - ipBytes;
}

function assertSecurity(row: DecodedRow, fields: Fields, protocols: string[]): void {
  const found = (protocol: number) => row.security.filter((header) => header.protocol === protocol);
  const espCount = protocols.filter((name) => name === 'esp').length;
  assert.deepEqual(
    found(50).map(({ spi, sequence }) => [spi, sequence]),
    numbers(fields, 'esp.spi')
      .map((spi, i) => [spi, numbers(fields, 'esp.sequence')[i]])
      .slice(0, espCount),
  );
  assert.deepEqual(
    found(51).map(({ spi, sequence, icvBytes }) => [spi, sequence, icvBytes]),
    numbers(fields, 'ah.spi').map((spi, i) => [
      spi,
      numbers(fields, 'ah.sequence')[i],
      (numbers(fields, 'ah.length')[i]! + 2) * 4 - 12,
    ]),
  );
}

function assertFragment(row: DecodedRow, frame: Uint8Array, fields: Fields): void {
  const offsets = [...numbers(fields, 'ipv6.fraghdr.offset'), ...numbers(fields, 'ip.frag_offset')];
  const more = [...numbers(fields, 'ipv6.fraghdr.more'), ...numbers(fields, 'ip.flags.mf')];
  const at = offsets.findIndex((offset, i) => offset > 0 || more[i] === 1);
  assert.equal(row.fragmentOffset !== null, at >= 0);
  assert.equal(row.flags.includes('firstFragment'), at >= 0 && offsets[at] === 0);
  if (row.fragmentOffset === null) return;
  const isV6 = fields['ipv6.fraghdr.offset'] !== undefined;
  const field = row.fragmentOffset + (isV6 ? 2 : 6);
  const value = frame[field]! * 256 + frame[field + 1]!;
  assert.equal(isV6 ? value >> 3 : value & 0x1fff, offsets[at]);
}

function assertTransport(row: DecodedRow, fields: Fields, protocols: string[]): void {
  if (row.flags.includes('tcp')) {
    assert.equal(row.layers.transport, numbers(fields, 'tcp.hdr_len')[0]);
    assert.equal(row.payloadLength, numbers(fields, 'tcp.len')[0]);
    assert.equal(row.flags.includes('tcpSyn'), fields['tcp.flags.syn'] === '1');
  }
  if (protocols.includes('udpencap') && protocols.includes('esp'))
    assert.equal(row.layers.udpEncap, 8, 'the UDP header belongs to the encapsulation');
  else if (row.flags.includes('udp') && !protocols.includes('isakmp'))
    assert.equal(row.payloadLength, numbers(fields, 'udp.length')[0]! - 8);
  if (row.flags.includes('ike')) assert.equal(row.payloadLength, numbers(fields, 'isakmp.length')[0]);
  assert.equal(
    row.flags.includes('packetTooBig'),
    fields['icmp.mtu'] !== undefined || fields['icmpv6.type'] === '2',
  );
}

for (const { name, linkType, frame } of FRAMES.filter(({ name }) => !UNSPLIT_BY_TSHARK.has(name))) {
  test(`sees in the frame "${name}" what tshark sees`, () => {
    const fields = EXPECTED.frames[name] ?? {};
    const digest = createHash('sha256').update(frame).digest('hex');
    assert.equal(
      digest,
      fields['sha256'],
      'run test/golden/packet-frames-expected.mjs: the frame has changed',
    );
    const row = decodeFrame(frame, { linkType });
    const protocols = protocolsSeenWithoutKeys(fields);
    const ipHeaders = protocols.filter((protocol) => protocol === 'ip' || protocol === 'ipv6');

    assert.equal(row.error, null);
    assert.equal(row.ipOffset !== null, ipHeaders.length > 0);
    assert.equal(row.flags.includes('outerIpv6'), ipHeaders[0] === 'ipv6');
    assert.equal(row.flags.includes('ipv6'), ipHeaders.at(-1) === 'ipv6');
    assert.equal(row.flags.includes('tunnel'), ipHeaders.length > 1);
    if (ipHeaders.length > 0) assert.equal(row.layers.link ?? 0, linkBytes(fields, protocols));
    if (ipHeaders[0] === 'ip') assert.equal(row.layers.ip, numbers(fields, 'ip.hdr_len')[0]);
    if (row.fragmentOffset === null)
      for (const [protocol, flag] of Object.entries(FLAG_OF_PROTOCOL))
        if (protocols.includes(protocol)) assert.ok(row.flags.includes(flag), `${flag} is flagged`);
    assertFragment(row, frame, fields);
    if (row.fragmentOffset !== null) return;
    assertSecurity(row, fields, protocols);
    assertTransport(row, fields, protocols);
  });
}

test('reads the TCP options that tshark reads', () => {
  for (const { name, linkType, frame } of FRAMES) {
    const row = decodeFrame(frame, { linkType });
    const fields = EXPECTED.frames[name] ?? {};
    if (row.transportOffset === null || !row.flags.includes('tcp')) continue;
    const options = { mss: 0, windowScale: -1, sackPermitted: false, timestamps: false };
    parseTcpOptions(frame, row.transportOffset, options);
    assert.equal(options.mss, Number(fields['tcp.options.mss_val'] ?? 0), name);
    assert.equal(options.windowScale, Number(fields['tcp.options.wscale.shift'] ?? -1), name);
  }
});

for (const name of ['ESP with a null cipher around TCP', 'ESP in ESP, null ciphers']) {
  test(`finds in the frame "${name}", opened, what tshark finds`, () => {
    const fields = EXPECTED.frames[name] ?? {};
    const { frame } = catalogueFrame(name);
    const row = decodeFrame(frame, { opener: new NullOpener() });
    assert.deepEqual(
      row.security.map(({ spi, padBytes }) => [spi, padBytes]),
      numbers(fields, 'esp.spi').map((spi, i) => [spi, numbers(fields, 'esp.pad_len')[i]]),
    );
    assert.equal(row.protocol, numbers(fields, 'esp.protocol').at(-1));
    assert.equal(
      row.layers.innerIp ?? 0,
      numbers(fields, 'ip.hdr_len')
        .slice(1)
        .reduce((a, b) => a + b, 0),
    );
    assert.equal(row.layers.transport, numbers(fields, 'tcp.hdr_len')[0]);
    assert.equal(row.payloadLength, numbers(fields, 'tcp.len')[0]);
  });
}
