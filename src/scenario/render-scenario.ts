import { Document, isMap, isScalar, type Pair, Scalar, visit, type YAMLMap } from 'yaml';
import { z } from 'zod';
import { unresolveScenario } from './resolve-scenario.js';
import type { Scenario } from './scenario.js';
import { scenarioSchema, type WrittenScenario } from './scenario-schema.js';
import { writeUncertain } from './uncertain-fields.js';

export interface RenderOptions {
  /** Comments that say what else a field may be, for somebody who starts from this scenario. */
  readonly hints?: boolean;
}

/** What the written form does not tell by itself. */
const HINTS: Readonly<Record<string, string>> = {
  'guest.filled': 'not zero when the migration begins',
  'guest.workload.kind': 'idle, uniform, sequential, hot-set, trace',
  'guest.workload.rate': 'or in bytes of memory: 8MiB/s',
  'guest.workload.hotShare': 'of the working set',
  'guest.workload.hotWrites': 'of the writes go there',
  'network.rtt': 'of the idle path',
  'network.mss': 'or bytes of payload',
  'network.queue': 'of the bottleneck',
  'network.family': 'or ipv6',
  'network.congestionControl': 'or reno',
  'ipsec.esp': 'or null for none; "tare suites" lists them',
  'ipsec.ah': 'or an algorithm such as sha256',
  'ipsec.mode': 'or tunnel, beet',
  'ipsec.encap': 'ESP in UDP',
  'ipsec.align4': 'AH padded to 4 bytes, which Linux does if told to',
  'migration.multifdChannels': '0 is without multifd',
  'migration.xbzrle': 'or { cache: 64MiB, delta: 25% }',
  'migration.compression': 'or { ratio: 40%, sourcePerPage: 9us, destinationPerPage: 3us }',
  'migration.postcopyAfterIterations': 'or a number of iterations',
  'migration.timeout': 'then it counts as not converging',
  'hosts.source': 'cpuShare counts with one core',
};
/** Fields of few words stand on one line. */
const ON_ONE_LINE = new Set(['source', 'destination']);
/** What an editor or a terminal could act on; also line separators of YAML 1.1. */
const UNSAFE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u;

/**
 * A scenario in its written form, YAML. Everything is there, defaults too; `parseScenario` reads it back to the same.
 * @throws ZodError for a scenario that contradicts itself
 */
export function renderScenario(scenario: Scenario, { hints = false }: RenderOptions = {}): string {
  const document = new Document(writeScenario(scenario), { version: '1.2' });
  visit(document, {
    Scalar: (_, node) => quoteUnsafe(node),
    Pair: (_, pair, ancestors) => {
      const key = keyOf(pair);
      if (isMap(pair.value) && ON_ONE_LINE.has(key)) pair.value.flow = true;
      const hint = HINTS[[...ancestors.filter(isPair).map(keyOf), key].join('.')];
      if (hints && hint !== undefined) addComment(pair, ` ${hint}`);
    },
    Seq: (_, groups) => {
      for (const group of groups.items) if (isMap(group)) (group as YAMLMap).flow = true;
    },
  });
  return escapeUnsafe(document.toString({ lineWidth: 0, flowCollectionPadding: true }));
}

/** The written form as plain values: what `renderScenario` has as text. Text and numbers, in people's units. */
export function writeScenario(scenario: Scenario): WrittenScenario {
  const written = z.encode(scenarioSchema, unresolveScenario(scenario));
  return scenario.uncertain === undefined ? written : { ...written, uncertain: writeUncertain(scenario) };
}

function isPair(node: unknown): node is Pair {
  return typeof node === 'object' && node !== null && 'key' in node;
}

function keyOf(pair: Pair): string {
  return isScalar(pair.key) ? String(pair.key.value) : '';
}

/** Behind a value; above the fields of a mapping. */
function addComment(pair: Pair, comment: string): void {
  if (isScalar(pair.value)) pair.value.comment = comment;
  else if (isMap(pair.value) && pair.value.flow) pair.value.comment = comment;
}

function quoteUnsafe(node: Scalar): void {
  if (typeof node.value === 'string' && UNSAFE.test(node.value)) node.type = Scalar.QUOTE_DOUBLE;
}

/** Inside double quotes, where alone they are. */
function escapeUnsafe(text: string): string {
  return text.replace(new RegExp(UNSAFE, 'gu'), (character) => {
    if (character === '\n') return character;
    const code = character.codePointAt(0)!.toString(16).toUpperCase();
    return code.length > 4 ? `\\U${code.padStart(8, '0')}` : `\\u${code.padStart(4, '0')}`;
  });
}
