import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { inlineModules } from './inline-modules.js';
import { PAGE_STYLE } from './page-style.js';
import type { ReportPage } from './report-page.js';

/**
 * A report as one HTML file: no other file, no network, opens from disk. Its policy allows the scripts and the style in it by their
 * hashes and nothing else, so that text from a capture could not act even if it became markup; and it does not become markup,
 * because it is data in the file and reaches the document as text.
 */
export function renderHtml(page: ReportPage): string {
  const { chartJs, pageScript } = loadScripts();
  const policy = [
    "default-src 'none'",
    `script-src ${sourceHash(chartJs)} ${sourceHash(pageScript)}`,
    `style-src ${sourceHash(PAGE_STYLE)}`,
    ...(page.sections.some(({ pictures }) => pictures !== undefined) ? ['img-src data:'] : []),
    "base-uri 'none'",
    "form-action 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  ].join('; ');
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<title>Tare report</title>
<style>${PAGE_STYLE}</style>
</head>
<body>
<noscript>This report draws itself with the script it contains: allow scripts for this file. It loads nothing.</noscript>
<script type="application/json" id="report-data">${jsonForScript(page)}</script>
<script>${chartJs}</script>
<script type="module">${pageScript}</script>
</body>
</html>
`;
}

/** JSON that cannot end the element it stands in, nor be taken for a comment; it parses to the same value. */
export function jsonForScript(value: unknown): string {
  return JSON.stringify(value).replace(
    /[<>&\u2028\u2029]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

interface PageScripts {
  readonly chartJs: string;
  readonly pageScript: string;
}

let scripts: PageScripts | undefined;

function loadScripts(): PageScripts {
  scripts ??= {
    chartJs: readChartJs(),
    pageScript: inlineModules(new URL('page/show-report.js', import.meta.url)),
  };
  for (const [name, text] of Object.entries(scripts)) requireInlinable(name, text);
  return scripts;
}

/** Chart.js' own build for pages. It lies beside the file that the package gives to `require`. */
function readChartJs(): string {
  const main = createRequire(import.meta.url).resolve('chart.js');
  const path = main.replace(/[^/\\]*$/, 'chart.umd.min.js');
  return readFileSync(path, 'utf8').replace(/\n\/\/# sourceMappingURL=.*\s*$/, '\n');
}

/** A carriage return would be changed by the HTML parser, and the hash would not fit any more. */
function requireInlinable(name: string, text: string): void {
  const culprit = /<\/script|<!--|\r/i.exec(text);
  if (culprit !== null)
    throw new Error(`${name} contains ${JSON.stringify(culprit[0])}: it cannot stand in a page`);
}

function sourceHash(text: string): string {
  return `'sha256-${createHash('sha256').update(text).digest('base64')}'`;
}
