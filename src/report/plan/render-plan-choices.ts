import type { AlternativeCost, AlternativeName } from '../../plan/alternatives.js';
import type { PlanResult } from '../../plan/plan-result.js';
import { protectionName } from '../run/protection-name.js';
import { formatChange } from '../text/format-change.js';
import { formatBytes, formatCount } from '../text/format-quantity.js';
import type { ReportContext } from '../text/report-context.js';
import { renderTable, type TableColumn } from '../text/table.js';
import { wrapText } from '../text/wrap-text.js';
import { costOverClear } from './ipsec-cost.js';

/** The descriptions of plan/alternatives.ts, shortened to table cells. JSON and HTML have them whole. */
const SHORT: Readonly<Record<AlternativeName, { title: string; protects: string; needs: string }>> = {
  tls13: { title: 'TLS 1.3', protects: 'the QEMU stream', needs: 'certificates on both hosts' },
  'tls13-qemu-pages': {
    title: 'TLS 1.3, record a page',
    protects: 'the same, as precopy sends',
    needs: 'the same',
  },
  'ssh-aes128-gcm': { title: 'SSH, AES-GCM', protects: 'one connection', needs: 'a login; two more copies' },
  'ssh-chacha20-poly1305': { title: 'SSH, ChaCha20', protects: 'one connection', needs: 'the same' },
  wireguard: { title: 'WireGuard', protects: 'all IP, ports too', needs: 'its module, keys, routes' },
  macsec: { title: 'MACsec', protects: 'all of a LAN, hop by hop', needs: 'every switch between' },
};

const COLUMNS: readonly TableColumn[] = [
  { title: 'instead of IPsec', minWidth: 14 },
  { title: 'on the wire', align: 'right' },
  { title: 'over clear', align: 'right', dispensable: 2 },
  { title: 'packets', align: 'right' },
  { title: 'protects', minWidth: 14 },
  { title: 'needs', minWidth: 14 },
];

/** What else could protect the transfer; the IPsec asked for stands in the first line. */
export function renderAlternatives(result: PlanResult, context: ReportContext): string[] {
  const { alternatives, chosen, chosenClear } = result;
  if (alternatives.length === 0) return [];
  const cells = (title: string, cost: Pick<AlternativeCost, 'wireBytes' | 'packets'>, rest: string[]) => [
    title,
    formatBytes(cost.wireBytes),
    formatChange(costOverClear(cost, chosenClear), chosenClear.wireBytes),
    formatCount(cost.packets),
    ...rest,
  ];
  const ipsec = chosen.mode === 'tunnel' ? 'all IP, ports too' : 'all IP between the hosts';
  return renderTable(
    COLUMNS,
    [
      cells(`(${protectionName(chosen)})`, chosen, [ipsec, 'SAs, e.g. by strongSwan']),
      ...alternatives.map((each) => {
        const { title, protects, needs } = SHORT[each.name];
        return cells(title, each, [protects, needs]);
      }),
    ],
    context,
  );
}

/** Commands to paste: everything that is no command is a comment to the shell. */
export function renderAdvice({ advice }: PlanResult, { width, style }: ReportContext): string[] {
  return advice.flatMap(({ title, where, commands, caution }, i) => [
    ...(i === 0 ? [] : ['']),
    ...wrapText(where === 'shell' ? title : `${title} (in ${where})`, { width, first: '# ', rest: '# ' }).map(
      style.heading,
    ),
    ...commands,
    ...wrapText(caution, { width, first: '#   ', rest: '#   ' }).map(style.faint),
  ]);
}
