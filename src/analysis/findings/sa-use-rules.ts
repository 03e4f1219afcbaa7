import { formatIpAddress } from '../../ipsec/ip-address.js';
import type { SecurityAssociation } from '../../ipsec/security-association.js';
import type { Finding } from './finding.js';
import { counted, type SaCase, saFinding } from './sa-finding.js';
import { possibleSuites } from './sa-suite-rules.js';

/** Default of RFC 2407 section 4.5 for SAs without a lifetime; strongSwan's is one hour. */
const LONGEST_SECONDS = 28_800;
/** NIST SP 800-67 rev. 2: 2^20 blocks of 64 bits under one key. */
const SHORT_BLOCK_BYTES = 8 * 2 ** 20;
/** Numbers left of 2^32 below which it is time for a new SA. */
const FEW_NUMBERS = 2 ** 28;
/** SPIs up to this are reserved (RFC 4303 section 2.1). */
const LAST_RESERVED_SPI = 255;

/** Packets whose ICV is wrong: changed, or forged; or keys that are not those of the SA. */
export function findWrongIcvs(subject: SaCase): Finding[] {
  const { sa, watched } = subject;
  const { failed, verified } = sa.integrity;
  if (failed === 0) return [];
  const total = failed + verified;
  if (verified === 0) {
    return [
      saFinding(
        subject,
        {
          id: 'keys-do-not-fit',
          severity: 'low',
          title: 'Keys that do not fit',
          facts: `has no packet whose ICV is right: ${failed} of ${failed} are wrong.`,
          meaning: 'The keys given for this SPI are not those of this SA, or all of its packets are forged.',
          remedy: 'Take the keys while the SA is in use: ip xfrm state, at one of its ends.',
        },
        watched.failed,
      ),
    ];
  }
  return [
    saFinding(
      subject,
      {
        id: 'icv-failed',
        severity: 'high',
        title: 'Packets with a wrong ICV',
        facts: `has ${counted(failed, 'packet')} of ${total} whose ICV is wrong.`,
        meaning:
          'These packets were changed on the way, or forged by somebody without the keys. Receivers drop them.',
        remedy:
          'Find out where they come from: compare MAC addresses and TTL with those of the others. If single bits are wrong, look for broken hardware or for a device that rewrites headers under AH, such as a NAT.',
      },
      watched.failed,
    ),
  ];
}

/** SPIs that nobody negotiates, and SPIs that are not among the SAs given for these hosts. */
export function findUnknownSpis(subject: SaCase): Finding[] {
  const { sa, context } = subject;
  const spi = Number(sa.spi);
  if (spi <= LAST_RESERVED_SPI) return [reservedSpi(subject)];
  const { associations } = context.knowledge;
  const isKnown = associations.some(
    (one) => one.protocol === sa.protocol && ((one.spi ^ spi) & one.spiMask) === 0,
  );
  if (isKnown || !associations.some((one) => isBetween(one, subject))) return [];
  return [
    saFinding(subject, {
      id: 'unknown-spi',
      severity: 'low',
      title: 'An SPI that is not among the SAs given',
      facts: `has ${counted(sa.packets, 'packet')}; of the SAs given for these hosts none has this SPI.`,
      meaning:
        'The hosts have made new SAs since the keys were read, or before. If they have not, somebody sends packets with a made-up SPI.',
      remedy: 'Compare with ip xfrm state and the log of IKE at the time of these packets.',
    }),
  ];
}

function reservedSpi(subject: SaCase): Finding {
  return saFinding(subject, {
    id: 'reserved-spi',
    severity: 'medium',
    title: 'An SPI that no SA may have',
    facts: `has ${counted(subject.sa.packets, 'packet')}.`,
    meaning:
      'SPIs from 0 to 255 are reserved (RFC 4303 section 2.1): these packets are forged or set up by hand.',
    remedy: 'Find out who sends them. If keys were set by hand, choose an SPI of 256 or more, or use IKE.',
  });
}

/** Does this SA of the user's join the same two hosts, in the same direction? */
function isBetween(one: SecurityAssociation, { sa }: SaCase): boolean {
  if (one.protocol !== sa.protocol || one.source === null || one.destination === null) return false;
  return formatIpAddress(one.source) === sa.source && formatIpAddress(one.destination) === sa.destination;
}

/** SAs in use for longer than any default, or for more bytes than their cipher bears. */
export function findUnrekeyed(subject: SaCase): Finding[] {
  const { sa } = subject;
  const seconds = Number(BigInt(sa.lastTimeNs) - BigInt(sa.firstTimeNs)) / 1e9;
  const suites = possibleSuites(subject);
  const hasShortBlocks =
    suites.length > 0 && suites.every((suite) => 'blockBytes' in suite && suite.blockBytes === 8);
  const isTooMuch = hasShortBlocks && sa.bytes > SHORT_BLOCK_BYTES;
  if (seconds <= LONGEST_SECONDS && !isTooMuch) return [];
  const facts = isTooMuch
    ? `carried ${sa.bytes} bytes under one key with blocks of 64 bits, more than 2^20 blocks.`
    : `was in use for ${(seconds / 3600).toFixed(1)} hours and more.`;
  return [
    saFinding(subject, {
      id: 'sa-not-rekeyed',
      severity: isTooMuch ? 'medium' : 'low',
      title: 'An SA that is never rekeyed',
      facts,
      meaning: isTooMuch
        ? 'With so many blocks of 64 bits under one key some cipher text repeats by chance, which gives away plain text (NIST SP 800-67, RFC 8221).'
        : 'Who gets hold of the key reads all of this time. strongSwan makes a new one every hour; 8 hours is what RFC 2407 takes where nothing is configured.',
      remedy:
        'Set rekey_time, rekey_bytes and rekey_packets (strongSwan), and use IKE instead of keys set by hand.',
    }),
  ];
}

/** 32-bit numbers that will soon be used up; extended ones go on. */
export function findWrapping(subject: SaCase): Finding[] {
  const { sa, context } = subject;
  const { untilWrap, wrapped, last } = sa.sequence;
  if (!wrapped && untilWrap >= FEW_NUMBERS) return [];
  const known = context.knowledge.associations.find(
    (one) => one.protocol === sa.protocol && one.spi === Number(sa.spi),
  );
  // A counter that goes on behind 2^32 is an extended one, unless it is known not to be.
  if (known?.esn === true || (wrapped && known === undefined)) return [];
  return [
    saFinding(subject, {
      id: 'sequence-near-wrap',
      severity: wrapped ? 'high' : known === undefined ? 'low' : 'medium',
      title: wrapped ? 'Sequence numbers begin anew' : 'Sequence numbers will soon be used up',
      facts: wrapped
        ? 'went on behind number 4294967295 without extended sequence numbers.'
        : `has come to number ${last}: ${untilWrap} are left${known === undefined ? ', unless its numbers are extended ones, which cannot be seen' : ''}.`,
      meaning:
        'Without extended sequence numbers an SA must not be used beyond 2^32 packets (RFC 4303 section 3.3.3): traffic stops, or its numbers protect against replays no more.',
      remedy:
        'Rekey before (strongSwan: rekey_packets), or negotiate extended sequence numbers (esn in the proposal).',
    }),
  ];
}
