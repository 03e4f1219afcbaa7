import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { METRIC_NAMES } from '../../../src/cli/metric-families.js';
import { repoPath } from '../../repo-root.js';
import { liveMigration, liveSnapshot } from '../report/sample-live.js';

const FORMATS = readFileSync(repoPath('docs/FORMATS.md'), 'utf8');
const LIVE = FORMATS.slice(FORMATS.indexOf('`tare.live/1`'), FORMATS.indexOf('## `tare packets`'));

test('FORMATS.md names every metric', () => {
  for (const name of METRIC_NAMES) assert.ok(LIVE.includes(`\`${name}\``), name);
});

test('FORMATS.md names every field of a snapshot', () => {
  const { total } = liveSnapshot();
  const names = [liveSnapshot(), liveMigration(1), total].flatMap((part) => Object.keys(part));
  for (const name of names) assert.match(LIVE, new RegExp(`[\`{ .]${name}[\`,}.]`), name);
});
