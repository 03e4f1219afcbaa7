import type { Validation } from '../../result/validation.js';
import type { RenderOptions } from '../analysis/render-analysis.js';
import type { ReportContext } from '../text/report-context.js';
import { createTextStyle } from '../text/text-style.js';
import { wrapText } from '../text/wrap-text.js';
import { renderCases, renderErrors, renderFailures, renderQuestion } from './render-validation-tables.js';
import { describeCalibration, renderValidationVerdict } from './render-validation-verdict.js';
import { validationQuestions } from './validation-questions.js';

/** A validation for reading in a terminal: how far off, case by case, then what the published experiment asked. */
export function renderValidation(validation: Validation, options: RenderOptions): string {
  const context = { width: options.width, style: createTextStyle(options.color) };
  const sections = [
    renderValidationVerdict(validation, context),
    renderCases(validation, context),
    renderFailures(validation, context),
    renderErrors(validation, context),
    ...validationQuestions(validation).map((question) => renderQuestion(question, context)),
    renderFootnote(validation, context),
  ];
  return sections
    .filter((lines) => lines.length > 0)
    .map((lines) => `${lines.join('\n')}\n`)
    .join('\n');
}

function renderFootnote(validation: Validation, { width, style }: ReportContext): string[] {
  return wrapText(describeCalibration(validation), { width }).map(style.faint);
}
