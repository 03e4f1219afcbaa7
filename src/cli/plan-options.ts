import { parseAhSuite, parseEspSuite } from '../ipsec/suite.js';
import { AH_SUITES, type AhSuite, ESP_SUITES, type EspSuite } from '../ipsec/suite-table.js';
import {
  countRows,
  distinctProtections,
  numbersIn,
  type PlanProtection,
  type PlanSettings,
} from '../plan/plan-settings.js';
import type { PlanMode } from '../plan/rows.js';
import { parseBitRate, parseBytes, parseRange, QuantityError } from '../scenario/parse-quantity.js';
import { CliError, ExitCode } from './exit-code.js';
import { parseSuiteOption } from './suite-option.js';

/** The options of `tare plan` as they were typed. */
export interface PlanOptions {
  readonly esp?: string;
  readonly ah?: string;
  readonly mode: PlanMode;
  readonly encap?: boolean;
  readonly esn?: boolean;
  readonly align4?: boolean;
  readonly ipv6?: boolean;
  readonly mtu?: string;
  readonly mss?: string;
  readonly bytes?: string;
  readonly link?: string;
  readonly compare?: string;
  readonly from?: string[];
  readonly keys?: string[];
  readonly device?: string;
  readonly destination?: string;
  readonly gateway?: string;
  readonly json?: boolean;
  readonly csv?: boolean;
  readonly html?: string;
  readonly png?: string;
  readonly progress: boolean;
}

export const DEFAULT_ESP = 'aes128gcm16';
const DEFAULT_MTU = '1500';
const DEFAULT_PAYLOAD_BYTES = 4 * 2 ** 30;
/** Below, IPv4 hosts need not even take whole datagrams (RFC 791 section 3.1). */
const MIN_MTU = 576;
const MIN_IPV6_MTU = 1280;
const MAX_MTU = 65_535;
const MAX_MSS = 65_534;
/** A second's work, and JSON that still fits a string. */
const MAX_ROWS = 300_000;

/**
 * What the options ask for.
 * @param payloadBytes what is planned for without --bytes; null: 4 GiB
 * @throws CliError (usage) naming the option, what is wrong and what is allowed
 */
export function planSettings(options: PlanOptions, payloadBytes: number | null): PlanSettings {
  requireSensible(options);
  const { bytes, link, mtu = DEFAULT_MTU, mss, device, destination, gateway } = options;
  const least = options.ipv6 === true ? MIN_IPV6_MTU : MIN_MTU;
  const settings: PlanSettings = {
    payloadBytes:
      bytes === undefined
        ? (payloadBytes ?? DEFAULT_PAYLOAD_BYTES)
        : named('--bytes', () => requireSome(parseBytes(bytes))),
    linkBps: link === undefined ? null : named('--link', () => parseBitRate(link)),
    protections: protectionsOf(options),
    mode: options.mode,
    udpEncap: options.encap === true,
    esn: options.esn === true,
    align4: options.align4 === true,
    family: options.ipv6 === true ? 6 : 4,
    linkMtus: named('--mtu', () => mtu.split(',').map((part) => parseRange(part, least, MAX_MTU))),
    mss: mss === undefined || mss === 'auto' ? 'auto' : named('--mss', () => parseMss(mss)),
    ...(device === undefined ? {} : { device }),
    ...(destination === undefined ? {} : { destination }),
    ...(gateway === undefined ? {} : { gateway }),
  };
  requireFewRows(settings);
  return settings;
}

function requireSensible(options: PlanOptions): void {
  const { esp, ah, mode, encap, align4, ipv6, from, keys, json, csv } = options;
  const hasEsp = esp !== undefined || ah === undefined;
  if (json && csv) throw usage('--json and --csv exclude each other: give one');
  if (encap && !hasEsp) throw usage('--encap: UDP carries ESP, not AH (RFC 3948): add --esp SUITE');
  if (encap && ah !== undefined) throw usage('--encap: AH does not pass a NAT (RFC 3948): drop --ah');
  if (mode === 'beet' && !hasEsp) throw usage('--mode beet is for ESP: add --esp SUITE, or take transport');
  if (align4 && ah === undefined && !mentionsAh(options)) {
    throw usage("--align4 is about AH's padding: add --ah ALGORITHM");
  }
  if (align4 && ipv6) throw usage('--align4 is for IPv4: AH on IPv6 is padded to 8 always (RFC 4302)');
  if (keys !== undefined && from === undefined) throw usage('--keys opens a capture: add --from FILE');
  if (from === undefined) return;
  if (ipv6) throw usage('--ipv6 with --from: recorded flows keep their IP version, drop --ipv6');
  const asksNothing = [esp, ah, options.mtu, options.mss, options.compare].every(
    (each) => each === undefined,
  );
  if (asksNothing) {
    throw usage(
      '--from: say what to try on this traffic: --esp, --ah, --mtu, --mss or --compare, e.g. --mtu 1500,9000',
    );
  }
}

