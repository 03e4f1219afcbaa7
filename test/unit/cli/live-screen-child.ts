import { LiveScreen } from '../../../src/cli/live-screen.js';
import { liveSnapshot } from '../report/sample-live.js';

/* A process that shows one snapshot and ends in the way its argument says: run by live-screen.test.ts on a terminal. */

const way = process.argv[2] ?? '';
new LiveScreen({ title: 'eth1', color: false, json: false }).show(liveSnapshot());
if (way === 'throw') throw new Error('as told');
if (way === 'exit') process.exit(7);
process.kill(process.pid, way);
// A signal comes with the next turn of the event loop.
setTimeout(() => {}, 60_000);
