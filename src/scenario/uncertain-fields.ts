import { z } from 'zod';
import { type Fault, isRecord, memberAt } from './field-path.js';
import { resolveScenario, unresolveScenario } from './resolve-scenario.js';
import { PAGE_BYTES, type Scenario, type UncertainField } from './scenario.js';
import { fieldsNamed, suggestField } from './scenario-fields.js';
import { type DecodedScenario, scenarioSchema } from './scenario-schema.js';

/**
 * What is known only within bounds: `uncertain: { rate: 1500..2500pages/s, rtt: 100us..200us..1ms, link: ±10% }`. Two bounds
 * spread evenly; three are a triangle with its top in the middle one; a percentage is around the field's own value.
 */

/** Amounts alone: words and counts that decide what is calculated cannot be a bit different. */
const UNCERTAIN_FIELDS = [
  'guest.filled',
  'guest.workload.rate',
  'guest.workload.workingSet',
  'guest.workload.hotShare',
  'guest.workload.hotWrites',
  'network.link',
  'network.rtt',
  'network.loss',
  'network.queue',
  'migration.maxBandwidth',
  'migration.downtimeLimit',
  'migration.xbzrle.delta',
  'migration.compression.ratio',
  'migration.compression.sourcePerPage',
  'migration.compression.destinationPerPage',
  'hosts.source.cpuShare',
  'hosts.destination.cpuShare',
];
/** Whole numbers of it there are. */
const GRAIN: Readonly<Record<string, number>> = {
  'guest.filled': PAGE_BYTES,
  'guest.workload.workingSet': PAGE_BYTES,
  'network.queue': 1,
  'migration.maxBandwidth': 1,
};
/** Names given at once: each field by two. What each costs to read adds up. */
const MAX_NAMES = 2 * UNCERTAIN_FIELDS.length;
const SHARES = /(hotShare|hotWrites|loss|delta|ratio|cpuShare)$/;
const AROUND = /^(?:±|\+\/?-)\s*(\d{1,3}(?:\.\d+)?)\s*%$/;

/** @param texts field names, dotted or short -> bounds */
export function readUncertain(
  texts: Readonly<Record<string, string>>,
  scenario: Scenario,
): { readonly fields: readonly UncertainField[]; readonly faults: readonly Fault[] } {
  const entries = Object.entries(texts);
  if (entries.length > MAX_NAMES) {
    const message = `names ${entries.length} fields; there are ${UNCERTAIN_FIELDS.length} that can be uncertain`;
    return { fields: [], faults: [{ path: ['uncertain'], message }] };
  }
  const decoded = unresolveScenario(scenario);
  const fields = new Map<string, UncertainField>();
  const faults: Fault[] = [];
  for (const [name, text] of entries) {
    const named = fieldsNamed(name);
    const refusal = refusalOf(name, named, decoded);
    if (refusal !== null) faults.push({ path: ['uncertain', name], message: refusal, isKey: true });
    for (const field of refusal === null ? (named ?? []) : []) {
      const read = readBounds(field, text, decoded);
      if (typeof read === 'string') faults.push({ path: ['uncertain', name], message: read });
      else fields.set(field, read);
    }
  }
  return { fields: inOrder([...fields.values()]), faults };
}

/** Samples are drawn in this order, whatever the order in the file. */
function inOrder(fields: readonly UncertainField[]): UncertainField[] {
  return fields.toSorted((a, b) => UNCERTAIN_FIELDS.indexOf(a.field) - UNCERTAIN_FIELDS.indexOf(b.field));
}

function refusalOf(name: string, fields: readonly string[] | null, decoded: DecodedScenario): string | null {
  if (fields === null) return `unknown field: ${suggestField(name)}`;
  if (!fields.every((field) => UNCERTAIN_FIELDS.includes(field))) {
    const short = UNCERTAIN_FIELDS.map((field) => field.replace(/^(guest\.workload|\w+)\./, ''));
    return `cannot be uncertain; what can be is ${short.join(', ')}`;
  }
  const isThere = fields.every((field) => typeof memberAt(decoded, field.split('.')) === 'number');
  return isThere ? null : 'is nothing that this scenario has';
}

/** @returns what is wrong, if anything is */
function readBounds(field: string, text: string, decoded: DecodedScenario): UncertainField | string {
  const bounds: number[] = [];
  const written = z.encode(scenarioSchema, isFilled(field) ? withoutWorkingSet(decoded) : decoded);
  for (const part of boundTexts(field, text, decoded)) {
    const read = scenarioSchema.safeDecode(withValue(written, field, part));
    if (!read.success) return read.error.issues[0]!.message;
    bounds.push(memberAt(read.data, field.split('.')) as number);
  }
  const [low, middle, high = middle] = bounds;
  if (low === undefined || high === undefined || bounds.length > 3) {
    return 'write two bounds such as 1500..2500pages/s, three with the likeliest in the middle, or ±20%';
  }
  const mode = bounds.length === 3 ? middle! : null;
  if (low > (mode ?? high) || (mode ?? low) > high) return 'runs backwards: write the lower bound first';
  return { field, low, high, mode };
}

