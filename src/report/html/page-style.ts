/** The style of every HTML report. Colours as in `chart-palette.ts`: charts stand on the same ground. */
export const PAGE_STYLE = `
:root {
  color-scheme: light;
  --ground: #ffffff; --raised: #f5f7f9; --text: #1c2127; --faint: #5a636e; --line: #dde2e7;
  --link: #0072b2; --good: #00704f; --caution: #8a5a00; --bad: #b33c00;
}
@media (prefers-color-scheme: dark) {
  :root:not([data-theme=light]) {
    color-scheme: dark;
    --ground: #14181d; --raised: #1d2329; --text: #e8ebef; --faint: #a3acb7; --line: #353d46;
    --link: #6cbcf0; --good: #3ecf9f; --caution: #f5b83d; --bad: #ff9362;
  }
}
:root[data-theme=dark] {
  color-scheme: dark;
  --ground: #14181d; --raised: #1d2329; --text: #e8ebef; --faint: #a3acb7; --line: #353d46;
  --link: #6cbcf0; --good: #3ecf9f; --caution: #f5b83d; --bad: #ff9362;
}
* { box-sizing: border-box; }
html { background: var(--ground); color: var(--text); -webkit-text-size-adjust: 100%; }
body {
  margin: 0; font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, Inter, "DejaVu Sans", sans-serif;
  overflow-wrap: anywhere;
}
main { max-width: 1160px; margin: 0 auto; padding: 24px 20px 48px; }
header { display: flex; gap: 16px; align-items: center; justify-content: space-between; }
h1 { font-size: 1.15rem; font-weight: 600; margin: 0; color: var(--faint); }
h2 { font-size: 1.4rem; line-height: 1.25; margin: 0 0 8px; }
h3 { font-size: 1.05rem; line-height: 1.3; margin: 0; }
section { margin-top: 48px; }
section.part { margin-top: 72px; padding-top: 20px; border-top: 3px solid var(--link); }
section.part > h2 { font-size: 1.8rem; }
section > p { max-width: 46em; margin: 0 0 8px; }
button {
  font: inherit; color: inherit; background: none; border: 1px solid var(--line); border-radius: 6px;
  cursor: pointer;
}
button:focus-visible, a:focus-visible, summary:focus-visible, .table-frame:focus-visible {
  outline: 2px solid var(--link); outline-offset: 2px;
}
.theme { flex: none; font-size: .85rem; padding: 4px 10px; color: var(--faint); }
.verdict { margin-top: 20px; }
.verdict > p { max-width: none; margin: 0 0 4px; color: var(--text); }
.verdict > p:first-child { font-size: 1.65rem; line-height: 1.25; font-weight: 650; margin-bottom: 10px; }
.verdict .good, .facts .good { color: var(--good); }
.verdict .caution, .facts .caution { color: var(--caution); }
.verdict .bad, .facts .bad { color: var(--bad); }
.facts { display: grid; grid-template-columns: repeat(auto-fit, minmax(150px, 1fr)); gap: 12px; margin: 20px 0 0; }
.facts > div { background: var(--raised); border-radius: 8px; padding: 12px 14px; }
.facts dt { font-size: .85rem; color: var(--faint); }
.facts dd { margin: 0; font-size: 1.35rem; line-height: 1.3; font-weight: 600; }
.facts dd.note { font-size: .85rem; font-weight: 400; }
.note, .subtitle { color: var(--faint); font-size: .9rem; margin: 2px 0 0; }
nav { display: flex; flex-wrap: wrap; gap: 4px 18px; margin-top: 24px; padding: 10px 0; border: solid var(--line);
  border-width: 1px 0; font-size: .95rem; }
a { color: var(--link); }
nav a { text-decoration: none; }
nav a:hover { text-decoration: underline; }
figure { margin: 28px 0 0; }
.chart { margin-top: 8px; overflow: hidden; }
.chart canvas { display: block; max-width: 100%; }
.legend { display: flex; flex-wrap: wrap; gap: 6px; margin-top: 8px; }
.legend button { display: inline-flex; align-items: center; gap: 7px; font-size: .85rem; line-height: 1.3;
  padding: 4px 10px; text-align: left; }
.legend button[aria-pressed=false] { opacity: .5; text-decoration: line-through; }
.swatch { flex: none; width: 14px; height: 14px; border-radius: 4px; background: var(--series); }
.swatch.line { width: 24px; height: 0; border-radius: 0; background: none; border-top: 3px solid var(--series); }
.swatch.line.inferred { border-top-style: dashed; }
.swatch.line.bounded { height: 12px; border-top: 0;
  background: linear-gradient(var(--series), var(--series)) 0 50% / 100% 3px no-repeat,
    color-mix(in srgb, var(--series) 25%, transparent); }
.swatch.area.inferred, .swatch.area.bounded {
  background: repeating-linear-gradient(-45deg, transparent 0 3px, var(--ground) 3px 4px), var(--series); }
.pictures { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 260px), 1fr)); gap: 20px; }
.pictures figure { min-width: 0; }
.pictures img { display: block; width: 100%; max-width: 420px; height: auto; margin-top: 8px; border-radius: 4px;
  image-rendering: pixelated; border: 1px solid var(--line); }
.picture-legend { display: flex; flex-wrap: wrap; gap: 6px 18px; margin-top: 14px; font-size: .85rem; }
.picture-legend > span { display: inline-flex; align-items: center; gap: 7px; }
details { margin-top: 8px; font-size: .9rem; }
summary { cursor: pointer; color: var(--faint); padding: 4px 0; }
.table { margin-top: 24px; }
.table-frame { overflow: auto; }
.table-frame.long { max-height: 40rem; }
table { border-collapse: collapse; width: 100%; font-size: .875rem; font-variant-numeric: tabular-nums; }
caption { text-align: left; font-weight: 600; font-size: 1.05rem; padding-bottom: 6px; }
details caption { display: none; }
th, td { text-align: left; vertical-align: top; padding: 6px 8px; border-bottom: 1px solid var(--line); }
th { position: sticky; top: 0; background: var(--ground); border-bottom: 2px solid var(--line);
  vertical-align: bottom; padding: 4px; }
th button { border: 0; padding: 2px 6px; font-weight: 600; text-align: inherit; }
th button:hover { text-decoration: underline; }
th[aria-sort] button::after { color: var(--link); content: " \\2191"; content: " \\2191" / ""; }
th[aria-sort=descending] button::after { content: " \\2193"; content: " \\2193" / ""; }
th, td { overflow-wrap: break-word; }
td { max-width: 24rem; }
td.prose { min-width: 13rem; }
.number { text-align: right; }
td.number { white-space: nowrap; }
.commands { margin-top: 20px; }
pre { background: var(--raised); border-radius: 8px; padding: 12px 14px; margin: 6px 0 0; overflow-x: auto;
  font: .85rem/1.5 ui-monospace, SFMono-Regular, Menlo, "DejaVu Sans Mono", monospace; }
footer { margin-top: 48px; color: var(--faint); font-size: .85rem; }
@media (max-width: 600px) {
  main { padding: 16px 14px 32px; }
  section { margin-top: 36px; }
  .verdict > p:first-child { font-size: 1.3rem; }
  .facts { grid-template-columns: 1fr 1fr; gap: 8px; }
  .facts dd { font-size: 1.15rem; }
  th, td { padding: 5px 7px; }
}
@media print {
  :root, :root[data-theme=dark], :root:not([data-theme=light]) {
    color-scheme: light;
    --ground: #ffffff; --raised: #f5f7f9; --text: #000000; --faint: #444b54; --line: #c5ccd3;
    --link: #0072b2; --good: #00704f; --caution: #8a5a00; --bad: #b33c00;
  }
  body { font-size: 10.5pt; }
  main { max-width: none; padding: 0; }
  nav, .theme, details:not([open]) { display: none; }
  section { margin-top: 24px; }
  section > p { max-width: none; }
  figure { margin-top: 20px; }
  figure, .facts, thead, tr, .commands { break-inside: avoid; }
  h2, h3, caption, thead, tbody tr:first-child:not(:last-child), tbody tr:nth-last-child(2) { break-after: avoid; }
  pre { white-space: pre-wrap; overflow-wrap: anywhere; font-size: 7.4pt; padding: 8px 10px; }
  .commands { margin-top: 14px; }
  .commands .note { font-size: 8.5pt; }
  .table-frame { overflow: visible; max-height: none; }
  table { font-size: 7.5pt; }
  th, td { padding: 2px 4px; }
  td { max-width: none; }
  td.prose { min-width: 0; }
  table.wide td { overflow-wrap: anywhere; }
  table.wide td.number { white-space: normal; overflow-wrap: break-word; }
  th { position: static; }
  th button { display: contents; }
  .legend button { border-color: transparent; padding-left: 0; }
  .chart canvas { max-width: 100% !important; height: auto !important; }
  * { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
}
`;
