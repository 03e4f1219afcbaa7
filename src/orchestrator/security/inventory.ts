import { z } from 'zod';
import { dotted, type Fault, type FieldPath } from '../../scenario/field-path.js';
import { ScenarioDocument } from '../../scenario/scenario-document.js';
import { problemLines, type ScenarioProblem } from '../../scenario/scenario-error.js';
import { type HostPlace, parseHostPlace } from './host-place.js';

/** Who may migrate which guests between which hosts; `tare.inventory/1` (docs/FORMATS.md). */
export interface Inventory {
  /** Login names. */
  readonly operators: readonly string[];
  readonly hosts: Readonly<Record<string, InventoryHost>>;
  readonly guests: Readonly<Record<string, InventoryGuest>>;
  /** Where attempts are recorded; null: in the user's own place. */
  readonly auditLog: string | null;
}

export interface InventoryHost {
  readonly at: HostPlace;
  readonly sudo: boolean;
  /** Network device that migrations go through. */
  readonly device: string;
  /** Of that device, to be used; empty: any. */
  readonly addresses: readonly string[];
  /** Fingerprints, `SHA256:...`; empty: any that ssh knows. */
  readonly hostKeys: readonly string[];
}

/** What a guest is to those who run it. */
export type InventoryGuest =
  /** Tare's own, made for a run. */
  | { readonly kind: 'test' }
  | { readonly kind: 'domain'; readonly domain: string }
  | { readonly kind: 'qmp'; readonly socket: string };

/** An inventory that cannot be used. The message has a line for each problem. */
export class InventoryError extends Error {
  override readonly name = 'InventoryError';
}

const NAME = /^[A-Za-z0-9][\w.-]{0,62}$/;
const FINGERPRINT = /^SHA256:[A-Za-z0-9+/]{43}$/;
const SOME_NAME = 'write a name of letters, digits, dots, hyphens and underscores';

const text = (message: string) => z.string({ error: message });
const name = text(SOME_NAME).regex(NAME, SOME_NAME);
const absolutePath = text('write an absolute path').startsWith('/', 'write an absolute path');

const FINGERPRINTS =
  'write SHA256:... as "ssh-keygen -l -f /etc/ssh/ssh_host_ed25519_key.pub" shows it on the host';
const ADDRESSES = 'write an IP address, or a list of them';
const PLACE = 'write ssh://USER@HOST, ssh://USER@HOST:PORT, or local';

const place = text(PLACE).transform((written, context) => {
  const found = parseHostPlace(written);
  if (found !== null) return found;
  context.addIssue({ code: 'custom', message: PLACE });
  return z.NEVER;
});

const host = z.strictObject({
  at: place,
  sudo: z.boolean({ error: 'write true or false' }).default(false),
  device: text('write the name of a network device, such as eth1').regex(
    /^[^\s/,]{1,15}$/,
    'write the name of a network device, such as eth1',
  ),
  address: oneOrMore(z.union([z.ipv4(), z.ipv6()], { error: ADDRESSES }), ADDRESSES),
  hostKey: oneOrMore(text(FINGERPRINTS).regex(FINGERPRINT, FINGERPRINTS), FINGERPRINTS),
});

const GUEST = 'write test: true, domain: NAME, or qmp: SOCKET';
const guest = z
  .strictObject({
    test: z.literal(true, { error: 'write true' }).optional(),
    domain: text('write the name of a libvirt domain').min(1).optional(),
    qmp: absolutePath.optional(),
  })
  .transform(({ test, domain, qmp }, context): InventoryGuest => {
    const kinds: InventoryGuest[] = [
      ...(test === undefined ? [] : [{ kind: 'test' as const }]),
      ...(domain === undefined ? [] : [{ kind: 'domain' as const, domain }]),
      ...(qmp === undefined ? [] : [{ kind: 'qmp' as const, socket: qmp }]),
    ];
    if (kinds.length === 1) return kinds[0]!;
    context.addIssue({ code: 'custom', message: GUEST });
    return z.NEVER;
  });

const inventorySchema = z.strictObject({
  schema: z.literal('tare.inventory/1', { error: 'write tare.inventory/1' }),
  operators: z.array(text('write a login name').min(1, 'write a login name'), {
    error: 'write a list of login names',
  }),
  hosts: z.record(name, host, { error: 'write hosts by name' }),
  guests: z.record(name, guest, { error: 'write guests by name' }).default({}),
  auditLog: absolutePath.optional(),
});

/**
 * @param path of the file, for messages
 * @throws InventoryError with everything that is wrong, each with its field, line and column
 */
export function parseInventory(content: string, path: string): Inventory {
  const document = new ScenarioDocument(content, 'inventory');
  const fail = (problems: readonly ScenarioProblem[]): never => {
    throw new InventoryError(problemLines(problems, path).join('\n'));
  };
  if (document.problems.length > 0) return fail(document.problems);
  const read = inventorySchema.safeParse(document.value);
  if (!read.success) {
    const faults = read.error.issues.flatMap(faultsOf);
    return fail(faults.map((fault) => document.locate(fault)));
  }
  const { operators, hosts, guests, auditLog } = read.data;
  const entries = Object.entries(hosts).map(([key, { address, hostKey, ...rest }]) => [
    key,
    { ...rest, addresses: address, hostKeys: hostKey },
  ]);
  return { operators, hosts: Object.fromEntries(entries), guests, auditLog: auditLog ?? null };
}

function faultsOf(issue: z.core.$ZodIssue): Fault[] {
  const path = issue.path as FieldPath;
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({ path: [...path, key], message: 'unknown field', isKey: true }));
  }
  if (issue.code === 'invalid_key') return [{ path, message: SOME_NAME, isKey: true }];
  if (issue.code === 'invalid_type' && issue.expected === 'object') {
    const what = dotted(path);
    return [{ path, message: what === '' ? 'this is no inventory' : 'write its fields below it' }];
  }
  return [{ path, message: issue.message }];
}

/** Empty if it is left out. */
function oneOrMore<Item extends z.ZodType<string>>(item: Item, error: string) {
  return z.union([item.transform((one) => [one]), z.array(item)], { error }).default([]);
}
