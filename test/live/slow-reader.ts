// Captures without reading a block until a line comes on standard input, then reads to the end of what arrived: node
// slow-reader.js NIC BUFFER_BYTES BLOCKS. Prints what came and what the capture says of it.
import { once } from 'node:events';
import { LiveSource } from '../../src/capture/live/live-source.js';

const [device = '', bufferBytes = '', blockCount = ''] = process.argv.slice(2);
const source = new LiveSource({
  device,
  filter: '',
  snapLength: 262_144,
  promiscuous: true,
  bufferBytes: Number(bufferBytes),
  maxFrames: 0,
  blockCount: Number(blockCount),
});
const blocks = source[Symbol.asyncIterator]();
const first = blocks.next();
process.stderr.write('tare: capturing on a link\n');
await once(process.stdin, 'data');
let frames = 0;
let lastNumber = 0;
const take = ({ count, frameNumber }: { count: number; frameNumber: Float64Array }): void => {
  for (let i = 0; i < count; i++) if (frameNumber[i] !== ++lastNumber) throw new Error('numbers jump');
  frames += count;
};
const before = await first;
if (!before.done) take(before.value);
source.stop();
for (let step = await blocks.next(); !step.done; step = await blocks.next()) take(step.value);
process.stdout.write(`${JSON.stringify({ frames, ...source.counts })}\n`);
process.stdin.destroy();
