/*
 * A strict reader of Prometheus' text format 0.0.4, written from its description
 * (https://prometheus.io/docs/instrumenting/exposition_formats/#text-format-details): one family after the other, HELP and TYPE
 * once and before the samples, no series twice, escapes \\ \" \n in label values.
 */

export interface Exposition {
  readonly samples: {
    readonly name: string;
    readonly labels: Record<string, string>;
    readonly value: number;
  }[];
  readonly types: Map<string, string>;
  readonly helps: Map<string, string>;
}

const NAME = '[a-zA-Z_:][a-zA-Z0-9_:]*';
const LABEL = /^([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\\\|\\"|\\n)*)"(,|$)/;
const VALUE = /^(?:[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?|NaN|[+-]?Inf)$/;

/** @throws Error that quotes the first line which breaks a rule */
export function parseExposition(text: string): Exposition {
  if (!text.endsWith('\n')) throw new Error('the last line does not end with a line feed');
  const exposition: Exposition = { samples: [], types: new Map(), helps: new Map() };
  const series = new Set<string>();
  const closed = new Set<string>();
  let family = '';
  for (const line of text.slice(0, -1).split('\n')) {
    if (line === '') continue;
    const name = parseLine(line, exposition, series);
    if (name !== family) {
      if (closed.has(name)) throw new Error(`the lines of ${name} do not stand together`);
      closed.add(family);
      family = name;
    }
  }
  return exposition;
}

function parseLine(line: string, { samples, types, helps }: Exposition, series: Set<string>): string {
  const comment = new RegExp(`^# (HELP|TYPE) (${NAME}) (.*)$`).exec(line);
  if (comment !== null) {
    const [, kind, name = '', rest = ''] = comment;
    const known = kind === 'HELP' ? helps : types;
    if (known.has(name) || samples.some((sample) => sample.name === name))
      throw new Error(`too late: ${line}`);
    if (kind === 'TYPE' && !/^(counter|gauge|histogram|summary|untyped)$/.test(rest)) throw new Error(line);
    known.set(name, rest);
    return name;
  }
  const sample = new RegExp(`^(${NAME})(?:\\{(.*)\\})? ([^ ]+)$`).exec(line);
  if (sample === null) throw new Error(`not a sample: ${line}`);
  const [, name = '', labelText = '', value = ''] = sample;
  if (!types.has(name)) throw new Error(`no TYPE before ${line}`);
  if (!VALUE.test(value)) throw new Error(`not a number: ${line}`);
  const labels = parseLabels(labelText, line);
  const key = `${name} ${JSON.stringify(Object.entries(labels).toSorted())}`;
  if (series.has(key)) throw new Error(`twice: ${line}`);
  series.add(key);
  samples.push({ name, labels, value: Number(value.replace('Inf', 'Infinity')) });
  return name;
}

function parseLabels(text: string, line: string): Record<string, string> {
  const labels: Record<string, string> = {};
  for (let rest = text; rest !== ''; ) {
    const match = LABEL.exec(rest);
    if (match === null) throw new Error(`not labels: ${line}`);
    const [whole, name = '', value = ''] = match;
    if (name in labels) throw new Error(`a label twice: ${line}`);
    labels[name] = value.replace(/\\(.)/g, (_, escaped: string) => (escaped === 'n' ? '\n' : escaped));
    rest = rest.slice(whole.length);
  }
  return labels;
}
