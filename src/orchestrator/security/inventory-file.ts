import { createHash } from 'node:crypto';
import { closeSync, existsSync, fstatSync, openSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { getSystemErrorMap } from 'node:util';
import { type Inventory, InventoryError, parseInventory } from './inventory.js';

/** An inventory as it was when it was read. */
export interface InventoryFile {
  readonly path: string;
  /** Of the file, hexadecimal. */
  readonly sha256: string;
  readonly inventory: Inventory;
}

/** Where an inventory is looked for that nobody names. */
export function defaultInventoryPath(env: NodeJS.ProcessEnv = process.env): string {
  return join(env['XDG_CONFIG_HOME'] || join(homedir(), '.config'), 'tare', 'inventory.yaml');
}

/**
 * @param path null: the default place
 * @returns null if none was named and there is none
 * @throws InventoryError if it cannot be read, is none, or somebody else can change it
 */
export function readInventoryFile(path: string | null): InventoryFile | null {
  const place = path ?? defaultInventoryPath();
  if (path === null && !existsSync(place)) return null;
  const content = readGuarded(place);
  const sha256 = createHash('sha256').update(content).digest('hex');
  return { path: place, sha256, inventory: parseInventory(content.toString('utf8'), place) };
}

/** Larger is no inventory; `parseInventory` says so. */
const MAX_BYTES = 1 << 20;

function readGuarded(path: string): Buffer {
  let file: number;
  try {
    file = openSync(path, 'r');
  } catch (error) {
    const { errno = 0, message } = error as NodeJS.ErrnoException;
    throw new InventoryError(
      `cannot read the inventory ${path}: ${getSystemErrorMap().get(errno)?.[1] ?? message}`,
    );
  }
  try {
    const { uid, mode, size } = fstatSync(file);
    const isFile = (mode & 0o170000) === 0o100000;
    if (!isFile || size > MAX_BYTES) throw new InventoryError(`${path} is no inventory`);
    if ((mode & 0o022) !== 0) {
      throw new InventoryError(
        `${path} can be written by others, who could list themselves: chmod go-w ${path}`,
      );
    }
    if (uid !== 0 && uid !== process.geteuid?.()) {
      throw new InventoryError(
        `${path} belongs to another user, who could list himself: it must be yours or root's`,
      );
    }
    return readFileSync(file);
  } finally {
    closeSync(file);
  }
}
