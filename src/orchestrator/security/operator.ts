import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { userInfo } from 'node:os';

/** Who runs Tare, as well as this machine knows. */
export interface Operator {
  readonly name: string;
  readonly userId: number;
  /**
   * What says so: `login`, the id that PAM gave the session at login, which is handed down and outlasts su and sudo; `sudo`, what sudo noted
   * in the environment; `user`, the user of this process. Root can forge the first two, and be anybody.
   */
  readonly identifiedBy: 'login' | 'sudo' | 'user';
}

/** What is read of this process and this machine. */
export interface OperatorSources {
  /** Of this process. */
  readonly userId: number;
  /** Content of /proc/self/loginuid; empty if there is none. */
  readonly loginId: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Login name of a user id; null if nobody has it. */
  readonly nameOf: (userId: number) => string | null;
}

/** (uid_t) -1: nobody has logged in. */
const NO_LOGIN = 0xffff_ffff;

export function identifyOperator(sources: OperatorSources = ownSources()): Operator {
  const { userId, loginId, env, nameOf } = sources;
  const login = readId(loginId);
  const loginName = login === null || login === NO_LOGIN ? null : nameOf(login);
  if (login !== null && loginName !== null) {
    return { name: loginName, userId: login, identifiedBy: 'login' };
  }
  const sudoId = userId === 0 ? readId(env['SUDO_UID'] ?? '') : null;
  const sudoName = sudoId === null ? null : nameOf(sudoId);
  if (sudoId !== null && sudoName !== null) return { name: sudoName, userId: sudoId, identifiedBy: 'sudo' };
  return { name: nameOf(userId) ?? `uid ${userId}`, userId, identifiedBy: 'user' };
}

function readId(text: string): number | null {
  return /^\d{1,10}\s*$/.test(text) ? Number(text) : null;
}

function ownSources(): OperatorSources {
  return {
    userId: process.geteuid?.() ?? userInfo().uid,
    loginId: readText('/proc/self/loginuid'),
    env: process.env,
    nameOf: lookUpName,
  };
}

/** By the machine's own directory, which may be more than /etc/passwd. */
function lookUpName(userId: number): string | null {
  try {
    const entry = execFileSync('getent', ['passwd', String(userId)], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    return entry.split(':')[0] || null;
  } catch {
    return null;
  }
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
