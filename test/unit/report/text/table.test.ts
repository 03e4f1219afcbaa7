import assert from 'node:assert/strict';
import { test } from 'node:test';
import stringWidth from 'string-width';
import { renderTable, type TableColumn } from '../../../../src/report/text/table.js';
import { createTextStyle } from '../../../../src/report/text/text-style.js';

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

test('a column that is too wide all the same breaks between words alone', () => {
  const columns: TableColumn[] = [
    { title: 'link MTU', align: 'right' },
    { title: 'bytes on the wire', align: 'right' },
  ];
  assert.deepEqual(renderTable(columns, [['1500', '4.60 GB']], { width: 16, style: plain }), [
    '   link    bytes',
    '    MTU   on the',
    '            wire',
    '   1500  4.60 GB',
  ]);
});

test('where numbers would break, the cells of a row stand below each other', () => {
  const columns: TableColumn[] = [
    { title: 'name' },
    { title: 'bytes', align: 'right' },
    { title: 'packets', align: 'right' },
    { title: '' },
    { title: 'rate', align: 'right', dispensable: 1 },
  ];
  const rows = [
    ['payload', '18,446,744,073', '1,234,567', 'best', '9'],
    ['in the clear', '20', '', '', '8'],
  ];
  assert.deepEqual(renderTable(columns, rows, { width: 30, style: plain }), [
    '  name',
    '  payload',
    '    bytes    18,446,744,073',
    '    packets  1,234,567',
    '    best',
    '  in the clear',
    '    bytes    20',
  ]);
});

test('a cell that has no room beside its title stands below it', () => {
  const columns: TableColumn[] = [{ title: 'SA' }, { title: 'source and destination' }, { title: 'SPI' }];
  const rows = [['ESP', '10.9.0.1 -> 10.9.0.2', '0x00000101']];
  assert.deepEqual(renderTable(columns, rows, { width: 28, style: plain }), [
    '  SA',
    '  ESP',
    '    source and destination',
    '      10.9.0.1 -> 10.9.0.2',
    '    SPI  0x00000101',
  ]);
});

test('colours do not count as width', () => {
  const style = createTextStyle(true);
  const lines = renderTable(COLUMNS, [[style.bad('payload'), '1,234', '']], { width: 80, style });
  assert.ok(lines[1]!.includes('\u001b[31mpayload'));
  assert.equal(stringWidth(lines[1]!), stringWidth('  payload  1,234'));
});
