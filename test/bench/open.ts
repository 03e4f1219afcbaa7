// node dist/test/bench/open.js [PAYLOAD BYTES] [PART OF A SUITE'S NAME...]
//
// Microseconds a packet to check and open ESP and to check AH, as the decoder asks for it: the best round by the clock, and
// the mean of processor time, garbage collection on other threads included.

import { cpuUsage, hrtime } from 'node:process';
import { KeyedOpener } from '../../src/ipsec/open/keyed-opener.js';
import { SaTable } from '../../src/ipsec/sa-table.js';
import { parseAhSuite, parseEspSuite } from '../../src/ipsec/suite.js';
import { buildAh, buildEsp, ipv4Packet, testAssociation } from '../unit/ipsec/open/packet-builder.js';

const ESP = [
  'aes128-sha256 aes128-sha1 aes256-sha256 aes256-sha384 aes256-sha512 aes128-md5 aes128-aesxcbc aes128-aescmac',
  'aes128gcm16 aes256gcm16 aes128gcm8 aes128ccm16 aes128gmac chacha20poly1305',
  'aes128ctr-sha256 aes128 null-sha256 3des-sha1',
].flatMap((line) => line.split(' '));
const AH = 'sha256 sha1 sha384 sha512 md5 aesxcbc aescmac aes128gmac'.split(' ');

/** Packets side by side in one buffer, as in a capture chunk. */
const PACKETS = 256;
const ROUNDS = 120;
/** Rounds left out of the mean. */
const WARM_UP = 20;

const payloadBytes = Number(process.argv[2] ?? 1400);
const filters = process.argv.slice(3);

function isWanted(name: string): boolean {
  return filters.length === 0 || filters.some((part) => name.includes(part));
}

function layOut(packets: readonly Buffer[]): { chunk: Uint8Array; offsets: number[] } {
  const offsets: number[] = [];
  let at = 0;
  for (const packet of packets) {
    offsets.push(at);
    at += packet.length;
  }
  return { chunk: Uint8Array.from(Buffer.concat(packets)), offsets: [...offsets, at] };
}

/** @param open true if the packet passed */
function measure(
  name: string,
  packets: readonly Buffer[],
  open: (d: Uint8Array, ip: number, end: number) => boolean,
) {
  const { chunk, offsets } = layOut(packets);
  const work = chunk.slice();
  let bestNs = Number.POSITIVE_INFINITY;
  let cpuUs = 0;
  for (let round = 0; round < ROUNDS; round++) {
    work.set(chunk);
    const cpu = cpuUsage();
    const start = hrtime.bigint();
    for (let i = 0; i < PACKETS; i++) {
      if (!open(work, offsets[i]!, offsets[i + 1]!)) throw new Error(`${name}: packet ${i} does not open`);
    }
    const elapsedNs = Number(hrtime.bigint() - start);
    bestNs = Math.min(bestNs, elapsedNs);
    const { user, system } = cpuUsage(cpu);
    if (round >= WARM_UP) cpuUs += user + system;
  }
  const bestUs = bestNs / PACKETS / 1000;
  const meanUs = cpuUs / (ROUNDS - WARM_UP) / PACKETS;
  const columns = [bestUs.toFixed(2), meanUs.toFixed(2), (1000 / meanUs).toFixed(0)];
  console.log(name.padEnd(22) + columns.map((column) => column.padStart(10)).join(''));
}

function measureEsp(name: string): void {
  const suite = parseEspSuite(name);
  const association = testAssociation(suite);
  const opener = new KeyedOpener(new SaTable([association]));
  const packets = Array.from({ length: PACKETS }, (_, i) => {
    const payload = new Uint8Array(payloadBytes).fill(i);
    const iv = new Uint8Array(suite.ivBytes).fill(i);
    return ipv4Packet(50, buildEsp(association, { payload, nextHeader: 6, sequence: BigInt(i), iv }));
  });
  measure(`esp ${name}`, packets, (data, ip, end) => opener.openEsp(data, ip, ip + 20, end));
}

function measureAh(name: string): void {
  const association = testAssociation(parseAhSuite(name));
  const opener = new KeyedOpener(new SaTable([association]));
  const packets = Array.from({ length: PACKETS }, (_, i) => {
    const content = { nextHeader: 6, sequence: BigInt(i), payload: new Uint8Array(payloadBytes).fill(i) };
    const header = ipv4Packet(51, buildAh(association, new Uint8Array(0), content)).subarray(0, 20);
    header[8] = 0;
    return ipv4Packet(51, buildAh(association, header, content));
  });
  measure(`ah ${name}`, packets, (data, ip, end) => opener.verifyAh(data, ip, ip + 20, end) === 1);
}

console.log(`${payloadBytes}-byte payloads, ${ROUNDS} rounds of ${PACKETS}`);
console.log('                          best us    cpu us     kpps');
for (const name of ESP.filter(isWanted)) measureEsp(name);
for (const name of AH.filter(isWanted)) measureAh(name);
