import { parseAhSuite, parseEspSuite } from '../ipsec/suite.js';
import { AH_SUITES, type AhSuite, ESP_SUITES, type EspSuite } from '../ipsec/suite-table.js';
import type { RunResult } from '../result/run-result.js';
import type { RunVariant } from '../result/run-variant.js';
import type { Ipsec, MigrationParameters, Network, Scenario } from '../scenario/scenario.js';
import { writeByteRate } from '../scenario/write-quantity.js';
import { ModelError } from './model-error.js';

/**
 * What would make a migration sooner, or converge at all. Nothing is advised by rule: every variant is calculated, and
 * what does not help is left out, or named as not helping where the migration does not converge.
 */

const JUMBO_MTU = 9000;
const CHANNELS = 4;
const DOWNTIME_LIMITS_MS = [500, 800, 1000, 1500, 2000, 3000, 5000, 10_000];
/** Suites that differ by less are told apart by what they cost the processors. */
const ABOUT_ALIKE = 0.002;
/** Less is not worth a change. */
const LEAST_GAIN = 0.02;
/** Share of the time for which QEMU's own limit must have been the narrowest place to be worth lifting. */
const LEAST_SHARE = 0.05;
/** Combined-mode ciphers are only advised with the whole tag. */
const WHOLE_TAG_BYTES = 16;

type Predict = (scenario: Scenario) => RunResult;

interface Change {
  /** To read behind "with". */
  readonly change: string;
  readonly apply: (scenario: Scenario) => Scenario;
}

/**
 * @param run what is to be improved
 * @param predict the analytic model
 * @returns best first
 */
export function adviseRun(run: RunResult, predict: Predict): RunVariant[] {
  const { scenario } = run;
  const attempt = (change: Change) => tryChange(change, scenario, predict);
  const changes = [
    ...largerPackets(scenario),
    ...bestSuite(scenario, predict),
    ...moreChannels(scenario),
    ...moreBandwidth(run),
  ];
  const variants = [...changes.flatMap(attempt), ...together(run, changes, predict)];
  if (!run.converged) {
    variants.push(...autoConverge(scenario).flatMap(attempt), ...longerDowntime(scenario, predict));
  }
  return variants.filter((variant) => isWorthIt(variant.run, run)).sort((a, b) => rank(a.run) - rank(b.run));
}

/** What does not help is worth knowing only where something has to. */
function isWorthIt(variant: RunResult, run: RunResult): boolean {
  if (!run.converged) return true;
  return isBetter(variant, run);
}

function rank({ converged, totalTimeMs }: RunResult): number {
  return converged ? totalTimeMs : Number.POSITIVE_INFINITY;
}

/** Nothing where it cannot be: a suite that is not calibrated, a segment that does not fit. */
function tryChange({ change, apply }: Change, scenario: Scenario, predict: Predict): RunVariant[] {
  try {
    return [{ change, run: predict(apply(scenario)) }];
  } catch (error) {
    if (error instanceof ModelError) return [];
    throw error;
  }
}

function setNetwork(change: string, network: Partial<Network>): Change {
  return { change, apply: (scenario) => ({ ...scenario, network: { ...scenario.network, ...network } }) };
}

function setMigration(change: string, migration: Partial<MigrationParameters>): Change {
  return {
    change,
    apply: (scenario) => ({ ...scenario, migration: { ...scenario.migration, ...migration } }),
  };
}

function setIpsec(change: string, ipsec: Partial<Ipsec>): Change {
  return { change, apply: (scenario) => ({ ...scenario, ipsec: { ...scenario.ipsec, ...ipsec } }) };
}

function largerPackets({ network: { mtu, mss } }: Scenario): Change[] {
  return [
    ...(mss === 'auto' ? [] : [setNetwork('MSS auto', { mss: 'auto' })]),
    ...(mtu < JUMBO_MTU ? [setNetwork(`MTU ${JUMBO_MTU}`, { mtu: JUMBO_MTU })] : []),
  ];
}

/** The quickest of the suites that protect as well as those asked for. */
function bestSuite(scenario: Scenario, predict: Predict): Change[] {
  const { esp, ah } = scenario.ipsec;
  const espNames = esp === null ? [null] : likeEsp(parseEspSuite(esp));
  const ahNames = ah === null ? [null] : likeAh(parseAhSuite(ah));
  const changes = espNames.flatMap((espName) =>
    ahNames
      .filter((ahName) => espName !== esp || ahName !== ah)
      .map((ahName) => {
        const names = [espName === esp ? null : espName, ahName === ah ? null : `AH ${ahName}`];
        const change = names.filter((name) => name !== null).join(' and ');
        return setIpsec(change, { esp: espName, ah: ahName });
      }),
  );
  const tried = changes.flatMap((change) =>
    tryChange(change, scenario, predict).map(({ run }) => ({ change, run })),
  );
  const [best] = tried.sort((a, b) => compareSuites(a.run, b.run));
  return best === undefined ? [] : [best.change];
}

