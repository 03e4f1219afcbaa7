/// <reference lib="dom" />
import type { CommandBlock, Fact, LeadLine, ReportPage, ReportSection } from '../report-page.js';
import { type ChartFigure, chartFigure } from './chart-figure.js';
import { createElement } from './create-element.js';
import { pageTheme } from './page-theme.js';
import { pictureRow } from './picture-figure.js';
import { sortableTable } from './sortable-table.js';

/** Builds the document from the data that stands in it, and keeps the charts as wide as it. */
function showReport(): void {
  const data = document.getElementById('report-data')?.textContent ?? '';
  const page = JSON.parse(data) as ReportPage;
  const figures: ChartFigure[] = [];
  const theme = pageTheme(() => drawAll());
  const drawAll = () => {
    for (const figure of figures) figure.draw(theme.now());
  };
  document.title = page.title;
  const main = createElement('main', '', [
    createElement('header', '', [createElement('h1', '', page.title), theme.button]),
    verdict(page),
    ...navigation(page.sections),
    ...page.sections.map((section, index) => sectionElement(section, index, figures)),
    createElement('footer', '', page.footer ?? ''),
  ]);
  document.body.replaceChildren(main);
  drawAll();
  followWidth(main, drawAll);
}

function followWidth(main: HTMLElement, drawAll: () => void): void {
  let width = main.clientWidth;
  new ResizeObserver(() => {
    if (main.clientWidth === width) return;
    width = main.clientWidth;
    drawAll();
  }).observe(main);
}

function verdict({ lead, facts = [] }: ReportPage): HTMLElement {
  const lines = lead.map(leadLine);
  const tiles = facts.length === 0 ? [] : [createElement('dl', 'facts', facts.map(factTile))];
  return createElement('section', 'verdict', [...lines, ...tiles]);
}

function leadLine({ text, tone }: LeadLine): HTMLElement {
  return createElement('p', tone ?? '', text);
}

function factTile({ label, value, note, tone }: Fact): HTMLElement {
  const parts = [createElement('dt', '', label), createElement('dd', tone ?? '', value)];
  if (note !== undefined) parts.push(createElement('dd', 'note', note));
  return createElement('div', '', parts);
}

/** Links to the sections, for reports long enough to need them. */
function navigation(sections: readonly ReportSection[]): HTMLElement[] {
  if (sections.length < 3) return [];
  const hasParts = sections.some(({ beginsPart }) => beginsPart === true);
  const links = sections.flatMap(({ heading, beginsPart }, index) => {
    if (hasParts && beginsPart !== true) return [];
    const link = createElement('a', '', heading);
    link.href = `#section-${index + 1}`;
    return [link];
  });
  const element = createElement('nav', '', links);
  element.setAttribute('aria-label', 'Sections');
  return [element];
}

function sectionElement(section: ReportSection, index: number, figures: ChartFigure[]): HTMLElement {
  const { heading, text = [], pictures, charts = [], tables = [], commands = [] } = section;
  const drawn = charts.map(chartFigure);
  figures.push(...drawn);
  const element = createElement('section', '', [
    createElement('h2', '', heading),
    ...text.map((paragraph) => createElement('p', '', paragraph)),
    ...(pictures === undefined ? [] : [pictureRow(pictures)]),
    ...drawn.map((figure) => figure.element),
    ...tables.map(sortableTable),
    ...commands.map(commandBlock),
  ]);
  element.id = `section-${index + 1}`;
  if (section.beginsPart === true) element.className = 'part';
  return element;
}

function commandBlock({ title, lines, caution }: CommandBlock): HTMLElement {
  const parts = [createElement('h3', '', title), createElement('pre', '', lines.join('\n'))];
  if (caution !== undefined) parts.push(createElement('p', 'note', caution));
  return createElement('div', 'commands', parts);
}

showReport();
