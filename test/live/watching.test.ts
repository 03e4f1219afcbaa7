import assert from 'node:assert/strict';
import { test } from 'node:test';
import { repoPath } from '../repo-root.js';
import { requireLink } from './live-link.js';

const GCM = repoPath('captures/ipsec/t4-gcm16.pcap');

test('--json gives a line for each second and the report as the last one', async (t) => {
  const link = requireLink(t);
  if (link === null) return;
  const running = await link.capture(['--json']);
  link.replay(GCM);
  const line = await running.line(/"total":629/);
  assert.equal(JSON.parse(line).schema, 'tare.live/1');
  const { stdout } = await running.interrupt();
  const schemas = stdout
    .trim()
    .split('\n')
    .map((text) => JSON.parse(text).schema);
  assert.equal(schemas.pop(), 'tare.analysis/1');
  assert.deepEqual(new Set(schemas), new Set(['tare.live/1']));
});

test('metrics of a capture under way are served to whoever asks on this machine', async (t) => {
  const link = requireLink(t);
  if (link === null) return;
  link.ip('link', 'set', 'lo', 'up');
  const running = await link.capture(['--metrics', '127.0.0.1:0', '--json']);
  await running.said(/metrics at http:\/\/127\.0\.0\.1:\d+\/metrics$/m);
  const url = /metrics at (\S+)/.exec(running.stderr)![1]!;
  link.replay(GCM);
  await running.line(/"total":629/);
  const script = 'fetch(process.argv[1]).then((r) => r.text()).then((t) => process.stdout.write(t))';
  const text = link.run(process.execPath, '-e', script, url);
  assert.match(text, /^tare_\S*packets_total\S* \d+$/m);
  assert.equal((await running.interrupt()).exitCode, 0);
});