function isFilled(field: string): boolean {
  return field === 'guest.filled';
}

/** Where less is filled than the working set, the working set shrinks too. */
function withoutWorkingSet(decoded: DecodedScenario): DecodedScenario {
  const { workload } = decoded.guest;
  if (!('workingSet' in workload)) return decoded;
  const { workingSet, ...others } = workload;
  return { ...decoded, guest: { ...decoded.guest, workload: others } };
}

/** `1500..2500pages/s`: the unit of the last counts for all. */
function boundTexts(field: string, text: string, decoded: DecodedScenario): (string | number)[] {
  const around = AROUND.exec(text.trim());
  if (around !== null) return boundsAround(field, Number(around[1]) / 100, decoded);
  const parts = text.split('..').map((part) => part.trim());
  const unit = /^[\d.]+\s*(?!e-?\d+$)([^\d.\s-].*)$/i.exec(parts.at(-1)!)?.[1] ?? '';
  return parts.map((part) => (/^[\d.]+$/.test(part) ? `${part}${unit}` : part));
}

function boundsAround(field: string, share: number, decoded: DecodedScenario): (string | number)[] {
  const value = memberAt(decoded, field.split('.')) as number;
  const most = SHARES.test(field) ? 1 : Number.MAX_SAFE_INTEGER;
  return [1 - share, 1 + share].map((factor) => {
    const bound = toGrain(field, Math.min(most, Math.max(0, value * factor)));
    return writtenValue(field, bound, decoded);
  });
}

function toGrain(field: string, value: number): number {
  const grain = GRAIN[field];
  return grain === undefined ? value : Math.round(value / grain) * grain;
}

function writtenValue(field: string, value: number, decoded: DecodedScenario): string | number {
  const free = isFilled(field) ? withoutWorkingSet(decoded) : decoded;
  const written = z.encode(scenarioSchema, withValue(free, field, value));
  return memberAt(written, field.split('.')) as string | number;
}

/** As `uncertain` is written, under the fields' whole names. Every bound has its unit, or none has. */
export function writeUncertain(scenario: Scenario): Record<string, string> {
  const decoded = unresolveScenario(scenario);
  return Object.fromEntries(
    (scenario.uncertain ?? []).map(({ field, low, high, mode }) => {
      const bounds = mode === null ? [low, high] : [low, mode, high];
      const written = bounds.map((bound) => writtenValue(field, bound, decoded));
      // Shares that are no exact percentages. Behind `0.1..90%` the 0.1 would be taken for 0.1 %.
      const isBare = written.some((bound) => typeof bound === 'number' && bound !== 0);
      return [field, (isBare ? bounds : written).join('..')];
    }),
  );
}

/**
 * One scenario of those that the uncertain fields allow, with nothing uncertain about it. Fields are drawn in an order of
 * their own, one number each.
 * @param random 0 <= number < 1, a new one each time
 */
export function drawScenario(scenario: Scenario, random: () => number): Scenario {
  const { uncertain = [], ...certain } = scenario;
  let decoded = unresolveScenario(certain);
  for (const each of inOrder(uncertain)) {
    decoded = withValue(decoded, each.field, toGrain(each.field, valueAt(each, random())));
  }
  const { guest, ...rest } = resolveScenario(decoded);
  return { ...rest, guest: fitted(guest) };
}

/** Inverse of the distribution function. */
function valueAt({ low, high, mode }: UncertainField, share: number): number {
  const width = high - low;
  if (mode === null || width === 0) return low + share * width;
  const rising = (mode - low) / width;
  return share < rising
    ? low + Math.sqrt(share * width * (mode - low))
    : high - Math.sqrt((1 - share) * width * (high - mode));
}

/** A working set lies in what is filled, however both were drawn. */
function fitted(guest: Scenario['guest']): Scenario['guest'] {
  const { workload, filledBytes } = guest;
  if (!('workingSetBytes' in workload)) return guest;
  return {
    ...guest,
    workload: { ...workload, workingSetBytes: Math.min(workload.workingSetBytes, filledBytes) },
  };
}

/** A copy with another value at a dotted place that exists. */
function withValue<Value extends object>(value: Value, field: string, member: unknown): Value {
  const [key, ...rest] = field.split('.') as [string, ...string[]];
  const inner = (value as Record<string, unknown>)[key];
  const changed = rest.length > 0 && isRecord(inner) ? withValue(inner, rest.join('.'), member) : member;
  return { ...value, [key]: changed };
}
