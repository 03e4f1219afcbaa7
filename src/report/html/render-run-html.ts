import { LIMITS } from '../../result/run-result.js';
import type { ChartDefinition } from '../chart/chart-definition.js';
import { limitChart, pagesChart, rateChart, remainingChart } from '../chart/run-charts.js';
import type { RunReport } from '../chart/run-report.js';
import { convergenceMaps, curveCharts } from '../chart/sweep-charts.js';
import { formatMs, LIMIT_NAMES } from '../run/describe-scenario.js';
import { protectionName } from '../run/protection-name.js';
import { describeGain, figureText, iterationName, shownFigures } from '../run/render-run-tables.js';
import { describeSource, renderRunVerdict } from '../run/render-run-verdict.js';
import { escapeTerminal } from '../text/escape-terminal.js';
import { formatBps, formatBytes, formatCount, formatShare } from '../text/format-quantity.js';
import type { ReportContext } from '../text/report-context.js';
import { createTextStyle } from '../text/text-style.js';
import { columns } from './analysis-tables.js';
import { renderHtml } from './render-html.js';
import type { Cell, Fact, LeadLine, ReportPage, ReportSection, ReportTable, Tone } from './report-page.js';

/** A run as one HTML file: the terminal's verdict, then charts and tables. */
export function renderRunHtml(report: RunReport): string {
  return renderHtml(runPage(report));
}

/** The same as data. */
export function runPage(report: RunReport): ReportPage {
  const { run, overMtu, overRate } = report;
  const charts = (...candidates: (ChartDefinition | null)[]) => candidates.filter((chart) => chart !== null);
  const sections: ReportSection[] = [
    {
      heading: 'Where the time goes',
      charts: [limitChart(report)],
      tables: [limitTable(report), figureTable(report)],
    },
    {
      heading: 'The iterations',
      charts: charts(remainingChart(report), rateChart(run), pagesChart(run)),
      tables: run.iterations.length === 0 ? [] : [iterationTable(report)],
    },
    {
      heading: 'What else could be set',
      tables: report.variants.length === 0 ? [] : [variantTable(report)],
    },
    { heading: 'The MTU and the suite', charts: overMtu === null ? [] : curveCharts(overMtu) },
    { heading: 'Where it converges', charts: overRate === null ? [] : convergenceMaps(overRate) },
  ];
  return {
    title: `Tare: migration of ${escapeTerminal(run.scenario.name)}`,
    lead: leadLines(report),
    facts: factsOf(report),
    sections: sections.filter(({ charts = [], tables = [] }) => charts.length + tables.length > 0),
    footer: `${describeSource(run)} Wire bytes are Ethernet frames without check sequence and gaps. 1 kB is 1000 bytes.`,
  };
}

/** The terminal's wording without its lines; the style that colours the terminal tells which tone a paragraph has. */
function leadLines(report: RunReport): LeadLine[] {
  const tones = new Map<string, Tone>();
  const note = (tone: Tone) => (text: string) => {
    tones.set(text, tone);
    return text;
  };
  const plain = createTextStyle(false);
  const style = { ...plain, good: note('good'), caution: note('caution'), bad: note('bad') };
  const context: ReportContext = { width: 100_000, style };
  return renderRunVerdict(report, context).map((text) => {
    const tone = tones.get(text);
    return tone === undefined ? { text } : { text, tone };
  });
}

function factsOf({ run, clear }: RunReport): Fact[] {
  const facing = (text: string | null) => (text === null ? {} : { note: `in the clear ${text}` });
  const time = (milliseconds: number | null) => (milliseconds === null ? '-' : formatMs(milliseconds));
  return [
    {
      label: 'Total time',
      value: run.converged ? formatMs(run.totalTimeMs) : 'does not converge',
      ...(run.converged ? {} : { tone: 'bad' }),
      ...facing(clear === null ? null : clear.converged ? formatMs(clear.totalTimeMs) : 'does not converge'),
    },
    {
      label: 'Downtime',
      value: time(run.downtimeMs),
      ...facing(clear === null ? null : time(clear.downtimeMs)),
    },
    {
      label: 'Stream',
      value: formatBps(run.throughputBps),
      ...facing(clear === null ? null : formatBps(clear.throughputBps)),
    },
    {
      label: 'On the wire',
      value: formatBytes(run.wire.bytes),
      ...facing(clear === null ? null : formatBytes(clear.wire.bytes)),
    },
  ];
}

function figureTable({ run, clear }: RunReport): ReportTable {
  const runs = clear === null ? [run] : [run, clear];
  return {
    caption: 'Figures',
    columns: columns('', `#${protectionName(run.scenario.ipsec)}`, '#In the clear').slice(0, runs.length + 1),
    rows: shownFigures(runs).map((figure) => [figure.title, ...runs.map((each) => figureText(figure, each))]),
    ...(run.converged
      ? {}
      : { note: 'Figures of a run that does not converge are those at its time limit.' }),
  };
}

function limitTable({ run, clear }: RunReport): ReportTable {
  const runs = clear === null ? [run] : [run, clear];
  return {
    caption: 'What held the transfer back',
    columns: columns('', `#${protectionName(run.scenario.ipsec)}`, '#In the clear').slice(0, runs.length + 1),
    rows: LIMITS.filter((limit) => runs.some(({ timeByLimit }) => timeByLimit[limit] > 0)).map((limit) => [
      LIMIT_NAMES[limit],
      ...runs.map(({ timeByLimit }): Cell => {
        const share = timeByLimit[limit];
        return { text: share === 0 ? '-' : formatShare(share, 1), sort: share };
      }),
    ]),
  };
}

function iterationTable({ run }: RunReport): ReportTable {
  const time = (milliseconds: number): Cell => ({ text: formatMs(milliseconds), sort: milliseconds });
  const count = (value: number): Cell => ({ text: formatCount(Math.round(value)), sort: value });
  return {
    caption: 'From one synchronisation of the dirty bitmap to the next',
    columns: columns('#Iteration', '#From', '#Takes', '#Pages', '#Zero pages', '#Bytes', '#Pages left'),
    rows: run.iterations.map((each, i) => [
      { text: iterationName(run, i), sort: i },
      time(each.startMs),
      time(each.durationMs),
      count(each.pages),
      count(each.zeroPages),
      { text: formatBytes(each.bytes), sort: each.bytes },
      count(each.remainingPages),
    ]),
  };
}

function variantTable({ base, variants }: RunReport): ReportTable {
  const gain = base.converged ? ['#Against now'] : [];
  return {
    caption: base.converged ? 'What would be sooner' : 'What would help',
    columns: columns('With', '#Total time', '#Downtime', ...gain, '#Packets', 'Held back by'),
    rows: variants.map(({ change, run: each }) => [
      change,
      each.converged
        ? { text: formatMs(each.totalTimeMs), sort: each.totalTimeMs }
        : { text: 'does not converge', sort: Number.MAX_VALUE },
      each.downtimeMs === null ? '-' : { text: formatMs(each.downtimeMs), sort: each.downtimeMs },
      ...gain.map(() => describeGain(each, base)),
      { text: formatCount(Math.round(each.wire.packets)), sort: each.wire.packets },
      LIMIT_NAMES[each.limitedBy],
    ]),
    note: 'Each calculated by the analytic model, with everything else as it is.',
  };
}
