// pcap-parser's share of the benchmark: reads a pcap file the way its README shows and counts.
import { createRequire } from 'node:module';
import { repoPath } from '../repo-root.js';

interface PcapParser {
  on(event: 'packet', listener: (packet: { header: { originalLength: number } }) => void): void;
  on(event: 'end', listener: () => void): void;
}

const require = createRequire(repoPath('test/bench/package.json'));
const { parse } = require('pcap-parser') as { parse: (path: string) => PcapParser };

let packets = 0;
let bytes = 0;
const parser = parse(process.argv[2] ?? '');
parser.on('packet', (packet) => {
  packets++;
  bytes += packet.header.originalLength;
});
parser.on('end', () => console.log(`${packets} packets, ${bytes} bytes`));
