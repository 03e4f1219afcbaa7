import type { HostErrorReason } from './host-error.js';

export interface SshFailure {
  readonly reason: HostErrorReason;
  readonly message: string;
}

/** What OpenSSH says, the most telling first. */
const FAILURES: readonly { said: RegExp; reason: HostErrorReason; advice: string }[] = [
  {
    said: /REMOTE HOST IDENTIFICATION HAS CHANGED|Host key for .* has changed/,
    reason: 'host-key-changed',
    advice:
      'its host key is not the one known: somebody may listen in. If the host was set up anew, remove the old key with ssh-keygen -R and check the new one',
  },
  {
    said: /No \S+ host key is known for|Host key verification failed/,
    reason: 'host-key-unknown',
    advice: 'its host key is not known: log in once with ssh and check its fingerprint',
  },
  {
    said: /Permission denied|Too many authentication failures|No more authentication methods/,
    reason: 'permission-denied',
    advice: 'ssh may not log in without a password: load the key into an agent or name it in ~/.ssh/config',
  },
  {
    said: /Could not resolve hostname|Connection (refused|reset|timed out|closed)|No route to host|Network is unreachable|Operation timed out|kex_exchange_identification|Broken pipe|not responding/,
    reason: 'unreachable',
    advice: 'ssh does not reach it',
  },
  {
    said: /[Bb]ad configuration option|terminating, \d+ bad|command-line line/,
    reason: 'unsupported',
    advice: 'ssh rejects its configuration',
  },
];

/**
 * Why a connection failed, from what ssh wrote on standard error.
 * @param name of the host, as the user knows it
 */
export function explainSshFailure(stderr: string): SshFailure {
  const said = stderr.replaceAll('\r', '').trim();
  const known = FAILURES.find((failure) => failure.said.test(said));
  const quote = lastLine(said);
  if (known === undefined)
    return { reason: 'unreachable', message: `ssh failed${quote === '' ? '' : `: ${quote}`}` };
  return { reason: known.reason, message: `${known.advice} (ssh: ${quote})` };
}

function lastLine(text: string): string {
  return text.split('\n').at(-1)?.trim() ?? '';
}
