// cap's share of the benchmark: captures the way its README shows and counts: node cap-count.js NIC. Ctrl-C ends it.
import { createRequire } from 'node:module';
import { repoPath } from '../repo-root.js';

interface Cap {
  open(device: string, filter: string, bufferBytes: number, packet: Buffer): string;
  on(event: 'packet', listener: (bytes: number, truncated: boolean) => void): void;
  close(): void;
}

const require = createRequire(repoPath('test/bench/cap/package.json'));
const { Cap } = require('cap') as { Cap: new () => Cap };

let packets = 0;
const capture = new Cap();
capture.open(process.argv[2] ?? '', '', 32 * 2 ** 20, Buffer.alloc(65_535));
capture.on('packet', () => {
  packets++;
});
process.on('SIGINT', () => {
  capture.close();
  process.stdout.write(`${packets}\n`);
  process.exit(0);
});
process.stderr.write('capturing\n');
