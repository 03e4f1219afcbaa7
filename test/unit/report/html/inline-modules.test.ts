import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { runInNewContext } from 'node:vm';
import { inlineModules } from '../../../../src/report/html/inline-modules.js';

const folder = mkdtempSync(join(tmpdir(), 'tare-inline-'));
after(() => rmSync(folder, { recursive: true }));

function joinFiles(files: Readonly<Record<string, string>>, entry: string): string {
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  return inlineModules(pathToFileURL(join(folder, entry)));
}

test('modules with names in common run as one script', () => {
  const script = joinFiles(
    {
      'a.js': "import { b, size as bSize } from './b.js';\nconst size = 1;\nresult.push(size, bSize, b());\n",
      'b.js':
        "import { C } from './c.js';\nexport const size = 2;\nexport function b() {\n  return new C().n + size;\n}\n",
      'c.js': 'const size = 3;\nexport class C {\n  n = size;\n}\n//# sourceMappingURL=c.js.map\n',
    },
    'a.js',
  );
  const result: number[] = [];
  runInNewContext(script, { result });
  assert.deepEqual([...result], [1, 2, 5]);
  assert.doesNotMatch(script, /sourceMappingURL/);
});

test('a module imported twice runs once, before those that need it', () => {
  const script = joinFiles(
    {
      'a.js': "import { b } from './b.js';\nimport { c } from './c.js';\nresult.push(b + c);\n",
      'b.js': "import { c } from './c.js';\nexport const b = c + 1;\n",
      'c.js': 'result.push(0);\nexport const c = 1;\n',
    },
    'a.js',
  );
  const result: number[] = [];
  runInNewContext(script, { result });
  assert.deepEqual([...result], [0, 3]);
});

for (const statement of [
  "import fs from 'node:fs';",
  "import { readFileSync } from 'node:fs';",
  "import './side-effect.js';",
  "export * from './b.js';",
  'export { b };',
  'export default 1;',
]) {
  test(`"${statement}" is refused, with the name of the module`, () => {
    assert.throws(
      () => joinFiles({ 'refused.js': `const b = 1;\n${statement}\n` }, 'refused.js'),
      /refused\.js: cannot be put/,
    );
  });
}