function mentionsAh({ compare }: PlanOptions): boolean {
  return compare !== undefined && namesIn(compare).some((name) => isAll(name) || /^ah:/i.test(name));
}

function askedProtection({ esp, ah }: PlanOptions): PlanProtection {
  const espName = esp ?? (ah === undefined ? DEFAULT_ESP : undefined);
  return {
    esp: espName === undefined ? null : parseSuiteOption('--esp', espName, parseEspSuite),
    ah: ah === undefined ? null : parseSuiteOption('--ah', ah, parseAhSuite),
  };
}

/** The protection asked for, then those to compare with it. */
function protectionsOf(options: PlanOptions): [PlanProtection, ...PlanProtection[]] {
  const asked = askedProtection(options);
  const compared = comparedProtections(options, asked);
  const seen = new Set([keyOf(asked)]);
  const others = compared.filter((protection) => !seen.has(keyOf(protection)) && seen.add(keyOf(protection)));
  return [compared.find((protection) => keyOf(protection) === keyOf(asked)) ?? asked, ...others];
}

/** ESP suites are compared inside the AH that was asked for. With `all`, suites named beside it stand for those of the same cost. */
function comparedProtections({ compare, encap, mode }: PlanOptions, asked: PlanProtection): PlanProtection[] {
  if (compare === undefined) return [];
  const withEsp = (esp: EspSuite): PlanProtection => ({ esp, ah: asked.esp === null ? null : asked.ah });
  const ahAlone = (ah: AhSuite): PlanProtection => ({ esp: null, ah });
  const noAh = encap === true || mode === 'beet';
  const names = namesIn(compare);
  const named = names
    .filter((name) => !isAll(name))
    .map((name) => {
      if (name === '') throw usage(`--compare ${JSON.stringify(compare)}: a suite is missing beside a comma`);
      const ah = /^ah:(.*)$/i.exec(name)?.[1];
      if (ah === undefined) return withEsp(parseSuiteOption('--compare', name, parseEspSuite));
      if (noAh) throw usage(`--compare ${name}: AH goes neither in UDP nor in BEET mode`);
      return ahAlone(parseSuiteOption('--compare', ah, parseAhSuite));
    });
  if (!names.some(isAll)) return named;
  const all = [...ESP_SUITES.map(withEsp), ...(noAh ? [] : AH_SUITES.map(ahAlone))];
  const isNamed = new Set(named.map(keyOf));
  return distinctProtections([...named, ...all.filter((protection) => !isNamed.has(keyOf(protection)))]);
}

/** The parts of a `--compare`. */
function namesIn(compare: string): string[] {
  return compare.split(',').map((name) => name.trim());
}

function isAll(name: string): boolean {
  return name.toLowerCase() === 'all';
}

function keyOf({ esp, ah }: PlanProtection): string {
  return `${esp?.name} ${ah?.name}`;
}

function parseMss(text: string) {
  try {
    return parseRange(text, 1, MAX_MSS);
  } catch (error) {
    if (!(error instanceof QuantityError)) throw error;
    throw new QuantityError(`${error.message}; or auto, which Linux would choose`);
  }
}

function requireSome(bytes: number): number {
  if (bytes === 0) throw new QuantityError('"0" leaves nothing to send: write a size such as 4GiB');
  return bytes;
}

function requireFewRows(settings: PlanSettings): void {
  const rows = countRows(settings);
  if (rows <= MAX_ROWS) return;
  const [mtus, protections] = [numbersIn(settings.linkMtus).length, settings.protections.length];
  throw usage(
    `that would be ${rows} rows (${mtus} MTUs, ${protections} suites): give a step, as in --mtu 1280..9000:40 or --mss 1000..1400:4`,
  );
}

/** Puts the option's name in front of what is wrong with its value. */
function named<Value>(option: string, parse: () => Value): Value {
  try {
    return parse();
  } catch (error) {
    if (error instanceof QuantityError) throw usage(`${option}: ${error.message}`, error);
    throw error;
  }
}

export function usage(message: string, cause?: unknown): CliError {
  return new CliError(ExitCode.usage, message, { cause });
}
