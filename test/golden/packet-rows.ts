import type { PacketBatch } from '../../src/packet/packet-batch.js';
import { type DecodedRow, describeRow } from '../unit/packet/decode-frame.js';

/*
 * One line a frame, and one a reassembled datagram, in words that both tshark's fields and the decoder's columns can be
 * put into. Inside the payload of fragments and of ICMP errors tshark looks further than the decoder: left out.
 */

const ROW_FIELDS =
  `frame.number frame.len frame.protocols ip.len ip.hdr_len ip.proto ip.frag_offset ip.flags.mf
  ipv6.plen ipv6.hopopts.len_oct ipv6.fraghdr.nxt ipv6.fraghdr.offset ipv6.fraghdr.more ah.spi ah.sequence ah.length
  esp.spi esp.sequence udp.length tcp.hdr_len tcp.len icmp.type icmpv6.type`.split(/\s+/);
const DATAGRAM_FIELDS = `frame.number ip.reassembled.length ip.fragment.count ipv6.reassembled.length
  ipv6.fragment.count ah.spi ah.sequence esp.spi esp.sequence`.split(/\s+/);

/** Arguments of tshark for the frames of `file`, fragments left apart. */
export function rowArguments(file: string): string[] {
  return tsharkArguments(file, 'FALSE', ROW_FIELDS);
}

/** Arguments of tshark for the datagrams that it puts together. */
export function datagramArguments(file: string): string[] {
  const filter = ['-Y', 'ip.reassembled.length or ipv6.reassembled.length'];
  return [...tsharkArguments(file, 'TRUE', DATAGRAM_FIELDS), ...filter];
}

function tsharkArguments(file: string, defragment: string, fields: readonly string[]): string[] {
  const options = [
    `ip.defragment:${defragment}`,
    `ipv6.defragment:${defragment}`,
    'tcp.desegment_tcp_streams:FALSE',
  ];
  return [
    '-n',
    '-r',
    file,
    ...options.flatMap((option) => ['-o', option]),
    ...['-T', 'fields', '-E', 'occurrence=f'],
    ...fields.flatMap((field) => ['-e', field]),
  ];
}

/** What a line says of a frame; -1 and '' for what is not there. */
interface RowFacts {
  frame: number;
  wireBytes: number;
  /** Kinds of headers that are there, e.g. `ip ah esp`. */
  headers: string;
  ipBytes: number;
  ipHeaderBytes: number;
  /** In bytes. */
  fragmentOffset: number;
  moreFragments: number;
  /** Protocol that a fragment's header names. */
  fragmentProtocol: number;
  /** SPI, sequence number, bytes. */
  ah: string;
  /** SPI, sequence number. */
  esp: string;
  tcpHeaderBytes: number;
  /** Bytes behind the TCP or UDP header. */
  payloadBytes: number;
  icmpType: number;
}

const NO_FACTS: RowFacts = {
  frame: 0,
  wireBytes: 0,
  headers: '',
  ipBytes: -1,
  ipHeaderBytes: -1,
  fragmentOffset: -1,
  moreFragments: -1,
  fragmentProtocol: -1,
  ah: '',
  esp: '',
  tcpHeaderBytes: -1,
  payloadBytes: -1,
  icmpType: -1,
};

/** Header of the lines. */
export const ROW_COLUMNS = Object.keys(NO_FACTS).join('\t');

function lineOf(facts: RowFacts): string {
  return Object.values(facts).join('\t');
}

type Fields = Record<string, string>;

function fieldRows(output: string, names: readonly string[]): Fields[] {
  return output
    .split('\n')
    .slice(0, -1)
    .map((line) => Object.fromEntries(line.split('\t').map((value, i) => [names[i]!, value])));
}

/** tshark's output for `rowArguments` as lines. */
export function rowLinesOfTshark(output: string): string[] {
  return fieldRows(output, ROW_FIELDS).map((fields) => lineOf(factsOfTshark(fields)));
}

function factsOfTshark(fields: Fields): RowFacts {
  const facts = {
    ...NO_FACTS,
    frame: Number(fields['frame.number']),
    wireBytes: Number(fields['frame.len']),
  };
  const protocols = fields['frame.protocols']!.split(':');
  if (protocols.includes('arp')) return { ...facts, headers: 'arp' };
  const isV6 = protocols.includes('ipv6');
  if (!isV6 && !protocols.includes('ip')) return facts;
  const hasFragmentHeader = fields['ipv6.fraghdr.offset'] !== '';
  const hopByHop = fields['ipv6.hopopts.len_oct'];
  facts.ipBytes = isV6 ? 40 + Number(fields['ipv6.plen']) : Number(fields['ip.len']);
  facts.ipHeaderBytes = isV6
    ? 40 + (hasFragmentHeader ? 8 : 0) + Number(hopByHop)
    : Number(fields['ip.hdr_len']);
  const offset = Number(fields[isV6 ? 'ipv6.fraghdr.offset' : 'ip.frag_offset']) * 8;
  const more = Number(fields[isV6 ? 'ipv6.fraghdr.more' : 'ip.flags.mf']);
  if (offset > 0 || more === 1) {
    const fragmentProtocol = Number(fields[isV6 ? 'ipv6.fraghdr.nxt' : 'ip.proto']);
    const headers = isV6 ? 'ipv6 fragment' : 'ip fragment';
    return { ...facts, headers, fragmentOffset: offset, moreFragments: more, fragmentProtocol };
  }
  return { ...facts, ...upperFactsOfTshark(fields, protocols) };
}

