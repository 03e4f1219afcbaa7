import { aesScheduleAt, scheduleBytes } from './aes-schedule.js';

/** What is looked for. Few things, each with a form of its own: a list of what merely might be a key helps nobody. */
export const KEY_MATERIAL = [
  { id: 'pemPrivateKey', title: 'private keys (PEM)' },
  { id: 'pemCertificate', title: 'certificates (PEM)' },
  { id: 'passwordHash', title: 'password hashes (/etc/shadow)' },
  { id: 'awsAccessKey', title: 'AWS access key ids' },
  { id: 'jsonWebToken', title: 'JSON web tokens' },
  { id: 'password', title: 'passwords in plain text' },
  { id: 'aesKeySchedule', title: 'AES keys in use (key schedules)' },
] as const;

export type KeyMaterialId = (typeof KEY_MATERIAL)[number]['id'];

/** Bytes that a match may reach behind its beginning. */
export const MATERIAL_REACH = 512;

interface Pattern {
  readonly id: KeyMaterialId;
  readonly expression: RegExp;
  /** Every match contains one of these: looked for first, because it is quick. */
  readonly anchors: readonly string[];
}

const PATTERNS: readonly Pattern[] = [
  {
    id: 'pemPrivateKey',
    anchors: ['PRIVATE KEY-----'],
    expression: /-----BEGIN (?:[A-Z0-9]{2,12} ){0,2}PRIVATE KEY-----/g,
  },
  {
    id: 'pemCertificate',
    anchors: ['CERTIFICATE-----'],
    expression: /-----BEGIN (?:TRUSTED |X509 )?CERTIFICATE-----/g,
  },
  {
    id: 'passwordHash',
    anchors: [':$'],
    expression:
      /\b[a-z_][a-z0-9_-]{0,31}:\$(?:1|5|6|7|y|gy|2[abxy]|sha1|md5)\$[./A-Za-z0-9$=,+-]{12,200}:\d{0,6}:/g,
  },
  {
    id: 'awsAccessKey',
    anchors: ['AKIA', 'ASIA'],
    expression: /(?<![A-Za-z0-9])(?:AKIA|ASIA)[A-Z2-7]{16}(?![A-Za-z0-9])/g,
  },
  {
    id: 'jsonWebToken',
    anchors: ['.eyJ'],
    expression: /\beyJ[A-Za-z0-9_-]{10,200}\.eyJ[A-Za-z0-9_-]{10,200}\.[A-Za-z0-9_-]{10,100}/g,
  },
  {
    id: 'password',
    anchors: ['assword', 'asswd', 'ASSWORD'],
    expression: /\b(?:password|Password|PASSWORD|passwd)["']?[ \t]{0,2}[=:][ \t]{0,2}["']?[!-~]{6,64}/g,
  },
];

export interface FoundMaterial {
  readonly id: KeyMaterialId;
  /** Text that matched; of a key schedule the key in hexadecimal. */
  readonly text: string;
  /** In the data. */
  readonly at: number;
}

/** Where files begin in memory, whatever stands before them. */
const PAGE_BYTES = 4096;

/**
 * Calls back for each find that begins in `data[from .. to)`; it may reach up to MATERIAL_REACH bytes behind.
 * @param end of what is there to be read
 * @param position of `data[0]` in memory: pages begin at multiples of 4096
 */
export function findKeyMaterial(
  data: Uint8Array,
  from: number,
  to: number,
  end: number,
  position: number,
  found: (material: FoundMaterial) => void,
): void {
  const limit = Math.min(end, to + MATERIAL_REACH);
  const bytes = Buffer.from(data.buffer, data.byteOffset + from, limit - from);
  let text: string | null = null;
  for (const { id, anchors, expression } of PATTERNS) {
    if (!anchors.some((anchor) => bytes.includes(anchor, 0, 'latin1'))) continue;
    text ??= bytes.toString('latin1');
    const starts = new Set<number>();
    for (const match of text.matchAll(expression)) {
      if (from + match.index >= to) break;
      starts.add(match.index);
      found({ id, text: match[0], at: from + match.index });
    }
    // The first word of a file need not be parted from the end of the page before.
    const firstPage = (PAGE_BYTES - ((position + from) % PAGE_BYTES)) % PAGE_BYTES;
    for (let page = firstPage; page < to - from; page += PAGE_BYTES) {
      const [match] = text.slice(page, page + MATERIAL_REACH).matchAll(expression);
      if (match?.index === 0 && !starts.has(page)) found({ id, text: match[0], at: from + page });
    }
  }
  findSchedules(data, from, Math.min(to, end - scheduleBytes(256) + 1), found);
}

/** Programs keep them aligned to 4 bytes at least. */
function findSchedules(
  data: Uint8Array,
  from: number,
  to: number,
  found: (material: FoundMaterial) => void,
): void {
  for (let at = (from + 3) & ~3; at < to; at += 4) {
    const keyBits = aesScheduleAt(data, at);
    if (keyBits === null) continue;
    const text = Buffer.from(data.buffer, data.byteOffset + at, keyBits / 8).toString('hex');
    found({ id: 'aesKeySchedule', text, at });
  }
}
