// One transfer in a process of its own, for test/bench/simulate.ts: node simulate-once.js BYTES

import { BulkSource } from '../../src/model/packet/bulk-source.js';
import { simulateTransfer } from '../../src/model/packet/simulate-transfer.js';
import { channelWith } from '../unit/model/packet/channels.js';

const channel = channelWith({ rttNs: 1e6, queuePackets: 5000 });
const source = new BulkSource(Number(process.argv[2]));
const { deliveredNs } = simulateTransfer(channel, source, { seed: 1, timeLimitNs: Number.POSITIVE_INFINITY });
console.log(deliveredNs);
