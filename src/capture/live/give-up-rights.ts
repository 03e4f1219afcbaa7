import { execFileSync } from 'node:child_process';
import { loadNativeAddon } from './native-addon.js';

/** As whom a capture goes on once the interface is open. */
export interface CaptureUser {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
}

/** Whom files need not belong to. */
export const NOBODY: CaptureUser = { name: 'nobody', uid: 65_534, gid: 65_534 };

/** There is no such user. */
export class UnknownUserError extends Error {
  override readonly name = 'UnknownUserError';
}

/**
 * Who is to go on: of root the one who called sudo, else nobody; null for whoever is not root, or is to stay it.
 * @param wanted name of a user; undefined for these
 * @throws UnknownUserError
 */
export function chooseUser(
  wanted: string | undefined,
  env: NodeJS.ProcessEnv = process.env,
): CaptureUser | null {
  if (process.geteuid?.() !== 0) return null;
  if (wanted === 'root') return null;
  if (wanted !== undefined) return findUser(wanted);
  const uid = Number(env['SUDO_UID']);
  const gid = Number(env['SUDO_GID']);
  if (!Number.isInteger(uid) || !Number.isInteger(gid) || uid <= 0 || gid <= 0) return NOBODY;
  return { name: env['SUDO_USER'] ?? String(uid), uid, gid };
}

/** Asks `id`, which knows users of any directory service. */
function findUser(name: string): CaptureUser {
  const ask = (option: string): number =>
    Number(
      execFileSync('id', [option, '--', name], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }),
    );
  try {
    return { name, uid: ask('-u'), gid: ask('-g') };
  } catch (cause) {
    throw new UnknownUserError(`there is no user ${name}`, { cause });
  }
}

/**
 * Gives up what was needed to open the interface, for all threads and for good: from root to `user`, otherwise by dropping
 * capabilities.
 * @param user null: stay who we are
 * @returns what happened, a sentence for the user; empty if there was nothing to give up
 */
export function giveUpRights(user: CaptureUser | null): string {
  if (user === null) return process.geteuid?.() === 0 ? 'still root, as asked for' : dropCapabilities();
  try {
    process.setgroups?.([user.gid]);
    process.setgid?.(user.gid);
    // From root to another user, the kernel takes all capabilities along.
    process.setuid?.(user.uid);
    return `root's rights given up: going on as ${user.name}`;
  } catch {
    // A user namespace may not have that user.
    return dropCapabilities() || `rights could not be given up: there is no user ${user.name} here`;
  }
}

function dropCapabilities(): string {
  const left = loadNativeAddon().dropCapabilities();
  if (left === 0) return 'capabilities given up';
  // Node's thread that waits for a debugger blocks every signal, so that it cannot be asked; it runs no code of ours.
  return left < 0 ? '' : `capabilities given up, but for ${left} idle thread${left === 1 ? '' : 's'} of Node`;
}
