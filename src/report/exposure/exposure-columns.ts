import type { CaptureExposure, Exposure, MemoryExposure, Observation } from '../../exposure/exposure.js';
import { escapeTerminal } from '../text/escape-terminal.js';

/** One capture as somebody sees it: a column of the comparison. */
export interface ExposureColumn {
  /** `in the clear`, `in ESP`, `ESP, with keys` */
  readonly title: string;
  /** Of the capture, safe to print. */
  readonly name: string;
  readonly observation: Observation;
  readonly isKeyHolder: boolean;
}

const WAYS = { clear: 'in the clear', ah: 'under AH', esp: 'in ESP', ahEsp: 'ESP in AH' } as const;
export type Way = keyof typeof WAYS;

/** How most bytes of a capture were protected. */
export function wayOf({ protection }: Observation): Way {
  const ways = Object.keys(WAYS) as Way[];
  return ways.reduce((a, b) => (protection[b].bytes > protection[a].bytes ? b : a));
}

/** The eavesdropper's views first, then those with keys. */
export function exposureColumns({ captures }: Exposure): ExposureColumn[] {
  const titles = distinct(captures.map(({ eavesdropper }) => WAYS[wayOf(eavesdropper)]));
  const view = (capture: CaptureExposure, title: string, isKeyHolder: boolean): ExposureColumn[] => {
    const observation = isKeyHolder ? capture.keyHolder : capture.eavesdropper;
    return observation === null
      ? []
      : [{ title, name: escapeTerminal(capture.name), observation, isKeyHolder }];
  };
  return [
    ...captures.flatMap((capture, i) => view(capture, titles[i]!, false)),
    ...captures.flatMap((capture, i) => view(capture, `${titles[i]!}, keys`, true)),
  ];
}

/** Names that occur twice get numbers. */
function distinct(names: readonly string[]): string[] {
  return names.map((name, i) => {
    const isAlone = names.filter((other) => other === name).length === 1;
    return isAlone ? name : `${name} ${names.slice(0, i + 1).filter((other) => other === name).length}`;
  });
}

/** Bytes of guests that were rebuilt, and that there are. */
export function memoryTotals({ memories }: Observation): { known: number; all: number } {
  return {
    known: memories.reduce((sum, { knownBytes }) => sum + knownBytes, 0),
    all: memories.reduce((sum, { memoryBytes }) => sum + memoryBytes, 0),
  };
}

export function secretsFound({ secrets }: Observation): number {
  return secrets.filter(({ inMemory, inPackets, acrossPackets }) => inMemory + inPackets + acrossPackets > 0)
    .length;
}

export function materialCount({ memories }: Observation): number {
  const counts = memories.flatMap(({ keyMaterial }) => keyMaterial.map(({ count }) => count));
  return counts.reduce((sum, count) => sum + count, 0);
}

export function stringCount({ memories }: Observation): number {
  return memories.reduce((sum, { strings }) => sum + strings.count, 0);
}

/** What a letter of a picture means, in the order of legends. */
export const PICTURE_KINDS = [
  { letter: 't', name: 'text', color: 'green' },
  { letter: 'c', name: 'code', color: 'blue' },
  { letter: 'd', name: 'other data', color: 'orange' },
  { letter: 'r', name: 'random', color: 'pink' },
  { letter: 'z', name: 'zero', color: 'link' },
  { letter: '?', name: 'sent, not read', color: 'vermilion' },
  { letter: '.', name: 'not seen', color: 'graphite' },
] as const;

export type PictureLetter = (typeof PICTURE_KINDS)[number]['letter'];

/** The picture in fewer cells: each is what most of those in it are. Shorter pictures stay as they are. */
export function resampleCells(cells: string, count: number): string {
  if (cells.length <= count) return cells;
  let result = '';
  for (let i = 0; i < count; i++) {
    const part = cells.slice(
      Math.floor((i * cells.length) / count),
      Math.floor(((i + 1) * cells.length) / count),
    );
    result += mostFrequent(part);
  }
  return result;
}

function mostFrequent(cells: string): string {
  const counts = new Map<string, number>();
  for (const cell of cells) counts.set(cell, (counts.get(cell) ?? 0) + 1);
  return [...counts].reduce((a, b) => (b[1] > a[1] ? b : a))[0];
}

/** Pages by kind, the names of PICTURE_KINDS. */
export function pagesOf({ pages }: MemoryExposure, letter: PictureLetter): number {
  const { unseen, unread, zero, text, code, random, data } = pages;
  return { t: text, c: code, d: data, r: random, z: zero, '?': unread, '.': unseen }[letter];
}