function upperFactsOfTshark(fields: Fields, protocols: readonly string[]): Partial<RowFacts> {
  const facts: Partial<RowFacts> = { headers: headersOfTshark(protocols) };
  const has = (name: string) => facts.headers?.split(' ').includes(name);
  if (has('ah')) {
    const ahBytes = (Number(fields['ah.length']) + 2) * 4;
    facts.ah = `${Number(fields['ah.spi'])} ${fields['ah.sequence']} ${ahBytes}`;
  }
  if (has('esp')) facts.esp = `${Number(fields['esp.spi'])} ${fields['esp.sequence']}`;
  if (has('tcp')) facts.tcpHeaderBytes = Number(fields['tcp.hdr_len']);
  if (has('tcp')) facts.payloadBytes = Number(fields['tcp.len']);
  if (has('udp')) facts.payloadBytes = Number(fields['udp.length']) - 8;
  if (has('icmp')) facts.icmpType = Number(fields['icmp.type'] || fields['icmpv6.type']);
  return facts;
}

/** Up to ESP or the transport header; UDP in front of ESP is no transport. */
function headersOfTshark(protocols: readonly string[]): string {
  const found: string[] = [];
  for (const protocol of protocols) {
    if (['ip', 'ipv6', 'ah', 'esp', 'udp', 'tcp', 'icmp', 'icmpv6'].includes(protocol))
      found.push(protocol === 'icmpv6' ? 'icmp' : protocol);
    if (['esp', 'tcp', 'icmp'].includes(found.at(-1) ?? '')) break;
  }
  return found.join(' ').replace('udp esp', 'udpencap esp');
}

/** The decoder's row as a line. */
export function rowLine(batch: PacketBatch, row: number): string {
  const columns = describeRow(batch, row);
  const wireBytes = batch.block.wireLength[row]!;
  const facts = { ...NO_FACTS, frame: batch.block.frameNumber[row]!, wireBytes };
  if (columns.flags.includes('arp')) return lineOf({ ...facts, headers: 'arp' });
  if (columns.ipOffset === null) return lineOf(facts);
  facts.ipBytes = wireBytes - (columns.layers.link ?? 0);
  facts.ipHeaderBytes = columns.layers.ip!;
  const byteAt = (offset: number) => batch.block.data[batch.block.offset[row]! + offset]!;
  if (columns.fragmentOffset !== null) return lineOf({ ...facts, ...fragmentFacts(columns, byteAt) });
  return lineOf({ ...facts, ...upperFacts(columns, byteAt) });
}

function fragmentFacts(columns: DecodedRow, byteAt: (offset: number) => number): Partial<RowFacts> {
  const isV6 = columns.flags.includes('outerIpv6');
  const at = columns.fragmentOffset! + (isV6 ? 2 : 6);
  const field = byteAt(at) * 256 + byteAt(at + 1);
  return {
    headers: isV6 ? 'ipv6 fragment' : 'ip fragment',
    fragmentOffset: isV6 ? field & 0xfff8 : (field & 0x1fff) * 8,
    moreFragments: isV6 ? field & 1 : (field >> 13) & 1,
    fragmentProtocol: columns.protocol!,
  };
}

function upperFacts(columns: DecodedRow, byteAt: (offset: number) => number): Partial<RowFacts> {
  const has = (name: string) => (columns.flags as string[]).includes(name);
  const names = ['ah', 'udpEncap', 'esp', 'udp', 'tcp', 'icmp'].filter(has);
  const headers = [has('outerIpv6') ? 'ipv6' : 'ip', ...names].join(' ').replace('udpEncap', 'udpencap');
  const [ah] = columns.security.filter((header) => header.protocol === 51);
  const [esp] = columns.security.filter((header) => header.protocol === 50);
  return {
    headers,
    ah: ah === undefined ? '' : `${ah.spi} ${ah.sequence} ${columns.layers.ah}`,
    esp: esp === undefined ? '' : `${esp.spi} ${esp.sequence}`,
    tcpHeaderBytes: has('tcp') ? columns.layers.transport! : -1,
    payloadBytes: has('tcp') || has('udp') ? columns.payloadLength : -1,
    icmpType: has('icmp') ? byteAt(columns.transportOffset!) : -1,
  };
}

/** tshark's output for `datagramArguments` as lines: frame that completed it, data bytes, fragments, AH, ESP. */
export function datagramLinesOfTshark(output: string): string[] {
  return fieldRows(output, DATAGRAM_FIELDS).map((fields) =>
    [
      fields['frame.number'],
      fields['ip.reassembled.length'] || fields['ipv6.reassembled.length'],
      fields['ip.fragment.count'] || fields['ipv6.fragment.count'],
      fields['ah.spi'] === '' ? '' : `${Number(fields['ah.spi'])} ${fields['ah.sequence']}`,
      fields['esp.spi'] === '' ? '' : `${Number(fields['esp.spi'])} ${fields['esp.sequence']}`,
    ].join('\t'),
  );
}

/** The row of a datagram, decoded and finished, as a line. */
export function datagramLine(batch: PacketBatch): string {
  const columns = describeRow(batch, 0);
  const { block } = batch;
  const first = block.data[0]!;
  const headerBytes = first >> 4 === 4 ? (first & 15) * 4 : 40;
  const noted = (protocol: number) =>
    columns.security
      .filter((header) => header.protocol === protocol)
      .map(({ spi, sequence }) => `${spi} ${sequence}`)
      .join();
  return [
    block.frameNumber[0],
    block.wireLength[0]! - headerBytes,
    batch.fragments[0],
    noted(51),
    noted(50),
  ].join('\t');
}
