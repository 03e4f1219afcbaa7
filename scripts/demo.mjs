// The front door: what Tare finds in real captures that come with it. Runs the commands that it shows, prints what each says first, and
// joins their pages into one report.

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { argv, execPath } from 'node:process';
import { pathToFileURL } from 'node:url';
import { prepare, ROOT, runAsScript } from './prepare.mjs';

const MIGRATION = 'captures/migration';
const PROTECTED = `${MIGRATION}/ms-ahesp-1500`;
const REPORT = join(ROOT, 'dist/demo.html');

/**
 * `heading` and `about` lead into the part of the report; `shows` is how many paragraphs of the command's output are printed, all of them
 * by default.
 * @type {{ heading: string, about: string, args: string[], shows?: number }[]}
 */
const STEPS = [
  {
    heading: 'The proof',
    about:
      'The same guest migrated twice, in the clear and through AES-128-CBC ESP inside AH, and somebody listens on the link: what is it that he gets?',
    args: [
      'demo',
      ...['--from', `${MIGRATION}/ms-clear-1500.pcap.gz`, `${PROTECTED}.pcap`],
      ...['--keys', `${PROTECTED}.xfrm`, '--secret-file', `${MIGRATION}/planted.txt`],
    ],
  },
  {
    heading: 'What IPsec cost',
    about: 'The protected migration, weighed byte by byte with the keys that the kernel had.',
    args: ['analyze', `${PROTECTED}.pcap`, '--keys', `${PROTECTED}.xfrm`],
    shows: 2,
  },
  {
    heading: 'What another setting would have cost',
    about: 'The recorded flows cut anew for AES-GCM, at two MTUs, and compared with AES-CBC.',
    args: [
      ...['plan', '--from', `${PROTECTED}.pcap`, '--keys', `${PROTECTED}.xfrm`],
      ...['--esp', 'aes128gcm16', '--mtu', '1500,9000', '--compare', 'aes128-sha256'],
    ],
    shows: 2,
  },
  {
    heading: 'What a migration will take',
    about: 'A guest learned from a capture in the clear, predicted under IPsec.',
    args: [
      ...['predict', '--from', `${MIGRATION}/m-clear-idle.pcap.gz`],
      ...['--esp', 'aes128-sha256', '--ah', 'sha256'],
    ],
    shows: 2,
  },
  {
    heading: 'How busy a guest may be',
    about: 'A grid of write rates and protections, each predicted.',
    args: [
      ...['sweep', 'build-server', '--grid', 'rate=20000..36000:4000'],
      ...['--grid', 'esp=none,aes128gcm16,aes128-sha256'],
    ],
    shows: 2,
  },
];

const NEXT = `Next, on captures and machines of your own:

  node dist/src/cli/main.js demo                            the proof, live, in a laboratory of two machines
  node dist/src/cli/main.js demo --from FILE.pcap           what an eavesdropper gets of your migration
  node dist/src/cli/main.js analyze FILE.pcap               pcap, pcapng, gzip or not
  node dist/src/cli/main.js analyze FILE.pcap --keys FILE   keys from: ip xfrm state
  node dist/src/cli/main.js plan --mtu 1500,9000            before anything is set up
  node dist/src/cli/main.js predict office-vm --esp aes128gcm16 --mtu 9000
  node dist/src/cli/main.js doctor                          what this machine can do
  node dist/src/cli/main.js --help

npm link puts it into your PATH as tare.
`;

/** @returns {object | null} the page as data; null if the command failed, which it said itself */
function runStep({ about, args, shows }, folder) {
  const path = join(folder, 'page.html');
  console.log(`\n# ${about}\n$ tare ${args.join(' ')}\n`);
  const child = spawnSync(execPath, [join(ROOT, 'dist/src/cli/main.js'), ...args, '--html', path], {
    cwd: ROOT,
    stdio: ['ignore', 'pipe', 'pipe'],
    encoding: 'utf8',
    maxBuffer: 1 << 26,
  });
  if (child.status !== 0) {
    console.error(child.stderr);
    console.error(`tare ${args[0]} ended with ${child.signal ?? `exit code ${child.status}`}`);
    return null;
  }
  const paragraphs = child.stdout.trimEnd().split('\n\n');
  console.log(paragraphs.slice(0, shows).join('\n\n'));
  if (shows !== undefined && paragraphs.length > shows) console.log('\n  … and more of it in the report');
  return pageOf(readFileSync(path, 'utf8'));
}

/** A report holds its page as data. */
function pageOf(html) {
  const [, data] = /<script type="application\/json" id="report-data">(.*?)<\/script>/s.exec(html) ?? [];
  if (data === undefined) throw new Error('the report has no data in it');
  return JSON.parse(data);
}

/** One page of all: each part with what it says first, its figures and its sections. */
function joinPages(pages) {
  const sections = pages.flatMap(({ step, page }, part) => [
    {
      heading: `${part + 1}. ${step.heading}`,
      beginsPart: true,
      text: [step.about, ...page.lead.map(({ text }) => text)],
      tables:
        part === 0 || page.facts === undefined || page.facts.length === 0 ? [] : [factTable(page.facts)],
      commands: [{ title: 'The command', lines: [`tare ${step.args.join(' ')}`] }],
    },
    ...page.sections.map((section) => withIds(section, `part-${part + 1}`)),
  ]);
  return {
    title: 'Tare: what IPsec does for a live migration, and what it costs',
    lead: pages.flatMap(({ step, page }, part) =>
      part === 0
        ? page.lead.slice(0, 2)
        : [{ ...page.lead[0], text: `${step.heading}: ${page.lead[0].text}` }],
    ),
    facts: pages[0].page.facts,
    sections: [...sections, { heading: 'What to try next', beginsPart: true, commands: [nextCommands()] }],
    footer: pages.map(({ page }) => page.footer ?? '').join(' '),
  };
}

function factTable(facts) {
  return {
    caption: 'In figures',
    columns: [{ title: '' }, { title: '', align: 'right' }, { title: '' }],
    rows: facts.map(({ label, value, note }) => [label, value, note ?? '']),
  };
}

/** Charts are told apart by their ids, and parts may have the same ones. */
function withIds(section, prefix) {
  if (section.charts === undefined) return section;
  return { ...section, charts: section.charts.map((chart) => ({ ...chart, id: `${prefix}-${chart.id}` })) };
}

function nextCommands() {
  const lines = NEXT.split('\n').filter((line) => line.startsWith('  '));
  return { title: 'On captures and machines of your own', lines: lines.map((line) => line.trim()) };
}

/**
 * Runs all steps and joins their pages.
 * @returns {object | null} null if a step failed
 */
export function runDemo() {
  const folder = mkdtempSync(join(tmpdir(), 'tare-demo-'));
  try {
    const pages = [];
    for (const step of STEPS) {
      const page = runStep(step, folder);
      if (page === null) return null;
      pages.push({ step, page });
    }
    return joinPages(pages);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function main() {
  if (!prepare()) return 1;
  const page = runDemo();
  if (page === null) return 1;
  const { renderHtml } = await import('../dist/src/report/html/render-html.js');
  writeFileSync(REPORT, renderHtml(page));
  console.log(
    `\n# All of it in one report, to open in a browser:\n  ${pathToFileURL(REPORT).href}\n\n${NEXT}`,
  );
  return 0;
}

if (import.meta.url === pathToFileURL(argv[1] ?? '').href) await runAsScript(main);
