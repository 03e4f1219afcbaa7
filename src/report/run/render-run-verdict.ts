import type { RunResult, RunSource } from '../../result/run-result.js';
import type { RunVariant } from '../../result/run-variant.js';
import type { RunReport } from '../chart/run-report.js';
import { escapeTerminal } from '../text/escape-terminal.js';
import { formatBytes, formatCount } from '../text/format-quantity.js';
import type { ReportContext } from '../text/report-context.js';
import { wrapText } from '../text/wrap-text.js';
import {
  describeLimits,
  describeProtection,
  describeScenario,
  formatMs,
  writtenBytesPerSecond,
} from './describe-scenario.js';

/** More are in the table. */
const MAX_REMEDIES = 3;

/** Whether it migrates, in what time, and what IPsec has to do with it. */
export function renderRunVerdict(report: RunReport, { width, style }: ReportContext): string[] {
  const { run, clear } = report;
  const mark = run.converged ? style.good : style.bad;
  const wrap = (text: string) => (text === '' ? [] : wrapText(text, { width }));
  return [
    ...wrap(headline(run, clear)).map((line) => style.heading(mark(line))),
    ...wrap(describeSpread(run)).map((run.intervals?.converged ?? 1) === 1 ? (line) => line : style.caution),
    ...wrap(describeRemedies(report)),
    ...wrap(
      `${escapeTerminal(run.scenario.name)}: ${describeProtection(run.scenario)}. ${describeLimits(run)}`.trim(),
    ),
    ...wrap(describeScenario(run.scenario)),
  ];
}

function headline(run: RunResult, clear: RunResult | null): string {
  const plain = clear === null ? '' : describeClear(run, clear);
  if (!run.converged)
    return `Does not converge in ${formatMs(run.totalTimeMs)}: ${describeFailure(run)}.${plain}`;
  return `Migrates in ${formatMs(run.totalTimeMs)} with ${formatDowntime(run)} downtime${plain || '.'}`;
}

function describeClear(run: RunResult, clear: RunResult): string {
  if (!clear.converged)
    return run.converged ? '; in the clear it does not converge.' : ' In the clear neither.';
  const times = `${formatMs(clear.totalTimeMs)} with ${formatDowntime(clear)}`;
  return run.converged ? `; in the clear ${times}.` : ` In the clear it migrates in ${times} downtime.`;
}

function formatDowntime({ downtimeMs }: RunResult): string {
  return downtimeMs === null ? 'unknown' : formatMs(downtimeMs);
}

/** Writes outrun the channel, or what they leave to be sent again never fits into the downtime. */
function describeFailure(run: RunResult): string {
  const written = writtenBytesPerSecond(run.scenario);
  const carried = run.throughputBps / 8;
  const carries = `the channel carries ${formatBytes(carried)}/s`;
  if (written > carried) return `the guest writes up to ${formatBytes(written)}/s, ${carries}`;
  if (run.iterations.length < 2) return `${carries}, and memory has not been sent once`;
  const { downtimeLimitMs } = run.scenario.migration;
  const fits = formatBytes((carried * downtimeLimitMs) / 1000);
  return `${carries}, and what the guest writes meanwhile is never below the ${fits} that fit into ${formatMs(downtimeLimitMs)} of downtime`;
}

function describeSpread({ intervals, scenario }: RunResult): string {
  if (intervals === null) {
    const isUncertain = (scenario.uncertain ?? []).length > 0;
    return isUncertain ? 'Parts of the scenario are uncertain: --samples 100 says what that comes to.' : '';
  }
  const { samples, converged, totalTimeMs, downtimeMs } = intervals;
  if (totalTimeMs.low === totalTimeMs.high && downtimeMs?.low === downtimeMs?.high) {
    return `All ${formatCount(samples)} samples are alike: by formulas nothing is random but what the scenario calls uncertain. --level packet draws what is written and lost.`;
  }
  const share =
    converged === 1
      ? ''
      : `Only ${formatCount(Math.round(converged * samples))} of ${formatCount(samples)} samples converge. `;
  const range = ({ low, high }: { low: number; high: number }) => `${formatMs(low)} to ${formatMs(high)}`;
  const downtime = downtimeMs === null ? '' : `, downtime ${range(downtimeMs)}`;
  return `${share}Nine in ten of ${formatCount(samples)} samples: ${range(totalTimeMs)}${downtime}.`;
}

/** For what does not converge: what would. */
function describeRemedies({ run, variants }: RunReport): string {
  if (run.converged || variants.length === 0) return '';
  const remedies = variants.filter((variant) => variant.run.converged);
  if (remedies.length === 0) return 'Nothing that was tried makes it converge (below).';
  const named = remedies.slice(0, MAX_REMEDIES).map(describeRemedy);
  return `What would: ${named.join(', ')}.`;
}

function describeRemedy({ change, run }: RunVariant): string {
  return `${change} (${formatMs(run.totalTimeMs)})`;
}

const SOURCES: Readonly<Record<RunSource, string>> = {
  'model:analytic': 'Calculated (analytic model)',
  'model:packet': 'Simulated packet by packet',
  'measured:lab': 'Measured in the laboratory',
  'measured:ssh': 'Measured on two hosts',
  'measured:local': 'Measured on this machine',
  'measured:capture': 'Read from a capture',
};

/** Where the numbers come from. */
export function describeSource({ scenario, source }: RunResult): string {
  if (!source.startsWith('model:')) return `${SOURCES[source]}.`;
  return `${SOURCES[source]}, CPU costs of ${escapeTerminal(scenario.hosts.calibration)}, seed ${scenario.seed}.`;
}
