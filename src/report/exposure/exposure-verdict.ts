import type { Observation } from '../../exposure/exposure.js';
import {
  formatBytes,
  formatCount,
  formatCounted,
  formatMemory,
  formatSeconds,
  formatShare,
} from '../text/format-quantity.js';
import { type ExposureColumn, memoryTotals, secretsFound, wayOf } from './exposure-columns.js';

export interface ExposureVerdict {
  readonly tone: 'good' | 'caution' | 'bad';
  /** `An eavesdropper gets everything: ...` */
  readonly headline: string;
  readonly remarks: readonly string[];
}

const OPEN_ESP = 'This ESP encrypts nothing: each packet ends in the trailer of ESP, in the clear.';
/** Of payloads that are encrypted 99 in 100 look random; fewer than this do not. */
const LEAST_UNIFORM_SHARE = 0.95;

/** What somebody gets of a capture, in sentences. */
export function judgeExposure({ observation, isKeyHolder }: ExposureColumn): ExposureVerdict {
  const who = isKeyHolder ? 'Who has the keys' : 'An eavesdropper';
  const { known, all } = memoryTotals(observation);
  if (known > 0) return readable(who, observation, known, all, isKeyHolder);
  if (secretsFound(observation) > 0) {
    return {
      tone: 'bad',
      headline: `${who} finds planted secrets in the packets, though no memory could be rebuilt.`,
      remarks: [],
    };
  }
  if (wayOf(observation) === 'esp' || wayOf(observation) === 'ahEsp') return closed(who, observation);
  return { tone: 'caution', headline: 'No live migration of QEMU was found in it.', remarks: [] };
}

function readable(
  who: string,
  observation: Observation,
  known: number,
  all: number,
  isKeyHolder: boolean,
): ExposureVerdict {
  const share = known === all ? 'all' : formatShare(known, all);
  const what = `${share} of the guest's memory, ${formatMemory(known)} of ${formatMemory(all)}`;
  const headline = `${who} gets ${known === all ? `everything: ${what}` : what}${describeSecrets(observation)}.`;
  const unread = observation.memories.reduce((sum, { pages }) => sum + pages.unread, 0);
  const remarks = [
    wayOf(observation) === 'ah' && !isKeyHolder
      ? 'AH does not encrypt: it shows whether something was changed, and hides nothing.'
      : '',
    observation.readsOpenEsp && !isKeyHolder ? `${OPEN_ESP} It was read without any key.` : '',
    isKeyHolder ? 'So the capture holds all of it, and the keys alone make the difference.' : '',
    observation.memories.some(({ isDeclared }) => !isDeclared)
      ? 'How much memory the guest has was not captured: shares are of the addresses that were seen.'
      : '',
    unread > 0
      ? `${formatCounted(unread, 'page')} were sent in a form that Tare does not read (deflated in multifd packets), or were ` +
        'not captured; that is no protection.'
      : '',
  ].filter((remark) => remark !== '');
  return { tone: isKeyHolder ? 'good' : 'bad', headline, remarks };
}

function describeSecrets(observation: Observation): string {
  const { length } = observation.secrets;
  if (length === 0) return '';
  const found = secretsFound(observation);
  if (found === 0) return `, but ${noneOf(length)}`;
  return found === length ? `, and ${allOf(length)}` : `, and ${found} of ${length} planted secrets`;
}

function allOf(count: number): string {
  return count === 1
    ? 'the planted secret'
    : count === 2
      ? 'both planted secrets'
      : `all ${count} planted secrets`;
}

function noneOf(count: number): string {
  return count === 1 ? 'not the planted secret' : `none of ${count} planted secrets`;
}

function closed(who: string, observation: Observation): ExposureVerdict {
  if (observation.readsOpenEsp) {
    return {
      tone: 'bad',
      headline: `${who} can read all of this, though no migration was found in it.`,
      remarks: [OPEN_ESP],
    };
  }
  const judged = observation.payloads.ahEsp ?? observation.payloads.esp;
  if (judged === undefined || judged.blocks === 0) {
    return {
      tone: 'caution',
      headline: `${who} gets nothing, but there is too little in it to tell.`,
      remarks: [],
    };
  }
  const { length } = observation.secrets;
  const none = length === 0 ? '' : ` and ${noneOf(length)}`;
  if (judged.uniformShare < LEAST_UNIFORM_SHARE) {
    return {
      tone: 'caution',
      headline: `${who} could rebuild nothing, but these bytes are not as random as encryption leaves them.`,
      remarks: [
        `${formatShare(judged.uniformShare, 1)} of the payloads look random: something else than cipher text is in it.`,
      ],
    };
  }
  return {
    tone: 'good',
    headline: `${who} gets nothing of the guest's memory${none}: sizes and times are what is left.`,
    remarks: [],
  };
}

/** What encryption does not hide, in sentences. */
export function describeTraffic({ observation }: ExposureColumn, actualPasses: number | null): string[] {
  const { traffic } = observation;
  if (traffic === null) return [];
  const { packets, bytes, pagesAtMost, pauses, bursts } = traffic;
  const seconds = Number(BigInt(traffic.lastTimeNs) - BigInt(traffic.firstTimeNs)) / 1e9;
  const who = `${traffic.source} sends to ${traffic.destination}`;
  const when = new Date(Number(BigInt(traffic.firstTimeNs) / 1_000_000n)).toISOString();
  const longest = pauses.reduce((most, { durationNs }) => Math.max(most, durationNs), 0);
  const rhythm =
    pauses.length === 0
      ? 'It sends without a pause that stands out, so its rhythm shows no passes over memory.'
      : `It pauses ${formatCounted(pauses.length, 'time')}, for up to ${formatSeconds(longest / 1e9)}: ${bursts} bursts, which may be ` +
        'passes over memory, or the pace of hosts and link.';
  return [
    `${who} from ${when} on, for ${formatSeconds(seconds)}: ${formatBytes(bytes)} in ${formatCounted(packets, 'packet')}.`,
    `So it was a transfer of at most ${formatCount(pagesAtMost)} pages with content. Which pages, and what is in them, it does not tell.`,
    actualPasses === null
      ? rhythm
      : `${rhythm} There were ${formatCounted(actualPasses, 'pass', 'passes')}, as the stream says.`,
  ];
}

/** What statistics can show and what not. */
export const RANDOMNESS_NOTE =
  'Random bytes are judged so in 99 % of blocks. Looking random is not being unreadable: compressed data nearly do. It shows that nothing ' +
  'was left as it was; what keeps it closed is the key.';