/** The sooner, of those that do not converge the one that carries more, and of those about alike the cheaper. */
function compareSuites(a: RunResult, b: RunResult): number {
  const isOneSooner = a.converged || b.converged;
  const [x, y] = isOneSooner ? [rank(a), rank(b)] : [1 / a.throughputBps, 1 / b.throughputBps];
  const areAlike = Math.abs(x - y) < ABOUT_ALIKE * Math.min(x, y);
  const cost = ({ cpu }: RunResult) => cpu.source.seconds + cpu.destination.seconds;
  return areAlike ? cost(a) - cost(b) : x - y;
}

/** Encrypts and authenticates as this one does, with a key at least as long, and no integrity algorithm weaker than its own. */
function likeEsp(suite: EspSuite): string[] {
  const isAlike = (other: EspSuite) =>
    encrypts(other) === encrypts(suite) &&
    authenticates(other) === authenticates(suite) &&
    other.cipher !== 'des-cbc' &&
    other.cipher !== '3des-cbc' &&
    other.keyBits >= suite.keyBits &&
    (other.integrity === suite.integrity
      ? other.icvBytes >= suite.icvBytes
      : other.combinedMode && other.icvBytes === WHOLE_TAG_BYTES);
  return [suite, ...ESP_SUITES.filter((other) => other.name !== suite.name && isAlike(other))].map(
    ({ name }) => name,
  );
}

function encrypts({ cipher }: EspSuite): boolean {
  return cipher !== 'null' && cipher !== 'aes-gmac';
}

function authenticates({ icvBytes }: EspSuite): boolean {
  return icvBytes > 0;
}

/** The same algorithm, or GMAC. */
function likeAh(suite: AhSuite): string[] {
  const others = AH_SUITES.filter(({ name, integrity }) => name !== suite.name && integrity === 'aes-gmac');
  return [suite, ...others].map(({ name }) => name);
}

function moreChannels({ migration }: Scenario): Change[] {
  const { multifdChannels, postcopyAfterIterations, xbzrle } = migration;
  // QEMU refuses multifd together with these.
  if (multifdChannels >= CHANNELS || postcopyAfterIterations !== null || xbzrle !== null) return [];
  return [setMigration(`${CHANNELS} multifd channels`, { multifdChannels: CHANNELS })];
}

/** QEMU's max-bandwidth as large as the link. */
function moreBandwidth({ scenario, timeByLimit }: RunResult): Change[] {
  const linkBytes = Math.floor(scenario.network.linkBps / 8);
  if (timeByLimit.maxBandwidth < LEAST_SHARE || scenario.migration.maxBandwidth >= linkBytes) return [];
  return [setMigration(`max-bandwidth ${writeByteRate(linkBytes)}`, { maxBandwidth: linkBytes })];
}

function autoConverge({ migration }: Scenario): Change[] {
  return migration.autoConverge ? [] : [setMigration('auto-converge', { autoConverge: true })];
}

/** The shortest downtime limit with which it converges; the longest tried if there is none. */
function longerDowntime(scenario: Scenario, predict: Predict): RunVariant[] {
  const limits = DOWNTIME_LIMITS_MS.filter((limit) => limit > scenario.migration.downtimeLimitMs);
  let last: RunVariant[] = [];
  for (const downtimeLimitMs of limits) {
    const change = setMigration(`downtime limit ${downtimeLimitMs} ms`, { downtimeLimitMs });
    last = tryChange(change, scenario, predict);
    if (last[0]?.run.converged) break;
  }
  return last;
}

/** The changes on top of each other, those that help; nothing if that is one alone. */
function together(run: RunResult, changes: readonly Change[], predict: Predict): RunVariant[] {
  let best: RunVariant = { change: '', run };
  let kept = 0;
  for (const { change, apply } of changes) {
    const name = best.change === '' ? change : `${best.change} and ${change}`;
    const [tried] = tryChange({ change: name, apply }, best.run.scenario, predict);
    if (tried === undefined || !isBetter(tried.run, best.run)) continue;
    best = tried;
    kept++;
  }
  return kept > 1 ? [best] : [];
}

/** Of runs that do not converge the one that carries more. */
function isBetter(run: RunResult, before: RunResult): boolean {
  if (run.converged || before.converged) return rank(run) < rank(before) * (1 - LEAST_GAIN);
  return run.throughputBps > before.throughputBps * (1 + LEAST_GAIN);
}
