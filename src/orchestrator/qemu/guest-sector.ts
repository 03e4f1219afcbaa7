import { PAGE_BYTES, type Scenario, type Workload } from '../../scenario/scenario.js';

/**
 * The boot sector guest of native/guest/guest.S, with parameters patched in. It fills memory from 1 MiB on, then writes to a part of
 * it at a set pace, and reports once a second on its serial port (`parseGuestReports`).
 */
export interface GuestSectorSettings {
  /** Pages to fill; at least 1. */
  readonly fillPages: number;
  /** Share of them that the filling leaves zero, 0 to 1 in steps of 1/256. Writes go to these as well. Default: 0. */
  readonly zeroShare?: number;
  /** Pages to write to, the first of those that were filled. */
  readonly workingPages: number;
  /** 0: it writes nothing. */
  readonly pagesPerSecond: number;
  /** `sequential`: one page after the other, over and over. `random`: any with the same probability. */
  readonly order: 'sequential' | 'random';
  /** Of random writes, a share (in steps of 1/256) goes to the first `pages`; the others go anywhere in the working set, there too. */
  readonly hot?: { readonly pages: number; readonly share: number };
  /** Of the order; a whole number below 2^32. Default: 1. */
  readonly seed?: number;
  /** At the end of every page that is filled: printable ASCII, 64 characters at most. */
  readonly text?: string;
}

/** What an eavesdropper can look for. */
export const PLANTED_TEXT = 'TARE GUEST MEMORY: WHO READS THIS ON THE WIRE READS THE GUEST';

/** As `as` and `ld` make it of guest.S; a test holds them against each other. */
const SECTOR = Buffer.from(
  [
    '+jHAjtiOwL4AfL8AbrkAAfOlvCp8DwEWfG8PIMAMAQ8iwGbqKm4AAAgAsBCO2I7AjtC9pm8AAA8BHZRvAACw/uYhsDTmQ7Cc5kCwLuZA',
    'Mckx2ztdAHMZ6PAAAAB0D4nYZrnwA/OrjXUYsRDzpUPr4ma6CAbtiUVc+/RmuggG7YnBK0VciU1cweAIAUVg92UMAUVkg9IAidHjPlGL',
    'TQSAfRYAdQyLRWj/RWgx0vfx6xlpRRANZhkABV/zbjyJRRA6ZRVzA4tNCPfhweIM/4IEABAA/0VsWeLCsQiLRXAx0vd1AInT6GMAAAB0',
    'DzkfdQg5n7wPAAB0A/9FdP9FcOLbuACZnjY5RWByOClFYP9FeL5sbwAArOgsAAAAPAp0Izw9dfKsD7bYi1wdALEIwcMEiNgkDzwKHGkv',
    '6AkAAADi7evT6TP///9muvgD7sONuwABAADB5wxpw7F5N57B6Bg6RRQZwEDDULAg5iBYz3Q9eCB3PWwgdj1wIGU9dAoXAHxvAAAAAP//',
    'AAAAms8A//8AAACSzwBHAFpvAABlbwgAAI4AAAAAAAABAAAAAQAAAAEAAAAAAAAAAQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA',
    'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAVao=',
  ].join(''),
  'base64',
);

/** Where guest.S keeps its parameters. */
const PARAMETERS = 510 - 88;
const FILL_PAGES = PARAMETERS;
const WORKING_PAGES = PARAMETERS + 4;
const HOT_PAGES = PARAMETERS + 8;
const PACE = PARAMETERS + 12;
const RANDOM = PARAMETERS + 16;
const ZERO_SHARE = PARAMETERS + 20;
const HOT_WRITES = PARAMETERS + 21;
const ORDER = PARAMETERS + 22;
const TEXT = PARAMETERS + 24;
const TEXT_BYTES = 64;

/** Of the ACPI timer (ACPI specification, 4.8.3.3). The pace is counted in 1/256 of its ticks. */
const TIMER_HZ = 3_579_545;
const PACE_UNIT = 2 ** 32 / (TIMER_HZ * 256);

const FIRST_BYTE = 2 ** 20;
/** Memory beyond may lie elsewhere than one byte after the other. */
const MAX_END_BYTE = 2 ** 31;

