import assert from 'node:assert/strict';
import {
  existsSync,
  lstatSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { CliError, ExitCode } from '../../../src/cli/exit-code.js';
import {
  discardUnfinishedFiles,
  OutputFile,
  StagedOutput,
  TemporaryFolder,
  writeOutputFile,
} from '../../../src/cli/output-file.js';
import { withFolder } from './run-tare.js';

const SECRET = { secret: true };

test('a file appears only when it is complete', () => {
  withFolder((folder) => {
    const path = join(folder, 'out');
    writeFileSync(path, 'old');
    const file = new OutputFile(path, SECRET);
    file.write('new');
    assert.equal(readFileSync(path, 'utf8'), 'old');
    file.commit();
    assert.equal(readFileSync(path, 'utf8'), 'new');
    assert.deepEqual(readdirSync(folder), ['out']);
  });
});

test('a secret file is for its owner alone, from its first byte on and even if it replaces an open one', () => {
  withFolder((folder) => {
    const path = join(folder, 'out');
    writeFileSync(path, 'old', { mode: 0o644 });
    const file = new OutputFile(path, SECRET);
    const [temporary] = readdirSync(folder).filter((name) => name !== 'out');
    assert.equal(statSync(join(folder, temporary!)).mode & 0o777, 0o600);
    file.commit();
    assert.equal(statSync(path).mode & 0o777, 0o600);
  });
});

test('what is given up leaves nothing behind and the old file untouched', () => {
  withFolder((folder) => {
    const path = join(folder, 'out');
    writeFileSync(path, 'old');
    const file = new OutputFile(path, SECRET);
    file.write('half');
    discardUnfinishedFiles();
    assert.deepEqual(readdirSync(folder), ['out']);
    assert.equal(readFileSync(path, 'utf8'), 'old');
    file.discard();
  });
});

test('the file behind a symbolic link is replaced, the link stays', () => {
  withFolder((folder) => {
    writeFileSync(join(folder, 'real'), 'old');
    symlinkSync(join(folder, 'real'), join(folder, 'link'));
    writeOutputFile(join(folder, 'link'), 'new', SECRET);
    assert.ok(lstatSync(join(folder, 'link')).isSymbolicLink());
    assert.equal(readFileSync(join(folder, 'real'), 'utf8'), 'new');
  });
});

test('a device is written to, not replaced', () => {
  writeOutputFile('/dev/null', 'gone', SECRET);
  assert.ok(statSync('/dev/null').isCharacterDevice());
});

test('a staged file is put in place when it is complete, and leaves nothing behind when not', () => {
  withFolder((folder) => {
    const path = join(folder, 'out');
    const complete = new StagedOutput(path);
    writeFileSync(complete.path, 'whole', { mode: 0o600 });
    complete.commit();
    complete.discard();
    const interrupted = new StagedOutput(path);
    writeFileSync(`${interrupted.path}.part`, 'half');
    discardUnfinishedFiles();
    assert.deepEqual(readdirSync(folder), ['out']);
    assert.equal(readFileSync(path, 'utf8'), 'whole');
    assert.throws(() => new StagedOutput('/dev/null'), /no regular file/);
  });
});

test('a temporary folder goes with the command, however that ends', () => {
  const folders = [new TemporaryFolder('tare-test-'), new TemporaryFolder('tare-test-')] as const;
  for (const { path } of folders) writeFileSync(join(path, 'capture'), 'x');
  assert.equal(statSync(folders[0].path).mode & 0o777, 0o700);
  folders[0].discard();
  assert.deepEqual(
    folders.map(({ path }) => existsSync(path)),
    [false, true],
  );
  discardUnfinishedFiles();
  assert.equal(existsSync(folders[1].path), false);
});

test('what cannot be written says which file', () => {
  withFolder((folder) => {
    const wanted = (error: unknown) =>
      error instanceof CliError && error.exitCode === ExitCode.environment && error.message.includes(folder);
    assert.throws(() => writeOutputFile(folder, 'x', SECRET), wanted);
    assert.throws(() => writeOutputFile(join(folder, 'missing', 'out'), 'x', SECRET), wanted);
  });
});
