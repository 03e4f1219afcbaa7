import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { posix } from 'node:path';
import { test } from 'node:test';
import { repoPath } from '../repo-root.js';
import { runTare } from './cli/run-tare.js';

/** What a clone holds, relative to its root, without what is installed or built. */
const FILES = ['src', 'test', 'docs', 'scripts', 'captures', 'native']
  .flatMap((folder) => [
    folder,
    ...readdirSync(repoPath(folder), { recursive: true, encoding: 'utf8' }).map(
      (path) => `${folder}/${path}`,
    ),
  ])
  .filter((path) => !path.includes('node_modules'));
const DOCUMENTS = new Map(
  ['README.md', 'CONTRIBUTING.md', ...FILES.filter((path) => path.endsWith('.md'))].map((path) => [
    path,
    readFileSync(repoPath(path), 'utf8'),
  ]),
);

test('every link of a document leads to a file and, if it names one, to a heading there', () => {
  for (const [path, text] of DOCUMENTS) {
    for (const [, link = ''] of text.matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^https?:/.test(link)) continue;
      const [file = '', anchor] = link.split('#');
      const target = file === '' ? path : posix.normalize(posix.join(posix.dirname(path), file));
      assert.ok(existsSync(repoPath(target)), `${path}: ${link}`);
      if (anchor !== undefined)
        assert.ok(anchorsOf(DOCUMENTS.get(target) ?? '').includes(anchor), `${path}: ${link}`);
    }
  }
});

/** As GitHub makes them of headings. */
function anchorsOf(text: string): string[] {
  return [...text.matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N}_\- ]/gu, '')
      .replaceAll(' ', '-'),
  );
}

test('every program and folder that a document names is there', () => {
  for (const [path, text] of DOCUMENTS) {
    for (const [, name = ''] of text.matchAll(/`([\w./-]+)`/g)) {
      const isProgram = /\w\.(ts|mjs|py|cc|S)$/.test(name);
      const isPath = /^(src|test|docs|scripts|captures|native)\//.test(name) && !/[A-Z]{3,}/.test(name);
      if (!isProgram && !isPath) continue;
      const wanted = name.replace(/\/$/, '');
      assert.ok(
        FILES.some((file) => file === wanted || (isProgram && file.endsWith(`/${wanted}`))),
        `${path}: ${name}`,
      );
    }
  }
});

test('every option that a document gives a command is one of that command', () => {
  const help = new Map<string, string>();
  const helpOf = (command: string): string => {
    const known = help.get(command) ?? runTare([...command.split(' '), '--help']).stdout;
    help.set(command, known);
    return known;
  };
  let options = 0;
  for (const [path, text] of DOCUMENTS) {
    for (const [line, command = '', rest = ''] of text.matchAll(/\btare ((?:lab )?[a-z]+)\b([^`\n]*)/g)) {
      for (const [option] of rest.split(/ \| |, `|\. | {3}/, 1)[0]!.matchAll(/(?<= )--[a-z][a-z0-9-]*/g)) {
        options++;
        assert.match(`${helpOf(command)} --help`, new RegExp(`[ ]${option}\\b`), `${path}: ${line}`);
      }
    }
  }
  assert.ok(options > 50, `${options} options`);
});

test('docs/ARCHITECTURE.md names for each folder of src/ all that it imports', () => {
  const rows = new Map(
    [...DOCUMENTS.get('docs/ARCHITECTURE.md')!.matchAll(/^\| `src\/(\w+)\/` \|.*\| ([^|]*) \|$/gm)].map(
      ([, folder, imports]) => [folder!, imports!],
    ),
  );
  const sources = FILES.filter((path) => path.startsWith('src/') && path.endsWith('.ts'));
  const folders = [...new Set(sources.map((path) => path.split('/')[1]!))].filter(
    (name) => !name.includes('.'),
  );
  assert.deepEqual([...rows.keys()].sort(), folders.sort());
  for (const path of sources) {
    const [, folder = ''] = path.split('/');
    const documented = rows.get(folder);
    for (const [, target = ''] of readFileSync(repoPath(path), 'utf8').matchAll(/from '(\.[^']+)'/g)) {
      const [, imported = ''] = posix.join(posix.dirname(path), target).split('/');
      if (imported === folder || documented === undefined || documented === 'everything') continue;
      assert.match(documented, new RegExp(`\\b${imported}\\b`), `${path} imports ${imported}`);
    }
  }
});

test('every dependency has its reason in docs/decisions/', () => {
  const { dependencies, devDependencies } = JSON.parse(readFileSync(repoPath('package.json'), 'utf8'));
  const reasons = [...DOCUMENTS]
    .filter(([path]) => path.startsWith('docs/decisions/'))
    .map(([, text]) => text);
  for (const name of Object.keys({ ...dependencies, ...devDependencies })) {
    const spoken = name.replace(/^@biomejs\//, '');
    assert.ok(
      reasons.some((text) => text.toLowerCase().includes(spoken)),
      name,
    );
  }
});

test('decisions are numbered without gaps, and each says its number', () => {
  const decisions = [...DOCUMENTS.keys()].filter((path) => path.startsWith('docs/decisions/')).sort();
  for (const [i, path] of decisions.entries()) {
    assert.match(path, new RegExp(`/${String(i + 1).padStart(4, '0')}-[a-z0-9-]+\\.md$`));
    assert.match(DOCUMENTS.get(path)!, new RegExp(`^# ${i + 1}\\. `));
  }
});
