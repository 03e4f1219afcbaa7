import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { posix } from 'node:path';
import { test } from 'node:test';
import { repoPath } from '../repo-root.js';

/** Folder of src/ -> what its files may import besides their own folder. `node:` modules are open to everyone. */
const ALLOWED_IMPORTS: Readonly<Record<string, readonly string[]>> = {
  packet: [],
  ipsec: [],
  capture: ['packet/frame-block.ts'],
  migration: ['packet'],
  analysis: ['packet', 'ipsec', 'migration'],
  // What an MTU, MSS, suite and mode would give, without packets
  plan: ['ipsec', 'packet/layers.ts'],
  // Files, worker threads and analyses brought together
  pipeline: ['packet', 'ipsec', 'capture', 'migration', 'analysis', 'plan'],
  // A capture as it goes on: what one second added, and what is under way
  monitor: ['packet', 'ipsec', 'migration', 'analysis'],
  // What an eavesdropper gets
  exposure: ['packet', 'ipsec', 'capture', 'migration', 'analysis'],
  scenario: [],
  result: ['scenario', 'packet/layers.ts'],
  model: ['scenario', 'result', 'ipsec', 'plan', 'migration'],
  orchestrator: ['scenario', 'result', 'ipsec', 'capture', 'analysis', 'pipeline'],
  // Migrations predicted, then carried out
  validation: ['scenario', 'result', 'model', 'orchestrator'],
  report: ['scenario', 'result', 'analysis', 'plan', 'migration', 'monitor', 'exposure'],
  cli: ['*'],
  // index.ts, the public library
  '': ['*'],
};

const MAX_LINES = 500;
const KEBAB_CASE = /^[a-z0-9]+(-[a-z0-9]+)*\.ts$/;
/** Names that say nothing about what is inside. */
const EMPTY_NAMES = /(^|[/-])(utils?|helpers?|managers?|common|misc)(-|\.ts$|\/)/;
/** Printing, arguments and exit codes belong to cli/. */
const TERMINAL_USE =
  /\bconsole\s*\.|\bprocess\s*\.\s*(stdout|stderr|argv|exit|exitCode)\b|\{[^}]*\b(stdout|stderr|argv|exit)\b[^}]*\}\s*from 'node:process'/;

interface SourceFile {
  /** Relative to src/. */
  readonly path: string;
  readonly text: string;
}

interface Rule {
  readonly title: string;
  /** @returns one sentence for each violation */
  readonly check: (files: readonly SourceFile[]) => string[];
  /** Sources that must be found at fault: a rule that finds nothing proves nothing. */
  readonly offenders: readonly (readonly SourceFile[])[];
}

const RULES: readonly Rule[] = [
  {
    title: 'imports follow the arrows between folders',
    check: (files) =>
      files.flatMap((file) => listImports(file).flatMap((target) => judgeImport(file.path, target))),
    offenders: [
      [source('packet/decode.ts', "import { Esp } from '../ipsec/esp.js';")],
      [source('ipsec/esp.ts', "import type { PacketBatch } from '../packet/packet-batch.js';")],
      [source('capture/pcap.ts', "import { decode } from '../packet/decode.js';")],
      [source('analysis/flows.ts', "export * from '../report/table.js';")],
      [source('report/table.ts', "const cli = await import('../cli/main.js');")],
      [source('report/table.ts', "import '../packet/decode.js';")],
      [source('model/run.ts', "import {\n  a,\n  b,\n} from '../orchestrator/lab.js';")],
      [source('analysis/flows.ts', "import { x } from '../index.js';")],
      [source('analysis/flows.ts', "import { x } from '../tool.js';")],
      [source('kitchen/sink.ts', "import { x } from '../packet/decode.js';")],
    ],
  },
  {
    title: 'no two files import each other, directly or in a circle',
    check: findCircles,
    offenders: [
      [
        source('packet/a.ts', "import { b } from './b.js';"),
        source('packet/b.ts', "import { a } from './a.js';"),
      ],
      [
        source('packet/a.ts', "import { b } from './b.js';"),
        source('packet/b.ts', "export { c } from './c.js';"),
        source('packet/c.ts', "const a = import('./a.js');"),
      ],
    ],
  },
  {
    title: 'only the command line prints, reads arguments and sets exit codes',
    check: (files) =>
      files
        .filter((file) => folderOf(file.path) !== 'cli')
        .map((file) => ({ path: file.path, use: TERMINAL_USE.exec(stripComments(file.text))?.[0] }))
        .filter(({ use }) => use !== undefined)
        .map(({ path, use }) => `${path} contains ${use}`),
    offenders: [
      [source('packet/decode.ts', "console.log('here');")],
      [source('report/table.ts', 'process.stdout.write(text);')],
      [source('capture/open.ts', 'const path = process.argv[2];')],
      [source('analysis/flows.ts', 'process.exitCode = 3;')],
      [source('report/table.ts', "import { stdout } from 'node:process';")],
    ],
  },
  {
    title: 'file names are in kebab-case',
    check: (files) =>
      files
        .filter((file) => !KEBAB_CASE.test(posix.basename(file.path)))
        .map((file) => `${file.path} is not in kebab-case`),
    offenders: [
      [source('packet/packetBatch.ts', '')],
      [source('packet/Packet.ts', '')],
      [source('packet/a_b.ts', '')],
    ],
  },
  {
    title: 'file names say what is inside',
    check: (files) =>
      files.filter((file) => EMPTY_NAMES.test(file.path)).map((file) => `${file.path} could hold anything`),
    offenders: [
      [source('packet/utils.ts', '')],
      [source('analysis/flow-helpers.ts', '')],
      [source('capture/capture-manager.ts', '')],
      [source('helpers/time.ts', '')],
    ],
  },
  {
    title: `no file is longer than ${MAX_LINES} lines`,
    check: (files) =>
      files
        .map((file) => ({ path: file.path, lines: file.text.trimEnd().split('\n').length }))
        .filter(({ lines }) => lines > MAX_LINES)
        .map(({ path, lines }) => `${path} has ${lines} lines`),
    offenders: [[source('packet/decode.ts', 'x;\n'.repeat(MAX_LINES + 1))]],
  },
];

