import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { EventEmitter } from 'node:events';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { LiveScreen } from '../../../src/cli/live-screen.js';
import { PATIENCE_MS, requireTool } from '../../tool.js';
import { liveSnapshot } from '../report/sample-live.js';

const ENTER = '\u001b[?1049h';
const LEAVE = '\u001b[?1049l';
const SHOW_CURSOR = '\u001b[?25h';
const HIDE_CURSOR = '\u001b[?25l';

/** A terminal that remembers what was written, and a process that remembers what it was killed with. */
class Stage extends EventEmitter {
  isTTY = true;
  columns = 80;
  rows = 24;
  readonly pid = 4242;
  readonly written: string[] = [];
  readonly killed: string[] = [];

  write(text: string): boolean {
    this.written.push(text);
    return true;
  }

  kill(pid: number, signal: string): void {
    this.killed.push(`${pid} ${signal}`);
  }

  get text(): string {
    return this.written.join('');
  }
}

function openScreen(stage: Stage, json = false, terminal = 'xterm'): LiveScreen {
  return new LiveScreen({ title: 'eth1', color: false, json, terminal, output: stage, signals: stage });
}

function count(text: string, part: string): number {
  return text.split(part).length - 1;
}

/** What the terminal would show if it were left alone. */
function isGivenBack(stage: Stage): boolean {
  const { text } = stage;
  return (
    text.lastIndexOf(LEAVE) > text.lastIndexOf(ENTER) &&
    text.lastIndexOf(SHOW_CURSOR) > text.lastIndexOf(HIDE_CURSOR)
  );
}

test('nothing is touched before there is something to show', () => {
  const stage = new Stage();
  openScreen(stage).close();
  assert.deepEqual(stage.written, []);
  assert.deepEqual(stage.eventNames(), []);
});

test('a frame is one write over the one before: nothing is cleared in between, nothing scrolls', () => {
  const stage = new Stage();
  const screen = openScreen(stage);
  screen.show(liveSnapshot());
  screen.show(liveSnapshot());
  const frames = stage.written.slice(1);
  assert.equal(frames.length, 2);
  for (const frame of frames) {
    assert.ok(frame.startsWith('\u001b[Htare capture eth1'));
    assert.ok(frame.endsWith('\u001b[K\u001b[J'));
    assert.ok(count(frame, '\r\n') < stage.rows);
    assert.equal(count(frame, '\u001b[2J'), 0);
    assert.equal(count(frame, '\u001b[K'), count(frame, '\r\n') + 1);
  }
  assert.equal(count(stage.text, ENTER), 1);
  screen.close();
});

test('the terminal is given back by close, once, and nobody listens any more', () => {
  const stage = new Stage();
  const screen = openScreen(stage);
  screen.show(liveSnapshot());
  assert.ok(!isGivenBack(stage));
  screen.close();
  screen.close();
  screen.show(liveSnapshot());
  assert.ok(isGivenBack(stage));
  assert.equal(count(stage.text, LEAVE), 1);
  assert.deepEqual(stage.eventNames(), []);
});

for (const event of ['SIGINT', 'SIGTERM', 'SIGHUP', 'exit']) {
  test(`the terminal is given back on ${event}, and what comes afterwards is left to others`, () => {
    const stage = new Stage();
    const screen = openScreen(stage);
    let heard = 0;
    stage.on(event, () => {
      heard += 1;
    });
    screen.show(liveSnapshot());
    stage.emit(event);
    assert.equal(heard, 1);
    assert.ok(isGivenBack(stage));
    screen.show(liveSnapshot());
    assert.ok(isGivenBack(stage), 'no frame is drawn over the shell');
    assert.deepEqual(stage.killed, []);
    screen.close();
    assert.equal(count(stage.text, LEAVE), 1);
  });
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT']) {
  test(`the terminal is given back on ${signal} nobody else hears, which then ends the process as it would have`, () => {
    const stage = new Stage();
    openScreen(stage).show(liveSnapshot());
    stage.emit(signal);
    assert.ok(isGivenBack(stage));
    assert.deepEqual(stage.killed, [`4242 ${signal}`]);
    assert.equal(stage.listenerCount(signal), 0);
  });
}

test('Ctrl-Z gives the terminal back for as long as the process is stopped', () => {
  const stage = new Stage();
  const screen = openScreen(stage);
  screen.show(liveSnapshot());
  stage.emit('SIGTSTP');
  assert.ok(isGivenBack(stage));
  assert.deepEqual(stage.killed, ['4242 SIGSTOP']);
  stage.emit('SIGCONT');
  assert.ok(!isGivenBack(stage));
  assert.match(stage.written.at(-1)!, /tare capture eth1/);
  screen.close();
  assert.ok(isGivenBack(stage));
});

test('a terminal that changes its size is drawn anew at once', () => {
  const stage = new Stage();
  const screen = openScreen(stage);
  screen.show(liveSnapshot());
  const before = stage.written.length;
  stage.rows = 6;
  stage.emit('resize');
  assert.equal(stage.written.length, before + 1);
  assert.ok(count(stage.written.at(-1)!, '\r\n') <= 5);
  screen.close();
});

test('where there is no terminal each snapshot is a line of text without escape sequences', () => {
  const stage = new Stage();
  stage.isTTY = false;
  const screen = openScreen(stage);
  screen.show(liveSnapshot());
  screen.show(
    liveSnapshot({ findings: [], migrations: [], drops: { kernel: 3, interface: 0 }, notAnalysed: 1 }),
  );
  screen.close();
  assert.deepEqual(stage.written, [
    '1 min 2 s; 90.0 Mbit/s, 9,004 packets/s; < 0.1 % in the clear; goodput 81.0 Mbit/s; 1 migrating; 1 finding: 1 high\n',
    '1 min 2 s; 90.0 Mbit/s, 9,004 packets/s; < 0.1 % in the clear; goodput 81.0 Mbit/s; 3 frames LOST; 1 frame not analysed\n',
  ]);
});

test('a dumb terminal gets lines too', () => {
  const stage = new Stage();
  openScreen(stage, false, 'dumb').show(liveSnapshot());
  assert.ok(!stage.text.includes('\u001b'));
  assert.equal(count(stage.text, '\n'), 1);
});

test('with --json each snapshot is a line of JSON, terminal or not', () => {
  const stage = new Stage();
  const screen = openScreen(stage, true);
  screen.show(liveSnapshot());
  screen.close();
  assert.equal(count(stage.text, '\n'), 1);
  assert.deepEqual(JSON.parse(stage.text), liveSnapshot());
});

for (const [way, code] of [
  ['throw', 1],
  ['exit', 7],
  ['SIGTERM', 128 + 15],
  ['SIGHUP', 128 + 1],
] as const) {
  test(`a real terminal is given back when the process ends by ${way}`, (t) => {
    if (!requireTool(t, 'script')) return;
    const child = fileURLToPath(new URL('live-screen-child.js', import.meta.url));
    const command = `${JSON.stringify(process.execPath)} ${JSON.stringify(child)} ${way}`;
    const { stdout, status } = spawnSync('script', ['-qefc', command, '/dev/null'], {
      encoding: 'utf8',
      timeout: PATIENCE_MS,
      env: { ...process.env, TERM: 'xterm' },
      input: '',
    });
    assert.equal(status, code, stdout);
    assert.ok(stdout.includes(ENTER) && stdout.includes('tare capture eth1'));
    const after = stdout.slice(stdout.lastIndexOf(HIDE_CURSOR));
    assert.ok(after.includes(SHOW_CURSOR) && after.includes(LEAVE), 'the terminal was not given back');
  });
}
