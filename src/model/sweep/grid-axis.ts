/** One thing that a sweep varies: `mtu` over `1500` and `9000`. Values are as people write them. */
export interface GridAxis {
  readonly name: string;
  readonly values: readonly string[];
}

/** A grid that makes no sense. The message quotes what was written and says what would do. */
export class GridError extends Error {
  override readonly name = 'GridError';
}

/** More of one axis is a slip of the pen, as a range without a step. */
const MAX_VALUES = 100_000;

const RANGE = /^(\d+(?:\.\d+)?)\.\.(\d+(?:\.\d+)?)([a-z%][a-z%/]*)?(?::(\d+(?:\.\d+)?)([a-z%][a-z%/]*)?)?$/i;

/**
 * `mtu=1500,9000`, `rate=0..20000:2000`, `loss=0..0.01:0.002`, `link=1..10Gbit:3`. Without a step a range counts by one.
 * @throws GridError
 */
export function parseGridAxis(text: string): GridAxis {
  const [, name, list] = /^\s*([\w.-]+)\s*=(.*)$/s.exec(text) ?? [];
  if (name === undefined || list === undefined) {
    throw new GridError(`${quote(text)} is no axis: write NAME=VALUES, e.g. mtu=1500,9000`);
  }
  const values = list.split(',').flatMap((part) => expandPart(name, part.trim()));
  const twice = values.find((value, i) => values.indexOf(value) !== i);
  if (twice !== undefined) throw new GridError(`${name}: ${quote(twice)} stands there twice`);
  return { name, values };
}

function expandPart(name: string, part: string): string[] {
  if (part === '') throw new GridError(`${name}: there is an empty value: write ${name}=VALUE,VALUE`);
  const match = RANGE.exec(part);
  if (match === null) return [part];
  const [, from = '', to = '', unit = '', step = '1', stepUnit] = match;
  if (stepUnit !== undefined && stepUnit !== unit) {
    throw new GridError(
      `${name}: the step of ${quote(part)} is counted in ${unit || 'plain numbers'}: leave ${stepUnit} out`,
    );
  }
  const digits = Math.max(decimals(from), decimals(step));
  return expandRange(name, part, { from: Number(from), to: Number(to), step: Number(step) }).map(
    (value) => value.toFixed(digits) + unit,
  );
}

function expandRange(
  name: string,
  part: string,
  { from, to, step }: { from: number; to: number; step: number },
): number[] {
  if (step === 0) throw new GridError(`${name}: the step of ${quote(part)} is zero`);
  if (from > to) throw new GridError(`${name}: ${quote(part)} runs backwards: write ${to}..${from}`);
  // A step of 0.1 does not add up exactly in binary.
  const count = Math.floor((to - from) / step + 1e-9) + 1;
  if (count > MAX_VALUES) {
    throw new GridError(
      `${name}: ${quote(part)} are ${count} values: give a step, e.g. ${part.split(':')[0]}:${Math.ceil((to - from) / 20)}`,
    );
  }
  return Array.from({ length: count }, (_, i) => from + i * step);
}

function decimals(number: string): number {
  return number.split('.')[1]?.length ?? 0;
}

function quote(text: string): string {
  return JSON.stringify(text.length > 40 ? `${text.slice(0, 40)}...` : text);
}
