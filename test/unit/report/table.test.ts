import assert from 'node:assert/strict';
import { test } from 'node:test';
import stringWidth from 'string-width';
import { renderTable, type TableColumn } from '../../../src/report/table.js';
import { createTextStyle } from '../../../src/report/text-style.js';

const COLUMNS: TableColumn[] = [
  { title: 'name', minWidth: 6 },
  { title: 'bytes', align: 'right' },
  { title: 'remark', dispensable: 1 },
];
const plain = createTextStyle(false);

test('columns line up, numbers at the right', () => {
  const rows = [
    ['payload', '1,234', 'x'],
    ['ip', '20', ''],
  ];
  assert.deepEqual(renderTable(COLUMNS, rows, { width: 80, style: plain }), [
    '  name     bytes  remark',
    '  payload  1,234  x',
    '  ip          20',
  ]);
});

test('a dispensable column goes before others are squeezed out of shape', () => {
  const lines = renderTable(COLUMNS, [['payload', '1,234', 'a long remark']], { width: 20, style: plain });
  assert.deepEqual(lines, ['  name     bytes', '  payload  1,234']);
});

test('a squeezed column breaks its cells', () => {
  const lines = renderTable(COLUMNS, [['10.9.0.1 -> 10.9.0.2', '20', '']], { width: 22, style: plain });
  assert.deepEqual(lines, ['  name           bytes', '  10.9.0.1 ->       20', '  10.9.0.2']);
});

test('colours do not count as width', () => {
  const style = createTextStyle(true);
  const lines = renderTable(COLUMNS, [[style.bad('payload'), '1,234', '']], { width: 80, style });
  assert.ok(lines[1]!.includes('\u001b[31mpayload'));
  assert.equal(stringWidth(lines[1]!), stringWidth('  payload  1,234'));
});
