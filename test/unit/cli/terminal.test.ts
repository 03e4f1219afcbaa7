import assert from 'node:assert/strict';
import { test } from 'node:test';
import { reportWidth, wantsColor } from '../../../src/cli/terminal.js';

test('a report is as wide as the terminal, within 40 and 200 columns', () => {
  assert.equal(reportWidth({ isTTY: true, columns: 132 }, {}), 132);
  assert.equal(reportWidth({ isTTY: true, columns: 500 }, {}), 200);
  assert.equal(reportWidth({ isTTY: true, columns: 10 }, {}), 40);
});

test('without a terminal COLUMNS decides, else it is 80', () => {
  assert.equal(reportWidth({}, {}), 80);
  assert.equal(reportWidth({}, { COLUMNS: '120' }), 120);
  assert.equal(reportWidth({}, { COLUMNS: 'wide' }), 80);
});

test('colour is for terminals', () => {
  assert.equal(wantsColor({ isTTY: true }, {}), true);
  assert.equal(wantsColor({}, {}), false);
  assert.equal(wantsColor({ isTTY: true }, { TERM: 'dumb' }), false);
});

test('NO_COLOR wins unless it is empty; FORCE_COLOR asks for colour anywhere', () => {
  assert.equal(wantsColor({ isTTY: true }, { NO_COLOR: '1' }), false);
  assert.equal(wantsColor({ isTTY: true }, { NO_COLOR: '' }), true);
  assert.equal(wantsColor({}, { NO_COLOR: '1', FORCE_COLOR: '1' }), false);
  assert.equal(wantsColor({}, { FORCE_COLOR: '1' }), true);
  assert.equal(wantsColor({ isTTY: true }, { FORCE_COLOR: '0' }), false);
});
