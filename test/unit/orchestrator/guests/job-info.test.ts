import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  AnswerReader,
  parseIterationEvent,
  parseJobInfo,
} from '../../../../src/orchestrator/guests/job-info.js';

/** As `virsh domjobinfo --completed --rawstats` of libvirt 9.0 printed it, QEMU 7.2; a capture of the migration had 5.46 MB of RAM. */
const COMPLETED = `Job type: 3

operation: 5
time_elapsed: 5912
time_elapsed_net: 5563
downtime: 565
downtime_net: 216
setup_time: 30
data_total: 17309696
data_processed: 5461781
data_remaining: 0
memory_total: 17309696
memory_processed: 5461781
memory_remaining: 0
memory_bps: 2113198
memory_constant: 3090
memory_normal: 1324
memory_normal_bytes: 5423104
memory_dirty_rate: 0
memory_iteration: 4
memory_postcopy_requests: 0
memory_page_size: 4096
disk_total: 0
disk_processed: 0
disk_remaining: 0
`;

/** The same while both sides are prepared. */
const PREPARING = COMPLETED.replace(/^(memory_\w+|data_\w+): \d+$/gm, '$1: 0');

test("libvirt's figures are those that QEMU would have told itself", () => {
  const status = parseJobInfo(COMPLETED);
  assert.equal(status?.downtimeMs, 565);
  assert.equal(status.setupTimeMs, 30);
  assert.deepEqual(
    {
      transferred: status.ram?.transferred,
      normalPages: status.ram?.normalPages,
      zeroPages: status.ram?.zeroPages,
      dirtySyncCount: status.ram?.dirtySyncCount,
      pageBytes: status.ram?.pageBytes,
    },
    { transferred: 5_461_781, normalPages: 1324, zeroPages: 3090, dirtySyncCount: 4, pageBytes: 4096 },
  );
});

test('the total time leaves out what libvirt prepares', () => {
  // Events of the same migration: its first iteration began 2.89 s before the domain had left the source.
  const { totalTimeMs = 0 } = parseJobInfo(COMPLETED) ?? {};
  assert.ok(totalTimeMs > 2500 && totalTimeMs < 2890, `${totalTimeMs}`);
});

test('before QEMU begins, and without a job, there are no figures', () => {
  assert.equal(parseJobInfo(PREPARING), null);
  assert.equal(parseJobInfo('Job type: 0\n'), null);
  assert.equal(parseJobInfo(''), null);
});

test('answers cut anywhere are put together', () => {
  const text = `${COMPLETED}@@\n@@\n${PREPARING}@@\n`;
  for (const size of [1, 2, 7, 100, text.length]) {
    const reader = new AnswerReader();
    const answers: string[] = [];
    for (let at = 0; at < text.length; at += size) answers.push(...reader.take(text.slice(at, at + size)));
    assert.deepEqual(answers, [COMPLETED, '', PREPARING], `in pieces of ${size}`);
  }
});

test('iterations are told from other events', () => {
  const line = "2026-11-22 22:19:38.346+0000: event 'migration-iteration' for domain 'tiny': iteration: '2'";
  assert.equal(parseIterationEvent(line), 2);
  assert.equal(parseIterationEvent("event 'lifecycle' for domain 'tiny': Suspended Migrated"), null);
  assert.equal(parseIterationEvent('events received: 1'), null);
});