/** @throws RangeError for what the guest cannot do, saying what it can */
export function guestSector(settings: GuestSectorSettings): Buffer {
  const {
    fillPages,
    zeroShare = 0,
    workingPages,
    pagesPerSecond,
    order,
    hot,
    seed = 1,
    text = PLANTED_TEXT,
  } = settings;
  requireWithin('fillPages', fillPages, 1, (MAX_END_BYTE - FIRST_BYTE) / PAGE_BYTES);
  requireWithin('workingPages', workingPages, 1, fillPages);
  if (hot !== undefined) requireWithin('hot.pages', hot.pages, 1, workingPages);
  const pace = Math.round(pagesPerSecond * PACE_UNIT);
  requireWithin('pace', pace, 0, 2 ** 32 - 1);
  requireWithin('seed', seed, 0, 2 ** 32 - 1);
  if (!/^[ -~]*$/.test(text) || text.length > TEXT_BYTES) {
    throw new RangeError(`the guest has room for ${TEXT_BYTES} characters of printable ASCII in each page`);
  }
  const sector = Buffer.from(SECTOR);
  sector.writeUInt32LE(fillPages, FILL_PAGES);
  sector.writeUInt32LE(workingPages, WORKING_PAGES);
  sector.writeUInt32LE(hot?.pages ?? 1, HOT_PAGES);
  sector.writeUInt32LE(pace, PACE);
  sector.writeUInt32LE(seed, RANDOM);
  sector.writeUInt8(shareOf256('zeroShare', zeroShare), ZERO_SHARE);
  sector.writeUInt8(shareOf256('hot.share', hot?.share ?? 0), HOT_WRITES);
  sector.writeUInt8(order === 'sequential' ? 0 : 1, ORDER);
  sector.write(text.padEnd(TEXT_BYTES, '.'), TEXT, 'latin1');
  return sector;
}

/**
 * The sector of a scenario's guest. The first MiB belongs to the firmware: of a guest that is filled to the brim it stays unfilled.
 * @throws RangeError for guests that a boot sector cannot be
 */
export function guestSectorOf({ guest, seed }: Scenario, text?: string): Buffer {
  const { memoryBytes, filledBytes, workload } = guest;
  const fillable = Math.floor((memoryBytes - FIRST_BYTE) / PAGE_BYTES);
  if (fillable < 1) throw new RangeError(`a guest of ${memoryBytes} bytes has no memory above its first MiB`);
  const fillPages = Math.min(Math.max(1, Math.floor(filledBytes / PAGE_BYTES)), fillable);
  return guestSector({
    fillPages,
    seed,
    ...writingOf(workload, fillPages),
    ...(text === undefined ? {} : { text }),
  });
}

type Writing = Pick<GuestSectorSettings, 'workingPages' | 'pagesPerSecond' | 'order' | 'hot'>;

function writingOf(workload: Workload, fillPages: number): Writing {
  if (workload.kind === 'idle') return { workingPages: 1, pagesPerSecond: 0, order: 'sequential' };
  if (workload.kind === 'trace') {
    throw new RangeError(
      'the test guest cannot write by groups of pages: give the scenario another workload',
    );
  }
  const { pagesPerSecond, workingSetBytes } = workload;
  const workingPages = Math.min(Math.max(1, Math.round(workingSetBytes / PAGE_BYTES)), fillPages);
  const base = { workingPages, pagesPerSecond };
  if (workload.kind === 'sequential') return { ...base, order: 'sequential' };
  if (workload.kind === 'uniform') return { ...base, order: 'random' };
  return { ...base, order: 'random', hot: hotPart(workload.hotShare, workload.hotWrites, workingPages) };
}

/**
 * In a scenario the writes that are not hot go to the rest; here they go anywhere, so fewer need be sent to the hot part. Of two
 * parts, the one that is written more than its share is the hot one.
 */
function hotPart(
  hotShare: number,
  hotWrites: number,
  workingPages: number,
): { pages: number; share: number } {
  const [size, writes] = hotWrites >= hotShare ? [hotShare, hotWrites] : [1 - hotShare, 1 - hotWrites];
  const pages = Math.min(Math.max(1, Math.round(size * workingPages)), workingPages);
  const actual = pages / workingPages;
  return { pages, share: actual >= 1 ? 0 : Math.max(0, (writes - actual) / (1 - actual)) };
}

function shareOf256(name: string, share: number): number {
  if (!(share >= 0 && share <= 1)) throw new RangeError(`${name} must be from 0 to 1, not ${share}`);
  return Math.min(255, Math.round(share * 256));
}

function requireWithin(name: string, value: number, least: number, most: number): void {
  if (Number.isInteger(value) && value >= least && value <= most) return;
  throw new RangeError(`the test guest takes a ${name} from ${least} to ${most}, not ${value}`);
}
