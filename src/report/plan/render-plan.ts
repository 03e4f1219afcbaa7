import type { PlanResult } from '../../plan/plan-result.js';
import type { RenderOptions } from '../analysis/render-analysis.js';
import type { ReportContext } from '../text/report-context.js';
import { createTextStyle } from '../text/text-style.js';
import { wrapText } from '../text/wrap-text.js';
import { renderAdvice, renderAlternatives } from './render-plan-choices.js';
import { renderPlanComparison, renderPlanRows } from './render-plan-rows.js';
import { renderFullPacket, renderPlanVerdict, renderSawtooth } from './render-plan-verdict.js';
import { renderWhatIf } from './render-plan-what-if.js';

/**
 * A plan for reading in a terminal, most important first: what one gets, what else there is, how to set it. Commands alone may be
 * wider than the terminal: broken over lines they could not be pasted.
 */
export function renderPlan(result: PlanResult, options: RenderOptions): string {
  const context = { width: options.width, style: createTextStyle(options.color) };
  const { whatIf } = result;
  const sections =
    whatIf === null
      ? [
          renderPlanVerdict(result, context),
          renderPlanRows(result, context),
          renderPlanComparison(result, context),
        ]
      : [renderWhatIf(result, whatIf, context)];
  return [
    ...sections,
    [...renderFullPacket(result, context), ...renderSawtooth(result, context)],
    renderAlternatives(result, context),
    renderFootnote(result, context),
    renderAdvice(result, context),
  ]
    .filter((lines) => lines.length > 0)
    .map((lines) => `${lines.join('\n')}\n`)
    .join('\n');
}

function renderFootnote({ settings }: PlanResult, { width, style }: ReportContext): string[] {
  const esn = settings.esn ? ' Extended sequence numbers add nothing: only half of each is sent.' : '';
  const text =
    'On the wire: Ethernet frames without preamble, check sequence and gap, one direction, nothing lost. Acknowledgements ' +
    `(one for two segments) go the other way.${esn}`;
  return wrapText(text, { width }).map(style.faint);
}