for (const rule of RULES) {
  test(rule.title, () => {
    assert.deepEqual(rule.check(readSources()), []);
  });

  test(`the rule "${rule.title}" finds offenders`, () => {
    for (const offender of rule.offenders) {
      const shown = offender.map((file) => `${file.path}: ${file.text.slice(0, 80)}`).join('\n');
      assert.notDeepEqual(rule.check(offender), [], `nothing found in\n${shown}`);
    }
  });
}

test('allowed imports are not reported', () => {
  const files = [
    source('capture/pcap.ts', "import { FrameBlock } from '../packet/frame-block.js';\nimport 'node:fs';"),
    source(
      'cli/main.ts',
      "import { Command } from 'commander';\nimport { x } from '../analysis/y.js';\nconsole.log(x);",
    ),
    source(
      'analysis/flows.ts',
      "import type { PacketBatch } from '../packet/packet-batch.js'; // as console.log does",
    ),
    source('index.ts', "export { decode } from './packet/decode.js';"),
  ];
  for (const rule of RULES) assert.deepEqual(rule.check(files), [], rule.title);
});

function source(path: string, text: string): SourceFile {
  return { path, text };
}

function readSources(): SourceFile[] {
  const root = repoPath('src');
  const files = readdirSync(root, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.ts'))
    .map((path) => source(path, readFileSync(`${root}/${path}`, 'utf8')));
  assert.ok(files.length > 0, `no sources under ${root}`);
  return files;
}

/** Import, export-from, side-effect import and `import()`; also in type positions. */
function listImports(file: SourceFile): string[] {
  const text = stripComments(file.text);
  const statements = text.matchAll(
    /(?:^|[\s;}])(?:import|export)\b[^;'"`]*?(?:\bfrom\s*)?(['"])([^'"\n]+)\1/g,
  );
  const calls = text.matchAll(/\bimport\s*\(\s*(['"`])([^'"`\n]+)\1/g);
  return [...statements, ...calls]
    .filter((match) => /\b(from|import)\s*\(?\s*['"`]/.test(match[0]))
    .map((match) => match[2] ?? '');
}

/** @returns path relative to src/ of the imported TypeScript file; undefined for packages */
function resolveImport(from: string, target: string): string | undefined {
  if (!target.startsWith('.')) return undefined;
  return posix.normalize(posix.join(posix.dirname(from), target)).replace(/\.js$/, '.ts');
}

function judgeImport(from: string, target: string): string[] {
  const imported = resolveImport(from, target);
  if (imported === undefined) return [];
  const folder = folderOf(from);
  const allowed = ALLOWED_IMPORTS[folder];
  if (allowed === undefined)
    return [`${from} lies in a folder that the table of allowed imports does not know`];
  if (imported.startsWith('..')) return [`${from} imports ${target}, which is outside src/`];
  const isAllowed =
    folderOf(imported) === folder ||
    allowed.includes('*') ||
    allowed.includes(imported) ||
    (folderOf(imported) !== '' && allowed.includes(folderOf(imported)));
  return isAllowed
    ? []
    : [`${from} imports ${imported}; ${folder}/ may import: ${allowed.join(', ') || 'nothing'}`];
}

/** First folder under src/; empty for files that lie in src/ itself. */
function folderOf(path: string): string {
  return path.includes('/') ? (path.split('/')[0] ?? '') : '';
}

function findCircles(files: readonly SourceFile[]): string[] {
  const imports = new Map(
    files.map((file) => [
      file.path,
      listImports(file).flatMap((target) => resolveImport(file.path, target) ?? []),
    ]),
  );
  const done = new Set<string>();
  const circles: string[] = [];
  const visit = (path: string, trail: readonly string[]): void => {
    if (trail.includes(path)) {
      circles.push([...trail.slice(trail.indexOf(path)), path].join(' -> '));
      return;
    }
    if (done.has(path)) return;
    for (const next of imports.get(path) ?? []) visit(next, [...trail, path]);
    done.add(path);
  };
  for (const file of files) visit(file.path, []);
  return circles;
}

/** Comments may show imports and mention console; a `//` behind a colon is an address in a string. */
function stripComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/(^|[^:'"`])\/\/.*$/gm, '$1');
}
